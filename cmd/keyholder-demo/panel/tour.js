// The tour: what to try, ticked by the server as it happens.
import { draw, h, words } from './dom.js';
import { forward, freshWorld, restart } from './api.js';

let asking = null; // the tour whose fresh world is asked about; null for none

export function drawTour(place, state, show) {
  const { steps, current, note, id, lead, others, links } = state.tour;
  const again = which => {
    const was = asking;
    asking = which;
    drawTour(place, state, show);
    const at = place.querySelector(which === null ? `[data-key="fresh-${was}"]` : '[data-key="fresh-keep"]');
    if (at) at.focus();
  };
  const done = steps.filter(s => s.done).length;
  const stale = id === '' && current !== steps.length && state.accounts[0].owner.email === state.mailbox;
  draw(place, [state.tour, asking], () => [
    h('p', { class: 'top' }, h('span', {}, current === steps.length ? 'All done.' : lead),
      h('button', { type: 'button', class: 'link', key: 'restart', onclick: restart, title: 'Takes the ticks away, nothing else' }, 'Restart')),
    h('progress', { max: steps.length, value: done, 'aria-label': 'Steps done' }),
    note ? h('p', { class: 'note' }, words(note, goTo(links, 'note', show))) : null,
    state.fresh && stale ? fresh(id, again) : null,
    h('ol', { 'aria-label': 'Things to try' }, steps.map((s, i) => step(s, i, i === current, show, links))),
    current === steps.length ? finished(state, again) : null,
    state.fresh ? more(others, again) : null,
  ]);
}

// goTo makes a name of a step a link: to a tab of the panel, or to somebody's card or, "Dee in #room", a channel.
function goTo(links, step, show, at) {
  return name => {
    const [who, room] = name.split(/ in (?=#)/);
    const tab = { Meddle: 'meddle', 'integrator.io': 'mail' }[name];
    const to = { ...links[who], ...(room ? { ...links[room], as: links[who].as, ts: '' } : {}) };
    const does = tab ? `Opens the tab ${name}` : `Act as ${who}, ${room ? 'in ' + room : 'in the conversation with keyholder'}`;
    return h('button', { type: 'button', class: 'link', key: `go-${step}-${name}`, title: does, onclick: () => tab ? show(tab, at) : window.parent.postMessage({ show: to }, location.origin) }, name);
  };
}

const places = { time: 'Go to the time', mail: 'Go to the mail', meddle: 'Go to Meddle' };

function step(s, i, current, show, links) {
  const name = h('span', { class: 'name' }, s.title, h('span', { class: 'quiet' }, s.done ? ', done' : s.missed ? ', passed by' : current ? ', now' : ', to do'));
  const mark = h('span', { class: 'mark', 'aria-hidden': 'true' }, s.done ? '✓' : s.missed ? '–' : String(i + 1));
  const what = h('p', { class: 'what' }, s.missed ? 'This was passed by: it comes only before what happened meanwhile. ' : null, words(s.text, goTo(links, s.id, show, s.at)));
  const todo = !s.done && !s.missed;
  const go = [
    todo && s.jump ? h('p', { class: 'what' }, h('button', { type: 'button', key: 'jump-' + s.id, onclick: () => forward(s.jump, `The time moved ahead: ${s.jump / 86400} days.`) }, `+${s.jump / 86400} days`)) : null,
    todo && s.show ? h('p', { class: 'what' }, h('button', { type: 'button', class: 'link', key: 'show-' + s.id, onclick: () => show(s.show, s.at) }, places[s.show])) : null,
  ];
  const look = ['step', s.done && 'done', current && 'current'].filter(Boolean).join(' ');
  if (current) return h('li', { class: look, 'aria-current': 'step' }, h('p', { class: 'line' }, mark, name), what, go);
  return h('li', {}, h('details', { class: look, key: 'step-' + s.id }, h('summary', { class: 'line', key: 'line-' + s.id }, mark, name), what, go));
}

// fresh starts the demo over, all of it, once it was said that nothing here is to be kept.
function fresh(tour, again, label = 'Start a fresh world…', does = ' Jane owns the account again, and nothing has happened yet.') {
  if (asking !== tour) return h('p', {}, h('button', { type: 'button', class: tour === '' ? 'primary' : null, key: 'fresh-' + tour, onclick: () => again(tour) }, label), does);
  return h('p', { role: 'group', 'aria-label': 'Start a fresh world?' }, 'Everything that happened here is gone then: messages, cards, and the record. ',
    h('button', { type: 'button', class: 'primary', key: 'fresh-yes', onclick: () => { asking = null; freshWorld(tour); } }, 'Yes, start afresh'), ' ',
    h('button', { type: 'button', key: 'fresh-keep', onclick: () => again(null) }, 'Keep this one'));
}

// more are the other tours, each in a world of its own.
function more(others, again) {
  return h('section', { class: 'item', 'aria-label': 'More to try' }, h('p', {}, h('strong', {}, 'More to try')), h('p', { class: 'does' }, 'Each begins in a fresh world.'),
    others.map(o => fresh(o.id, again, o.title + '…', '')));
}

function finished(state, again) {
  return h('div', { class: 'item' }, h('p', {}, h('strong', {}, state.tour.end)),
    h('p', {}, words('What next: break things under *Meddle*, or start with `make demo ARGS="--faults --seed 7"`, and both services misbehave.')),
    state.fresh && state.tour.id === '' ? fresh('', again) : null);
}
