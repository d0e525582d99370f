// The messages of one conversation: a window over its history, never more than a few hundred in the page.
import { $, announce, h, keepFocus, sync } from './dom.js';
import { call, query } from './api.js';
import { avatar } from './avatar.js';
import { dateOf, dayText } from './dates.js';
import { closeTo, messageNode, textOf } from './message.js';
import { on, store } from './store.js';
import { openThread } from './thread.js';
import { insertText } from './composer.js';

const step = 60;  // messages loaded at a time
const most = 240; // messages in the page

const box = $('messages');
let shown = null;       // {user, channel, list, older, newer, seen}: what the page shows
let nodes = new Map();  // ts -> {node, m, compact}
let missed = 0;         // new messages below the window
let asking = false;

// show opens a conversation; the messages come in a moment.
export async function show(user, channel) {
  const mine = shown = { user, channel, list: [], late: [], older: false, newer: false, loading: true, seen: (store.read[user] || {})[channel] || '' };
  nodes = new Map();
  missed = 0;
  draw(true);
  if (!channel) { mine.loading = false; draw(true); return; }
  const page = await call('history?' + query({ as: user, channel, limit: step }));
  if (shown !== mine) return;
  Object.assign(mine, { list: page.messages, older: page.older, newer: page.newer, loading: false });
  if (!mine.seen) mine.seen = '~';
  mine.until = page.messages.length ? page.messages[page.messages.length - 1].ts : '';
  for (const event of mine.late.splice(0)) take(event);
  draw(true);
  const first = box.querySelector('.new-line');
  if (first && page.messages.length) first.scrollIntoView({ block: 'center' });
  if (mine.at) toMessage(mine.at);
  look();
  requestAnimationFrame(edges);
}

export function clear() { shown = null; nodes = new Map(); box.replaceChildren(); pill(); }

function atEnd() { return box.scrollHeight - box.scrollTop - box.clientHeight < 80; }

// look tells the simulator that the newest message shown has been seen.
function look() {
  if (!shown || shown.newer || !shown.list.length || document.visibilityState !== 'visible') return;
  const ts = store.newestIn[shown.channel] || shown.list[shown.list.length - 1].ts;
  if (ts > ((store.read[shown.user] || {})[shown.channel] || '') || (store.unread[shown.user] || {})[shown.channel]) {
    call('read', { user: shown.user, channel: shown.channel, message_ts: ts }).catch(() => {});
  }
}

function nodeOf(m, before) {
  const compact = closeTo(before, m);
  const old = nodes.get(m.ts);
  if (old && old.m === m && old.compact === compact) return old.node;
  const node = messageNode(m, shown.channel, { compact, openThread: ts => openThread(shown.channel, ts) });
  if (old && old.node.contains(document.activeElement)) keepFocus(old.node, () => { old.node.replaceChildren(...node.childNodes); old.node.className = node.className; });
  const kept = old && old.node.contains(document.activeElement) ? old.node : node;
  nodes.set(m.ts, { node: kept, m, compact });
  return kept;
}

function draw(toEnd) {
  const end = toEnd || atEnd();
  const anchor = end ? null : firstVisible();
  const children = [shown.older ? h('p', { class: 'more-above' }, 'Loading older messages…') : shown.loading ? h('p', { class: 'more-above loading' }, 'Loading…') : intro()];
  let before = null, day = '', marked = false;
  for (const m of shown.list) {
    const today = dateOf(m.ts).toDateString();
    const fresh = !marked && m.ts > shown.seen && m.ts <= shown.until && m.user !== shown.user;
    if (today !== day) { children.push(h('div', { class: 'day', role: 'separator' }, h('span', {}, dayText(dateOf(m.ts))))); before = null; }
    if (fresh) { children.push(h('div', { class: 'new-line', role: 'separator' }, h('span', {}, 'New'))); before = null; marked = true; }
    children.push(nodeOf(m, before));
    before = m;
    day = today;
  }
  sync(box, children);
  if (end) box.scrollTop = box.scrollHeight;
  else if (anchor && anchor.node.isConnected) box.scrollTop += anchor.node.getBoundingClientRect().top - anchor.top;
  pill();
}

function firstVisible() {
  const top = box.getBoundingClientRect().top;
  for (const node of box.querySelectorAll('.message')) {
    const at = node.getBoundingClientRect();
    if (at.bottom > top) return { node, top: at.top };
  }
  return null;
}

// intro stands above the first message.
function intro() {
  const c = store.channel[shown.channel];
  const commands = h('div', { class: 'try' }, store.commands.map(k => h('button', { type: 'button', onclick: () => insertText(k.command + ' ') }, h('code', {}, k.command), ' ', h('span', {}, k.description))));
  if (!c || c.im) {
    return h('div', { class: 'intro' }, avatar(store.app.user), h('h3', {}, store.app.name), h('p', {}, `This is your direct message with the app ${store.app.name}.`), store.commands.length ? commands : null);
  }
  return h('div', { class: 'intro' }, h('h3', {}, (c.private ? '' : '#') + c.name), h('p', {}, `This is the beginning of ${c.private ? 'the private channel' : 'the channel'} ${c.name}. ${c.members.length} members.`), store.commands.length ? commands : null);
}

