// People to act as, and the conversations of the one who acts.
import { $, h, icon, keepFocus } from './dom.js';
import { avatar } from './avatar.js';
import { countText, dmOf, flagOf, kindOf, store, unreadIn, unreadTotal } from './store.js';

let drawn = {};

// replace redraws a list only when what it shows changed, and keeps the focus.
function replace(id, key, make) {
  const text = JSON.stringify(key);
  if (drawn[id] === text) return;
  drawn[id] = text;
  keepFocus($(id), () => $(id).replaceChildren(...make().filter(Boolean)));
}

function badge(n, what) { return n ? h('span', { class: 'badge' }, countText(n), h('span', { class: 'quiet' }, ` unread ${what}`)) : null; }

// actors are the people, those who can act first.
export function actors() {
  const people = store.people.filter(p => !p.is_bot);
  return [...people.filter(p => !p.deleted), ...people.filter(p => p.deleted)];
}

function person(p, i, go) {
  const n = unreadTotal(p.id), flag = flagOf(p), kind = kindOf(p), me = p.id === store.me;
  return h('li', {}, h('button', { type: 'button', class: ['person', me && 'current', n && 'fresh', p.deleted && 'gone'], 'aria-current': me ? 'true' : null, disabled: p.deleted || null,
    title: [p.real_name, kind, p.deleted ? 'cannot act' : i < 9 ? `Alt+${i + 1}` : ''].filter(Boolean).join(' · '), dataset: { block: 'person', action: p.id }, onclick: () => go(p.id) },
    avatar(p.id),
    h('span', { class: 'who' }, h('span', { class: 'name' }, p.real_name), kind || flag ? h('small', {}, flag ? h('span', { class: 'flag' }, flag) : null, kind && kind.toLowerCase() !== flag ? ' ' + kind : null) : null),
    badge(n, n === 1 ? 'message' : 'messages')));
}

function place(key, text, look, current, n, run) {
  return h('li', {}, h('button', { type: 'button', class: ['place', current && 'current', n && 'fresh'], 'aria-current': current ? 'page' : null, dataset: { block: 'place', action: key }, onclick: run },
    look, h('span', { class: 'label' }, text), badge(n, n === 1 ? 'message' : 'messages')));
}

// drawSidebar shows people, channels and the app. go changes the person, open the conversation, openApp the app's tab.
export function drawSidebar({ go, open, openApp }) {
  $('team').textContent = store.team.name;
  $('link-text').textContent = store.offline ? 'Simulator is away' : store.connections ? `${store.app.name} is connected` : `${store.app.name} is not connected`;
  $('link').className = !store.offline && store.connections ? 'on' : 'off';
  const people = actors();
  replace('people', [people, people.map(p => unreadTotal(p.id)), store.me], () => people.map((p, i) => person(p, i, go)));
  const mine = store.channels.filter(c => !c.im && c.members.includes(store.me));
  replace('channels', [mine, mine.map(c => unreadIn(store.me, c.id)), store.where, store.me], () => mine.length ? mine.map(c =>
    place(c.id, c.mpim ? 'Group message' : c.name, icon(c.private ? 'lock' : 'hash'), c.id === store.where, unreadIn(store.me, c.id), () => open(c.id))) : [h('li', { class: 'nothing' }, 'No channels')]);
  const dm = dmOf(store.me);
  const n = dm ? unreadIn(store.me, dm.id) : 0;
  const here = store.where === 'app' || Boolean(dm) && store.where === dm.id;
  replace('apps', [dm && dm.id, n, here, store.me, store.app], () => [place('app', store.app.name, avatar(store.app.user, true), here, n, () => openApp())]);
  const total = people.reduce((sum, p) => sum + unreadTotal(p.id), 0);
  const me = store.users[store.me];
  document.title = (total ? `(${countText(total)}) ` : '') + (me ? me.real_name + ' · ' : '') + store.team.name;
  $('menu-badge').hidden = !total;
}
