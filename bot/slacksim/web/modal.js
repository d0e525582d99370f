// Modals: the top view of the person's stack, with what was typed kept across updates.
import { call, closeDialog, h } from './dom.js';
import { render } from './blocks.js';
import { textObject } from './mrkdwn.js';

const dialog = document.getElementById('modal');
let shown = { id: '', hash: '', user: '' };
let reads = [];
let errors = {};
let note = '';
let busy = false;

// collected is what the fields hold now, as the control API takes it.
function collected() {
  const values = {};
  for (const { block, element, read } of reads) (values[block.block_id] ||= {})[element.action_id] = read();
  return values;
}

async function act(work) {
  if (busy) return;
  busy = true;
  dialog.setAttribute('aria-busy', 'true');
  try { await work(); } catch (problem) { note = problem.message; } finally {
    busy = false;
    dialog.removeAttribute('aria-busy');
  }
}

const trouble = { operation_timeout: 'We had some trouble connecting. Try again?', dispatch_failed: 'We had some trouble connecting. Try again?',
  invalid_response: 'The app answered with something Slack does not take.' };

function submit(user, view, refresh) {
  return act(async () => {
    errors = {};
    note = '';
    const result = await call('submit', { user, view_id: view.id, values: collected() });
    errors = result.errors || {};
    if (result.error) note = (trouble[result.error] || result.error) + (result.detail ? ' (' + result.detail + ')' : '');
    shown = { id: '', hash: '', user: '' }; // render anew with the errors
    await refresh();
  });
}

function close(user, view, all, refresh) {
  return act(async () => {
    errors = {};
    note = '';
    await call('close', { user, view_id: view.id, all });
    await refresh();
  });
}

function use(user, view, refresh) {
  return (block, element, value) => act(async () => {
    const values = collected();
    const result = await call('view-action', { user, view_id: view.id, block_id: block.block_id, action_id: element.action_id, value: value ?? null, values });
    note = result.error ? trouble[result.error] || result.error : '';
    await refresh();
  });
}

// showModal brings the dialog in line with the views of the state.
export function showModal(user, views, refresh) {
  const view = views[views.length - 1];
  if (!view) {
    shown = { id: '', hash: '', user: '' };
    if (dialog.open) closeDialog(dialog);
    return;
  }
  if (view.id === shown.id && view.hash === shown.hash && user === shown.user) { showNote(); return; }
  const typed = view.id === shown.id && user === shown.user ? focusOf() : null;
  if (view.id !== shown.id && shown.id) { errors = {}; note = ''; }
  shown = { id: view.id, hash: view.hash, user };
  draw(user, view, views.length, refresh);
  if (!dialog.open) dialog.showModal();
  const at = dialog.querySelector('[aria-invalid]') || (typed && find(typed)) || dialog.querySelector('.body input, .body select, .body textarea, .body button');
  if (at) at.focus();
}

function focusOf() {
  const at = document.activeElement;
  return at && dialog.contains(at) && at.dataset.block ? { block: at.dataset.block, action: at.dataset.action } : null;
}

function find({ block, action }) { return dialog.querySelector(`[data-block="${CSS.escape(block)}"][data-action="${CSS.escape(action)}"]`); }

function showNote() {
  const place = dialog.querySelector('.note');
  if (place) place.textContent = note;
}

function draw(user, view, depth, refresh) {
  reads = [];
  const context = { values: view.state.values, errors, use: use(user, view, refresh), collect: (block, element, read) => reads.push({ block, element, read }) };
  const form = h('form', { novalidate: true, onsubmit: event => { event.preventDefault(); submit(user, view, refresh); } },
    h('header', {}, h('h2', { id: 'modal-title' }, textObject(view.title)),
      h('button', { type: 'button', class: 'icon', 'aria-label': depth > 1 ? 'Close all' : 'Close', onclick: () => close(user, view, true, refresh) }, '×')),
    h('div', { class: 'body' }, render(view.blocks, context)),
    h('p', { class: 'note', role: 'alert' }, note),
    h('div', { class: 'buttons' },
      h('button', { type: 'button', onclick: () => close(user, view, false, refresh) }, view.close ? textObject(view.close) : 'Cancel'),
      view.submit ? h('button', { type: 'submit', class: 'primary' }, textObject(view.submit)) : null));
  dialog.replaceChildren(form);
  dialog.oncancel = event => { event.preventDefault(); close(user, view, false, refresh); };
}
