// Modals: the top view of the person's stack. What was typed stays across updates where block_id and action_id stay, and so do the
// focus, the caret and the place scrolled to: an update draws only those blocks anew that are different.
import { $, announce, closeDialog, h, icon, sync } from './dom.js';
import { call, trouble } from './api.js';
import { lookOf, renderOne, usable } from './blocks.js';
import { heldIn } from './fields.js';
import { textObject } from './mrkdwn.js';
import { on, store } from './store.js';

const dialog = $('modal');
const stacks = {};                              // user -> open views
const places = new Map();                       // view -> {at, scrolled}: where a person was when another view covered it
const none = { id: '', hash: '', user: '', look: '' };
let shown = none;
let drawn = new Map();                          // key of a block -> {look, node, reads: {block, element, read, base}}
let parts = null;                               // the elements of the dialog that last as long as the view
let errors = {};
let busy = false;

export function setViews(user, views) { stacks[user] = views; }

// collected is what the fields hold now, as the control API takes it.
function collected() {
  const values = {};
  for (const { block, element, read } of allReads()) (values[block.block_id] ||= {})[element.action_id] = read();
  return values;
}

function allReads() { return [...drawn.values()].flatMap(d => d.reads); }

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// touched is what a person changed since it was drawn, with the kind of field, so that it goes into no other.
function touched() {
  const values = {};
  for (const { block, element, read, base } of allReads()) if (!same(read(), base)) (values[block.block_id] ||= {})[element.action_id] = { type: element.type, value: read() };
  return values;
}

// leave keeps what was typed when another person takes over.
export function leave() {
  if (shown.id && allReads().length) call('fill', { user: shown.user, view_id: shown.id, values: collected() }).catch(() => {});
  if (shown.id) for (const v of stacks[shown.user] || []) if (v.id === shown.id) v.typed = touched();
  forget();
}

function forget() {
  shown = none;
  drawn = new Map();
  parts = null;
  errors = {};
  closeDialog(dialog);
}

async function act(work, wait) {
  if (busy) return;
  busy = true;
  dialog.setAttribute('aria-busy', 'true');
  dialog.classList.toggle('submitting', wait);
  note('');
  try { await work(); } catch (problem) { note(problem.message); } finally {
    busy = false;
    dialog.removeAttribute('aria-busy');
    dialog.classList.remove('submitting');
  }
}

function note(text) {
  const place = dialog.querySelector('.note');
  if (place) { place.textContent = text; place.hidden = !text; }
}

function failure(result) {
  if (result.error === 'operation_timeout' || result.error === 'dispatch_failed') return 'We had some trouble connecting. Try again?';
  return trouble(result.error) + (result.detail ? ' ' + result.detail : '');
}

function submit(user, view) {
  return act(async () => {
    const before = errors;
    errors = {};
    const result = await call('submit', { user, view_id: view.id, values: collected() });
    errors = result.errors || {};
    if (shown.id !== view.id) return;
    if (Object.keys(errors).length || Object.keys(before).length) redraw();
    if (result.error) note(failure(result));
    const count = Object.keys(errors).length;
    if (count) announce(count === 1 ? 'One field needs attention: ' + Object.values(errors)[0] : `${count} fields need attention.`);
  }, true);
}

function close(user, view, all) {
  return act(async () => {
    errors = {};
    const result = await call('close', { user, view_id: view.id, all });
    if (result && result.error) console.info('view_closed: ' + result.error);
  }, false);
}

function use(user, view) {
  return async (block, element, value) => {
    try {
      const result = await call('view-action', { user, view_id: view.id, block_id: block.block_id, action_id: element.action_id, value: value ?? null, values: collected() });
      return result.error ? trouble(result.error) : '';
    } catch (problem) { return problem.message; }
  };
}

