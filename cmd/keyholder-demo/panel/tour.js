// The tour: what to try, ticked by the server as it happens.
import { draw, h, words } from './dom.js';
import { freshWorld, restart } from './api.js';

let asking = false; // whether a fresh world is asked about

export function drawTour(place, state, show) {
  const { steps, current, note } = state.tour;
  const again = yes => { asking = yes; drawTour(place, state, show); const at = place.querySelector(yes ? '[data-key="fresh-keep"]' : '[data-key="fresh"]'); if (at) at.focus(); };
  const done = steps.filter(s => s.done).length;
  draw(place, [state.tour, asking], () => [
    h('p', { class: 'top' }, h('span', {}, current === steps.length ? 'All done.' : 'Jane owns Acme Production and leaves in two weeks.'),
      h('button', { type: 'button', class: 'link', key: 'restart', onclick: restart, title: 'Takes the ticks away, nothing else' }, 'Restart')),
    h('progress', { max: steps.length, value: done, 'aria-label': 'Steps done' }),
    note ? h('p', { class: 'note' }, note) : null,
    state.fresh && current !== steps.length && state.accounts[0].owner.email === state.mailbox ? fresh(again) : null,
    h('ol', { 'aria-label': 'Things to try' }, steps.map((s, i) => step(s, i, i === current, show))),
    current === steps.length ? finished(state, again) : null,
  ]);
}

function step(s, i, current, show) {
  const name = h('span', { class: 'name' }, s.title, h('span', { class: 'quiet' }, s.done ? ', done' : s.missed ? ', passed by' : current ? ', now' : ', to do'));
  const mark = h('span', { class: 'mark', 'aria-hidden': 'true' }, s.done ? '✓' : s.missed ? '–' : String(i + 1));
  const what = h('p', { class: 'what' }, s.missed ? 'This was passed by: it comes only before what happened meanwhile. ' : null, words(s.text));
  const go = s.show && !s.done && !s.missed ? h('p', { class: 'what' }, h('button', { type: 'button', class: 'link', key: 'show-' + s.id, onclick: () => show(s.show) }, s.show === 'time' ? 'Go to the time' : 'Go to the mail')) : null;
  const look = ['step', s.done && 'done', current && 'current'].filter(Boolean).join(' ');
  if (current) return h('li', { class: look, 'aria-current': 'step' }, h('p', { class: 'line' }, mark, name), what, go);
  return h('li', {}, h('details', { class: look, key: 'step-' + s.id }, h('summary', { class: 'line', key: 'line-' + s.id }, mark, name), what, go));
}

// fresh starts the demo over, all of it, once it was said that nothing here is to be kept.
function fresh(again) {
  if (!asking) return h('p', {}, h('button', { type: 'button', class: 'primary', key: 'fresh', onclick: () => again(true) }, 'Start a fresh world…'), ' Jane owns the account again, and nothing has happened yet.');
  return h('p', { role: 'group', 'aria-label': 'Start a fresh world?' }, 'Everything that happened here is gone then: messages, cards, and the record. ',
    h('button', { type: 'button', class: 'primary', key: 'fresh-yes', onclick: () => { asking = false; freshWorld(); } }, 'Yes, start afresh'), ' ',
    h('button', { type: 'button', key: 'fresh-keep', onclick: () => again(false) }, 'Keep this one'));
}

function finished(state, again) {
  return h('div', { class: 'item' }, h('p', {}, h('strong', {}, 'The account belongs to a mailbox that three people can open.')),
    h('p', {}, words('What next: break things under *Meddle*, or start with `make demo ARGS="--faults --seed 7"`, and both services misbehave.')),
    state.fresh ? fresh(again) : null);
}
