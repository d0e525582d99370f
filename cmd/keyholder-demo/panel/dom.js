// Small helpers: making elements, drawing lists without losing the focus, and words for times.

// h makes an element. Attributes that are null or false are left out; on… are listeners; children may be nested lists.
export function h(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else if (name === 'key') e.dataset.key = value;
    else e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
  return e;
}

const drawn = new WeakMap();

// draw replaces what a place holds when its data changed. The focus, what was typed and what was chosen stay with elements of the same key.
export function draw(place, data, make) {
  const now = JSON.stringify(data);
  if (drawn.get(place) === now) return;
  drawn.set(place, now);
  const active = place.contains(document.activeElement) ? document.activeElement : null;
  const at = active ? active.dataset.key : '';
  const caret = active && active.tagName === 'INPUT' ? [active.selectionStart, active.selectionEnd] : null;
  const kept = new Map([...place.querySelectorAll('input[data-key], select[data-key]')].map(e => [e.dataset.key, e.value]));
  const opened = new Map([...place.querySelectorAll('details[data-key]')].map(e => [e.dataset.key, e.open]));
  place.replaceChildren(...[make()].flat(Infinity).filter(Boolean));
  for (const e of place.querySelectorAll('input[data-key], select[data-key]')) if (kept.get(e.dataset.key)) e.value = kept.get(e.dataset.key);
  for (const e of place.querySelectorAll('select[data-key]')) if (!e.value && e.options.length) e.selectedIndex = 0;
  for (const e of place.querySelectorAll('details[data-key]')) if (opened.get(e.dataset.key) !== undefined && !e.classList.contains('current')) e.open = opened.get(e.dataset.key);
  if (!at) return;
  const again = place.querySelector(`[data-key="${CSS.escape(at)}"]`);
  (again || place).focus({ preventScroll: true });
  if (again && caret && caret[0] !== null && again.setSelectionRange) again.setSelectionRange(...caret);
}

// words turns *strong*, `code` and [links] into elements; link makes one, and without it a name is only strong.
export function words(text, link) {
  return text.split(/(`[^`]+`|\*[^*]+\*|\[[^\]]+\])/).map(part => {
    if (part.startsWith('[')) return link ? link(part.slice(1, -1)) : h('strong', {}, part.slice(1, -1));
    if (part.startsWith('`')) return h('code', {}, part.slice(1, -1));
    if (part.length > 1 && part.startsWith('*')) return h('strong', {}, part.slice(1, -1));
    return part;
  });
}

const units = [['day', 86400], ['hour', 3600], ['minute', 60]];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

// ago says how long before now something was; "never" for nothing.
export function ago(at, now) {
  if (!at) return 'never';
  const seconds = (now - new Date(at)) / 1000;
  for (const [unit, size] of units) if (seconds >= size) return relative.format(-Math.floor(seconds / size), unit);
  return 'just now';
}