// showModal brings the dialog in line with the views of the person.
export function showModal() {
  const views = stacks[store.me] || [];
  const view = views[views.length - 1];
  if (!view) { forget(); return; }
  if (view.id === shown.id && view.hash === shown.hash && store.me === shown.user) return;
  const same = view.id === shown.id && store.me === shown.user;
  const look = lookOf(view) + views.length;
  if (same && look === shown.look) { shown.hash = view.hash; return; }
  if (!same && shown.id && shown.user === store.me && views.some(v => v.id === shown.id)) places.set(shown.id, { at: focusOf(), scrolled: parts.body.scrollTop });
  if (same) update(view, views);
  else start(view, views);
  shown = { id: view.id, hash: view.hash, user: store.me, look };
}

function redraw() {
  const views = stacks[store.me] || [];
  const view = views[views.length - 1];
  if (!view) return;
  update(view, views);
  const wrong = dialog.querySelector('[aria-invalid]');
  if (wrong) (wrong.matches('[role=group], [role=radiogroup]') ? wrong.querySelector('input') : wrong).focus();
}

// focusOf says where in the dialog the focus is, so that it can be found again.
function focusOf() {
  const at = document.activeElement;
  if (!at || !dialog.contains(at)) return null;
  const named = at.closest('[data-block]');
  return { node: at, block: named && named.dataset.block, action: named && named.dataset.action, value: at.type === 'checkbox' || at.type === 'radio' ? at.value : null, from: at.selectionStart, to: at.selectionEnd };
}

function find({ block, action, value }) {
  if (!block) return null;
  const all = [...dialog.querySelectorAll(`[data-block="${CSS.escape(block)}"][data-action="${CSS.escape(action)}"]`)];
  return all.find(e => value === null || e.value === value) || all[0];
}

// restore gives the focus back after a change: to the very element, to the one that took its place, or to the title.
function restore(at) {
  if (!at || dialog.contains(document.activeElement) && document.activeElement !== dialog && document.activeElement === at.node) return;
  const target = at.node.isConnected && !at.node.disabled ? at.node : find(at);
  if (!target || target.disabled) { parts.title.focus(); return; }
  target.focus({ preventScroll: true });
  if (at.from === undefined || at.from === null || !target.setSelectionRange) return;
  try { target.setSelectionRange(at.from, at.to); } catch { /* this kind of field has no selection */ }
}

// blocksOf makes the nodes of the view's blocks. Those that look the same as before are the ones of before, with what was typed; typed goes
// into those that are drawn anew.
function blocksOf(view, typed) {
  const next = new Map();
  const context = { values: view.state.values, typed, errors, user: shown.user, use: use(shown.user, view),
    suggest: async (block, element, text) => (await call('suggest', { user: shown.user, view_id: view.id, block_id: block.block_id, action_id: element.action_id, text })).answer || {} };
  const nodes = view.blocks.map(b => {
    const plain = usable(b) ? b : { ...b, block_id: '' };
    const look = JSON.stringify([plain, errors[b.block_id]]);
    let key = usable(b) ? 'use ' + b.block_id : look;
    while (next.has(key)) key += ' again';
    const old = drawn.get(key);
    if (old && old.look === look && old.reads.every(r => current(r, view))) { next.set(key, old); return old.node; }
    const reads = [];
    const node = renderOne(b, { ...context, typed: fitting(b, typed), collect: (block, element, read) => reads.push({ block, element, read, base: stateOf(view, block, element) }) });
    next.set(key, { look, node, reads });
    return node;
  });
  drawn = next;
  return nodes;
}

function stateOf(view, block, element) {
  const v = heldIn(((view.state.values || {})[block.block_id] || {})[element.action_id]);
  return v === '' ? null : v;
}

// current says whether a field shows what the view's state holds, or what a person is about to tell.
function current(r, view) {
  const state = stateOf(view, r.block, r.element), now = r.read();
  const dirty = !same(now, r.base);
  if (same(now, state)) r.base = state;
  return same(now, state) || dirty;
}

// fitting are the typed values of a block whose fields are still of the same kind.
function fitting(b, typed) {
  const elements = [b.element, b.accessory, ...(b.elements || [])].filter(Boolean);
  const values = {};
  for (const e of elements) {
    const t = ((typed || {})[b.block_id] || {})[e.action_id];
    if (t && t.type === e.type) values[e.action_id] = t.value;
  }
  return { [b.block_id]: values };
}

