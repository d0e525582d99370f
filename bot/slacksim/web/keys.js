// Getting around by keyboard: the parts of the page (F6), lists (arrows), skip links, and the list of all keys (Ctrl+/).
import { $, closeDialog, h } from './dom.js';
import { togglePanel } from './panes.js';

const all = [
  ['Around the page', [
    [['F6', 'Shift F6'], 'Next or previous part of the page: people, conversation, thread, inspector, panel'],
    [['Ctrl K'], 'Jump to a person or a conversation by a few letters'],
    [['Alt 1', 'Alt 9'], 'Act as the first to the ninth person', '…'],
    [['Alt ↑', 'Alt ↓'], 'Act as the person before or after'],
    [['Alt I'], 'Inspector'],
    [['Alt P'], 'Panel'],
    [['Ctrl /'], 'This list'],
  ]],
  ['Lists and messages', [
    [['↑', '↓', 'Home', 'End'], 'Move within people and conversations, and from message to message'],
    [['Tab', 'Shift Tab'], 'Into a message, to its buttons and menus; from the message box back to the newest one'],
    [['Esc'], 'Close a thread, a menu, a modal'],
  ]],
  ['Message box and modals', [
    [['Enter'], 'Send, or submit a modal'],
    [['Shift Enter'], 'New line'],
    [['↑'], 'In an empty message box: what was sent before'],
    [['Ctrl Enter'], 'Submit a modal from anywhere in it'],
  ]],
];

const dialog = $('keys');

// showKeys opens the list of keys, or closes it.
export function showKeys() {
  if (dialog.open) { closeDialog(dialog); return; }
  dialog.replaceChildren(h('header', {}, h('h2', { id: 'keys-title' }, 'Keyboard'),
    h('button', { type: 'button', class: 'plain', 'aria-label': 'Close', onclick: () => closeDialog(dialog) }, 'Close')),
  h('div', { class: 'body', tabindex: '0' }, all.map(([title, keys]) => [h('h3', {}, title), h('dl', {}, keys.map(([names, what, between]) => h('div', {},
    h('dt', {}, names.map((name, i) => [i ? ` ${between || '/'} ` : '', name.split(' ').map((k, j) => [j ? ' + ' : '', h('kbd', {}, k)])])), h('dd', {}, what))))])));
  dialog.showModal();
}

const visible = e => e.checkVisibility({ visibilityProperty: true });
const regions = ['sidebar', 'conversation', 'thread', 'inspector', 'panel'].map($);
const last = new Map(); // region, or document in the panel's frame -> what had the focus in it

// enters says where the focus goes in a part of the page that it was not in before.
const enters = {
  sidebar: () => $('people').querySelector('[aria-current]') || $('switch'),
  conversation: () => ($('home').hidden ? ($('composer').hidden ? $('messages') : $('text')) : $('home')),
  thread: () => $('thread-text'),
  inspector: () => $('traffic-filter'),
};

// enter puts the focus into a part of the page, where it was before if it was there.
function enter(region) {
  if (region.id === 'panel') { enterPanel(); return; }
  const before = last.get(region);
  (before && before.isConnected && visible(before) && !before.disabled ? before : enters[region.id]()).focus();
}

// enterPanel goes to where the focus was inside the frame, else to its first control.
function enterPanel() {
  const frame = $('panel-frame');
  frame.focus();
  try {
    const inside = frame.contentDocument;
    const before = last.get(inside);
    (before && before.isConnected && visible(before) ? before : inside.querySelector('[role=tab][aria-selected=true]') || inside.querySelector('button, a[href], input'))?.focus();
  } catch { /* the panel is a page of another origin: it has the focus, and that is all there is to do */ }
}

function nextRegion(step) {
  const shown = regions.filter(visible);
  const at = shown.findIndex(r => r.contains(document.activeElement));
  enter(shown[at < 0 ? (step > 0 ? 0 : shown.length - 1) : (at + step + shown.length) % shown.length]);
}

// arrows moves the focus within a list of things. items lists them in their order; at says which of them has the focus.
function arrows(event, items, at) {
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? items.length - 1 : at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !items.length) return;
  event.preventDefault();
  const target = items[Math.max(0, Math.min(items.length - 1, to))];
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: 'nearest' });
}

function messageArrows(box) {
  box.addEventListener('keydown', event => {
    const on = event.target === box || event.target.matches('.message');
    if (!on || event.defaultPrevented) return;
    const list = [...box.querySelectorAll('.message')];
    arrows(event, list, list.indexOf(event.target));
  });
  // The tools of a message can be reached by Tab once one is in it, so that they are not in the way of everything else.
  const tools = (node, reach) => { for (const b of node.querySelectorAll(':scope > .tools button')) b.tabIndex = reach ? 0 : -1; };
  box.addEventListener('focusin', event => { const m = event.target.closest('.message'); if (m) tools(m, true); });
  box.addEventListener('focusout', event => { const m = event.target.closest('.message'); if (m && !m.contains(event.relatedTarget)) tools(m, false); });
}

// startKeys ties everything; others handles the keys of the page that are not about getting around.
export function startKeys(others) {
  const keys = event => {
    if (event.key === 'F6' && !event.altKey && !document.querySelector('dialog:modal')) { event.preventDefault(); nextRegion(event.shiftKey ? -1 : 1); return; }
    if ((event.ctrlKey || event.metaKey) && event.key === '/') { event.preventDefault(); if (dialog.open || !document.querySelector('dialog:modal')) showKeys(); return; }
    others(event);
  };
  document.addEventListener('keydown', keys);
  document.addEventListener('focusin', event => { const region = regions.find(r => r.contains(event.target)); if (region) last.set(region, event.target); });
  $('panel-frame').addEventListener('load', () => {
    try {
      const inside = $('panel-frame').contentDocument;
      inside.addEventListener('keydown', keys);
      inside.addEventListener('focusin', event => last.set(inside, event.target));
    } catch { /* a page of another origin keeps its keys */ }
  });
  $('sidebar').addEventListener('keydown', event => {
    if (!event.target.closest('ul')) return;
    const list = [...$('sidebar').querySelectorAll('ul button:not(:disabled)')];
    arrows(event, list, list.indexOf(event.target));
  });
  messageArrows($('messages'));
  messageArrows($('thread-messages'));
  for (const a of document.querySelectorAll('.skip')) {
    a.addEventListener('click', event => { event.preventDefault(); if (a.dataset.to === 'panel' && !visible($('panel'))) togglePanel(); enter($(a.dataset.to)); });
  }
  $('show-keys').addEventListener('click', showKeys);
  dialog.addEventListener('click', event => { if (event.target === dialog) closeDialog(dialog); });
}
