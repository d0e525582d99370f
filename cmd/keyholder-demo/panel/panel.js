// The panel beside the page: the tour, integrator.io as its simulator sees it, what one may do behind the bot's back, and the time.
import { drawTour } from './tour.js';
import { drawAccount, focusMail } from './account.js';
import { drawMeddle } from './meddle.js';
import { draw, h } from './dom.js';
import { code, forward, say } from './api.js';

const $ = id => document.getElementById(id);
const tabs = [...document.querySelectorAll('[role="tab"]')];
let offset = 0; // the demo's time minus this machine's, in milliseconds
let state = null;

const now = () => new Date(Date.now() + offset);

// Tabs, as the ARIA practices have them: arrows move, Tab goes into the panel.
export function choose(tab, focus = false) {
  for (const t of tabs) {
    const on = t === tab;
    t.setAttribute('aria-selected', String(on));
    t.tabIndex = on ? 0 : -1;
    $(t.getAttribute('aria-controls')).hidden = !on;
  }
  if (focus) tab.focus();
  document.querySelector('main').scrollTop = 0;
}

tabs.forEach((tab, i) => {
  tab.addEventListener('click', () => choose(tab));
  tab.addEventListener('keydown', event => {
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(tabs[(to + tabs.length) % tabs.length], true);
  });
});

// The authenticator app, for those who have no phone at hand. It forgets each key at once.
$('phone').querySelector('form').addEventListener('submit', async event => {
  event.preventDefault();
  try {
    const shown = await code($('phone-key').value);
    $('phone-code').textContent = shown.code;
    say(`The code ${shown.code} is shown for ${shown.left} more seconds, and serves once.`);
  } catch (problem) {
    $('phone-code').textContent = '';
    say('✗ ' + problem.message, true);
  }
});

// show brings somebody from the tour to the place where its step is pressed, at the control with that key.
function show(place, at) {
  if (place === 'time') {
    document.querySelector('[data-seconds="86400"]').focus();
    return;
  }
  if (place === 'meddle') {
    choose($('tab-meddle'));
    (at && $('meddle').querySelector(`[data-key="${CSS.escape(at)}"]`) || $('meddle').querySelector('button') || $('meddle')).focus();
    return;
  }
  choose($('tab-account'));
  focusMail();
}

function tick() {
  if (!state) return;
  $('now').textContent = now().toLocaleString([], { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  $('now').dateTime = now().toISOString();
  const ahead = Math.floor(state.ahead / 60);
  const parts = [[Math.floor(ahead / 1440), 'day'], [Math.floor(ahead / 60) % 24, 'hour'], [ahead % 60, 'minute']].filter(([n]) => n > 0);
  $('ahead').textContent = parts.length ? parts.map(([n, unit]) => `${n} ${unit}${n === 1 ? '' : 's'}`).join(' ') + ' ahead' : '';
}

// drawHappened lists what the bot did when the time was moved.
function drawHappened() {
  const box = $('happened');
  box.hidden = !state.jumped;
  draw(box.querySelector('ul'), state.happened, () => state.happened.length ? state.happened.map(x => h('li', {}, h('strong', {}, x.to.join(', ') + ': '), x.text)) : h('li', { class: 'faint' }, 'Nothing yet.'));
}

let ticked = null;

// tellTicks says which steps were done just now.
function tellTicks() {
  const done = state.tour.steps.filter(s => s.done).map(s => s.title);
  const fresh = ticked && done.filter(title => !ticked.includes(title));
  if (fresh && fresh.length) say('✓ Tour: ' + fresh.join('; ') + '.');
  ticked = done;
}

function drawAll() {
  $('phone').hidden = !state.codes;
  $('faults').hidden = !state.faults;
  $('faults').textContent = `Slack and integrator.io misbehave on purpose (seed ${state.seed}): answers come late, twice or not at all. Nothing should be lost or doubled.`;
  drawHappened();
  drawTour($('tour'), state, show);
  drawAccount($('account'), state, now());
  drawMeddle($('meddle'), state);
  tick();
}

for (const b of document.querySelectorAll('[data-seconds]')) {
  b.addEventListener('click', () => forward(Number(b.dataset.seconds), `The time moved ahead: ${b.getAttribute('aria-label') || b.textContent}.`));
}

const stream = new EventSource('events');
let lost = false;
stream.addEventListener('state', event => {
  state = JSON.parse(event.data);
  offset = new Date(state.now) - Date.now();
  if (lost) { lost = false; say('The demo is back.'); }
  drawAll();
  tellTicks();
});
stream.addEventListener('error', () => {
  if (!lost) say('The demo does not answer. Is it still running?', true);
  lost = true;
});
setInterval(tick, 500);
setInterval(() => state && drawAccount($('account'), state, now()), 30000); // "3 minutes ago" goes on by itself

// The theme follows the system, or the page around if it says another one: as data-theme on its root, or as a message.
function theme(name) {
  if (name === 'light' || name === 'dark') document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
}
window.addEventListener('message', event => {
  if (event.origin === location.origin && event.data && typeof event.data === 'object' && 'theme' in event.data) theme(event.data.theme);
});
if (window.parent !== window) {
  try {
    const root = window.parent.document.documentElement;
    const follow = () => theme(root.dataset.theme);
    new MutationObserver(follow).observe(root, { attributes: true, attributeFilter: ['data-theme'] });
    follow();
  } catch { /* framed by another origin: the system's theme holds */ }
}
