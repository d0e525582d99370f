// The quick switcher (Ctrl+K): people, conversations and commands of the page by a few letters.
import { $, closeDialog, h, newID } from './dom.js';

const dialog = $('switcher');
let items = [], shown = [], active = 0;

// fits says whether the letters stand in the text in that order, word beginnings first.
function fits(text, letters) {
  const t = text.toLowerCase();
  if (t.includes(letters)) return t.split(/[\s#@]+/).some(w => w.startsWith(letters)) ? 2 : 1;
  return 0;
}

function draw() {
  const letters = $('switch-text').value.trim().toLowerCase();
  shown = items.map(item => ({ ...item, fit: letters ? fits(item.title + ' ' + (item.more || ''), letters) : 1 })).filter(item => item.fit).sort((a, b) => b.fit - a.fit).slice(0, 12);
  active = Math.min(active, Math.max(0, shown.length - 1));
  $('switch-list').replaceChildren(...shown.map((item, i) => h('li', { id: newID(), role: 'option', 'aria-selected': String(i === active), onclick: () => run(item) },
    item.look || null, h('span', { class: 'label' }, item.title), h('small', {}, item.more || ''), item.key ? h('kbd', {}, item.key) : null)));
  if (!shown.length) $('switch-list').replaceChildren(h('li', { class: 'nothing' }, 'Nothing fits.'));
  mark();
}

function mark() {
  [...$('switch-list').children].forEach((li, i) => li.setAttribute('aria-selected', String(i === active)));
  const at = $('switch-list').children[active];
  if (at && at.id) { $('switch-text').setAttribute('aria-activedescendant', at.id); at.scrollIntoView({ block: 'nearest' }); }
}

function run(item) {
  closeDialog(dialog);
  item.run();
}

// openSwitcher shows the list made by make: {title, more, look, key, run}.
export function openSwitcher(make) {
  if (dialog.open) { closeDialog(dialog); return; }
  items = make();
  active = 0;
  $('switch-text').value = '';
  dialog.showModal();
  draw();
  $('switch-text').focus();
}

$('switch-text').addEventListener('input', () => { active = 0; draw(); });
$('switch-text').addEventListener('keydown', event => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && shown.length) { event.preventDefault(); active = (active + step + shown.length) % shown.length; mark(); }
  if (event.key === 'Enter') { event.preventDefault(); if (shown[active]) run(shown[active]); }
});
dialog.addEventListener('click', event => { if (event.target === dialog) closeDialog(dialog); });