function pill() {
  const at = $('jump');
  at.hidden = !shown || !(missed || shown.newer);
  $('jump-text').textContent = missed ? (missed === 1 ? '1 new message' : `${missed} new messages`) : 'Newest messages';
}

async function older() {
  if (asking || !shown || !shown.older || !shown.list.length) return;
  asking = true;
  const mine = shown;
  try {
    const page = await call('history?' + query({ as: mine.user, channel: mine.channel, before: mine.list[0].ts, limit: step }));
    if (shown !== mine) return;
    mine.list = [...page.messages, ...mine.list];
    mine.older = page.older;
    if (mine.list.length > most) { mine.list.length = most; mine.newer = true; forget(); }
    draw(false);
  } finally { asking = false; }
  requestAnimationFrame(edges);
}

// edges loads more where the window over the history comes near its end.
function edges() {
  if (box.scrollTop < 600) older();
  if (shown && shown.newer && box.scrollHeight - box.scrollTop - box.clientHeight < 600) newer();
}

async function newer() {
  if (asking || !shown || !shown.newer || !shown.list.length) return;
  asking = true;
  const mine = shown;
  try {
    const page = await call('history?' + query({ as: mine.user, channel: mine.channel, after: mine.list[mine.list.length - 1].ts, limit: step }));
    if (shown !== mine) return;
    mine.list = [...mine.list, ...page.messages];
    mine.newer = page.newer;
    if (!mine.newer) missed = 0;
    trim();
    const stay = box.scrollTop;
    draw(false);
    if (box.scrollTop > stay + 400) box.scrollTop = stay;
  } finally { asking = false; }
}

// trim drops the oldest messages of a window that has grown too long.
function trim() {
  if (shown.list.length <= most) return;
  shown.list = shown.list.slice(-(most - step));
  shown.older = true;
  forget();
}

function forget() {
  const keep = new Set(shown.list.map(m => m.ts));
  for (const ts of nodes.keys()) if (!keep.has(ts)) nodes.delete(ts);
}

export function toNewest() {
  if (!shown) return;
  missed = 0;
  if (shown.newer) show(shown.user, shown.channel);
  else { box.scrollTop = box.scrollHeight; pill(); }
}

// toMessage brings a message into view, as soon as the conversation is there, if it is one of the newest.
export function toMessage(ts) {
  if (!shown) return;
  if (shown.loading) shown.at = ts;
  else box.querySelector(`[data-ts="${CSS.escape(ts)}"]`)?.scrollIntoView({ block: 'nearest' });
}

function visible(m) { return !m.ephemeral_to || m.ephemeral_to === shown.user; }

let waiting = false;

// later draws once for many changes.
function later() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    if (!shown) return;
    draw(false);
    look();
  });
}

function take({ channel, message: m, fresh }) {
  if (!shown || channel !== shown.channel) return;
  if (shown.loading) { shown.late.push({ channel, message: m, fresh }); return; } // what is being loaded may be older than this
  const at = shown.list.findIndex(o => o.ts === m.ts);
  const own = m.user === shown.user;
  if (fresh && !m.deleted && visible(m) && !own) announce(textOf(m));
  if (m.deleted) { if (at >= 0) { shown.list.splice(at, 1); nodes.delete(m.ts); later(); } return; }
  if (m.thread_ts && !m.broadcast || !visible(m)) { look(); return; }
  if (at >= 0) { shown.list[at] = m; later(); return; }
  const last = shown.list[shown.list.length - 1];
  if (last && m.ts < last.ts) return; // older than the window
  if (shown.newer) { missed++; pill(); return; }
  const end = atEnd();
  if (own || end) { shown.list.push(m); trim(); } else { shown.list.push(m); missed++; }
  if (shown.list.length > most * 2) trim();
  later();
  if (own) requestAnimationFrame(() => { box.scrollTop = box.scrollHeight; });
}

on('message', take);
on('sent', form => { if (form.id === 'composer') toNewest(); });
on('people', () => { if (shown) { nodes = new Map(); draw(false); } });

box.addEventListener('scroll', () => {
  edges();
  if (atEnd() && missed && shown && !shown.newer) { missed = 0; pill(); }
}, { passive: true });
document.addEventListener('visibilitychange', look);
new ResizeObserver(() => { if (shown && !missed && stick) box.scrollTop = box.scrollHeight; }).observe(box);
let stick = true;
box.addEventListener('scroll', () => { stick = atEnd(); }, { passive: true });
$('jump').addEventListener('click', toNewest);