// start shows another view than before.
function start(view, views) {
  const user = store.me;
  shown = { ...none, user };
  drawn = new Map();
  errors = {};
  parts = { title: h('h2', { id: 'modal-title', tabindex: '-1' }), head: h('header'), body: h('div', { class: 'body', tabindex: '-1' }), buttons: h('div', { class: 'buttons' }) };
  const form = h('form', { novalidate: true, onsubmit: event => { event.preventDefault(); submit(user, top()); },
    onkeydown: event => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && parts.buttons.querySelector('[type=submit]:not(:disabled)')) { event.preventDefault(); form.requestSubmit(); } } },
  parts.head, parts.body, h('p', { class: 'note', role: 'alert', hidden: true }), parts.buttons);
  const known = view.typed;
  delete view.typed;
  frame(view, views);
  parts.body.replaceChildren(...blocksOf(view, known));
  dialog.replaceChildren(form);
  dialog.oncancel = event => { event.preventDefault(); close(user, top(), false); };
  if (!dialog.open) dialog.showModal();
  const place = places.get(view.id);
  places.delete(view.id);
  if (place) { parts.body.scrollTop = place.scrolled; restore(place.at); return; }
  const first = focusOnLoad(view) || [...parts.body.querySelectorAll('input, select, textarea, button')].find(e => e.tabIndex >= 0 && !e.disabled) || parts.buttons.querySelector('[type=submit]:not(:disabled)') || parts.buttons.querySelector('button');
  first.focus();
}

function top() { const views = stacks[store.me] || []; return views[views.length - 1]; }

function focusOnLoad(view) {
  for (const b of view.blocks) for (const e of [b.element, b.accessory, ...(b.elements || [])]) if (e && e.focus_on_load) return find({ block: b.block_id, action: e.action_id, value: null });
  return null;
}

// update changes what is different in the view that is shown.
function update(view, views) {
  const at = focusOf();
  const y = at && at.node.getBoundingClientRect().top;
  const scrolled = parts.body.scrollTop;
  frame(view, views);
  sync(parts.body, blocksOf(view, touched()));
  parts.body.scrollTop = scrolled;
  restore(at);
  // What has the focus stays where it was under a person's eyes, whatever grew or shrank above it.
  if (at && parts.body.contains(document.activeElement) && document.activeElement !== parts.body) parts.body.scrollTop += document.activeElement.getBoundingClientRect().top - y;
}

// frame draws what stands around the blocks.
function frame(view, views) {
  const user = shown.user;
  const depth = views.filter(v => v.root_view_id === view.root_view_id).length;
  const look = JSON.stringify([view.title, view.close, view.submit, view.submit_disabled, depth]);
  if (parts.look === look) return;
  parts.look = look;
  parts.title.replaceChildren(...h('span', {}, textObject(view.title)).childNodes);
  parts.head.replaceChildren(
    depth > 1 ? h('button', { type: 'button', class: 'plain', 'aria-label': 'Back', title: 'Back', dataset: { block: 'modal', action: 'back' }, onclick: () => close(user, view, false) }, icon('back')) : h('span', { class: 'avatar small of-app', 'aria-hidden': 'true' }, store.app.name[0].toUpperCase()),
    parts.title,
    h('button', { type: 'button', class: 'plain', 'aria-label': depth > 1 ? 'Close all' : 'Close', title: 'Close', dataset: { block: 'modal', action: 'x' }, onclick: () => close(user, view, true) }, icon('close')));
  parts.buttons.replaceChildren(
    h('button', { type: 'button', dataset: { block: 'modal', action: 'close' }, onclick: () => close(user, view, false) }, view.close ? textObject(view.close) : 'Cancel'),
    ...[view.submit ? h('button', { type: 'submit', class: 'primary', disabled: view.submit_disabled ? true : null, dataset: { block: 'modal', action: 'submit' } }, h('span', { class: 'spinner', 'aria-hidden': 'true' }), textObject(view.submit)) : null].filter(Boolean));
}

on('views', ({ user, views }) => { stacks[user] = views; if (user === store.me) showModal(); });
