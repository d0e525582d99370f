// Small helpers to build the page without HTML strings, so that no text can become markup.

export const $ = id => document.getElementById(id);

// h makes an element. Attributes: class (a text or a list with gaps), dataset and on* handlers are understood; false, null
// and undefined are left out.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'dataset') Object.assign(element.dataset, value);
    else if (key === 'class') element.className = [].concat(value).filter(Boolean).join(' ');
    else if (value === true) element.setAttribute(key, '');
    else element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
  return element;
}

const shapes = {
  hash: 'M8 3 6.5 17M13.5 3 12 17M3.5 7.5h14M2.5 12.5h14',
  lock: 'M5.5 9h9v7.5h-9zM7.5 9V6.5a2.5 2.5 0 0 1 5 0V9',
  send: 'M3 16.5 17.5 10 3 3.5l2 6.5 6 0-6 0z',
  close: 'M5 5l10 10M15 5 5 15',
  back: 'M12.5 4.5 7 10l5.5 5.5',
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  more: 'M4.5 10h.01M10 10h.01M15.5 10h.01',
  inspect: 'M7 5.5 2.5 10 7 14.5M13 5.5l4.5 4.5-4.5 4.5',
  sun: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1',
  moon: 'M16 11.5A6.5 6.5 0 0 1 8.5 4a6.5 6.5 0 1 0 7.5 7.5z',
  auto: 'M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14',
  panel: 'M3 4h14v12H3zM12.5 4v12',
  search: 'M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4zM12.8 12.8 17 17',
  eye: 'M2.5 10S5 5 10 5s7.5 5 7.5 5-2.5 5-7.5 5S2.5 10 2.5 10zM10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  file: 'M5 2.5h6l4 4V17.5H5zM11 2.5v4h4',
  reply: 'M4 5h12v8H9l-3.5 3v-3H4z',
  down: 'M10 4v11M5 10.5l5 5 5-5',
  keys: 'M2.5 5.500h15v9h-15zM5.500 8.200h.01M8.500 8.200h.01M11.500 8.200h.01M14.500 8.200h.01M6.500 11.800h7',
  alert: 'M10 3 2 16.5h16zM10 8v4M10 14.200h.01',
};

// icon draws a named shape; it is decoration, so the control around it needs a name of its own.
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const out = document.createElementNS(space, 'svg');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', shapes[name]);
  out.setAttribute('viewBox', '0 0 20 20');
  out.setAttribute('class', 'icon icon-' + name);
  out.setAttribute('aria-hidden', 'true');
  out.append(path);
  return out;
}

// useEnter lets a text field do something else on Enter than submit its form, while use() says so by being true. A browser may send the
// key press although the key going down was taken, when both come at once.
export function useEnter(control, use) {
  let taken = false;
  control.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || event.isComposing) { taken = false; return; }
    taken = use();
    if (taken) event.preventDefault();
  });
  control.addEventListener('keypress', event => { if (event.key === 'Enter' && taken) event.preventDefault(); });
}

let last = 0;

// newID returns an id that is unique in the page, to tie labels to fields.
export function newID() { return 'e' + (++last); }

// closeDialog closes a dialog. It gives the focus back by itself, but key strokes do not always follow; taking the focus
// anew makes them.
export function closeDialog(dialog) {
  if (dialog.open) dialog.close();
  const at = document.activeElement;
  if (at && at !== document.body) { at.blur(); at.focus(); }
}

// sync makes the children of a parent the nodes given, in that order, moving only what has to move.
export function sync(parent, nodes) {
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// keepFocus runs a redraw and puts the focus back on the control with the same block and action, if it was inside.
export function keepFocus(inside, redraw) {
  const at = document.activeElement;
  const had = at && inside.contains(at);
  const { block, action } = had ? at.dataset : {};
  redraw();
  if (!had || inside.contains(document.activeElement) && document.activeElement !== inside) return;
  const same = block && inside.querySelector(`[data-block="${CSS.escape(block)}"][data-action="${CSS.escape(action)}"]`);
  (same || inside).focus({ preventScroll: true });
}

let told;

// announce says a sentence to screen readers.
export function announce(text) {
  const live = $('announcer');
  clearTimeout(told);
  live.append(h('p', {}, text));
  while (live.children.length > 5) live.firstChild.remove();
  told = setTimeout(() => live.replaceChildren(), 20000);
}
