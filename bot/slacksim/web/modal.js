// Modals: the top view of the person's stack. What was typed stays across updates where block_id and action_id stay.
import { $, announce, closeDialog, h, icon } from './dom.js';
import { call, trouble } from './api.js';
import { lookOf, render } from './blocks.js';
import { textObject } from './mrkdwn.js';
import { on, store } from './store.js';

const dialog = $('modal');
const stacks = {};                              // user -> open views
const none = { id: '', hash: '', user: '', look: '' };
let shown = none;
let reads = [];
let errors = {};
let busy = false;

export function setViews(user, views) { stacks[user] = views; }

// collected is what the fields hold now, as the control API takes it.
function collected() {
  const values = {};
  for (const { block, element, read } of reads) (values[block.block_id] ||= {})[element.action_id] = read();
  return values;
}

// leave keeps what was typed when another person takes over.
export function leave() {
  if (shown.id && reads.length) call('fill', { user: shown.user, view_id: shown.id, values: collected() }).catch(() => {});
  if (shown.id) for (const v of stacks[shown.user] || []) if (v.id === shown.id) v.typed = collected();
  shown = none;
  reads = [];
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
    if (Object.keys(errors).length || Object.keys(before).length) redraw(true);
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
  if (!view) {
    shown = none;
    reads = [];
    errors = {};
    closeDialog(dialog);
    return;
  }
  if (view.id === shown.id && view.hash === shown.hash && store.me === shown.user) return;
  const same = view.id === shown.id && store.me === shown.user;
  if (!same) errors = {};
  const look = lookOf(view) + views.length;
  const unchanged = same && look === shown.look;
  shown = { id: view.id, hash: view.hash, user: store.me, look };
  if (unchanged) return;
  draw(view, views, same ? collected() : view.typed, same ? focusOf() : null);
}

function redraw() {
  const views = stacks[store.me] || [];
  const view = views[views.length - 1];
  if (view) draw(view, views, collected(), focusOf());
}

function focusOf() {
  const at = document.activeElement;
  return at && dialog.contains(at) && at.dataset.block ? { block: at.dataset.block, action: at.dataset.action, from: at.selectionStart, to: at.selectionEnd } : null;
}

function find({ block, action }) { return dialog.querySelector(`[data-block="${CSS.escape(block)}"][data-action="${CSS.escape(action)}"]`); }

function draw(view, views, typed, at) {
  const user = store.me;
  const scrolled = at && dialog.querySelector('.body') ? dialog.querySelector('.body').scrollTop : 0;
  const depth = views.filter(v => v.root_view_id === view.root_view_id).length;
  reads = [];
  const context = { values: view.state.values, typed, errors, use: use(user, view), collect: (block, element, read) => reads.push({ block, element, read }),
    suggest: async (block, element, text) => (await call('suggest', { user, view_id: view.id, block_id: block.block_id, action_id: element.action_id, text })).answer || {} };
  const form = h('form', { novalidate: true, onsubmit: event => { event.preventDefault(); submit(user, view); },
    onkeydown: event => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && view.submit && !view.submit_disabled) { event.preventDefault(); form.requestSubmit(); } } },
    h('header', {},
      depth > 1 ? h('button', { type: 'button', class: 'plain', 'aria-label': 'Back', title: 'Back', onclick: () => close(user, view, false) }, icon('back')) : h('span', { class: 'avatar small of-app', 'aria-hidden': 'true' }, store.app.name[0].toUpperCase()),
      h('h2', { id: 'modal-title' }, textObject(view.title)),
      h('button', { type: 'button', class: 'plain', 'aria-label': depth > 1 ? 'Close all' : 'Close', title: 'Close', onclick: () => close(user, view, true) }, icon('close'))),
    h('div', { class: 'body', tabindex: '-1' }, render(view.blocks, context)),
    h('p', { class: 'note', role: 'alert', hidden: true }),
    h('div', { class: 'buttons' },
      h('button', { type: 'button', onclick: () => close(user, view, false) }, view.close ? textObject(view.close) : 'Cancel'),
      view.submit ? h('button', { type: 'submit', class: 'primary', disabled: view.submit_disabled ? true : null }, h('span', { class: 'spinner', 'aria-hidden': 'true' }), textObject(view.submit)) : null));
  dialog.replaceChildren(form);
  dialog.oncancel = event => { event.preventDefault(); close(user, view, false); };
  if (!dialog.open) dialog.showModal();
  dialog.querySelector('.body').scrollTop = scrolled;
  focusIn(at);
}

function focusIn(at) {
  const wrong = dialog.querySelector('[aria-invalid]');
  const target = wrong && (wrong.matches('[role]') ? wrong.querySelector('input, select, textarea') : wrong) || (at && find(at)) ||
    dialog.querySelector('.body input, .body select, .body textarea, .body button') || dialog.querySelector('[type=submit]') || dialog.querySelector('.buttons button');
  target.focus();
  if (at && target === find(at) && at.from !== undefined && at.from !== null && target.setSelectionRange && target.type !== 'number' && target.type !== 'email') {
    try { target.setSelectionRange(at.from, at.to); } catch { /* this kind of field has no selection */ }
  }
}

on('views', ({ user, views }) => { stacks[user] = views; if (user === store.me) showModal(); });
