// A select for several values: what is chosen as chips, a text box that searches, and a list below it. It is a combobox with a list box
// as the ARIA practices have it: arrows move, Enter chooses, Backspace takes the last one away, Escape closes the list.
import { announce, h, icon, newID, useEnter } from './dom.js';

const shownAtMost = 100;

// multiselect makes the field. options gives groups {label, options: {value, text, more}} for what was typed, at once or as a promise;
// held are the values chosen; done is told when somebody has finished choosing and something is different.
export function multiselect({ options, held, most = Infinity, placeholder, attributes, done }) {
  const chosen = new Map(held.map(v => [v, v])); // value -> text
  const listID = newID(), noteID = newID();
  const chips = h('ul', { class: 'chips', 'aria-label': 'Chosen' });
  const described = [attributes['aria-describedby'], noteID].filter(Boolean).join(' ');
  const box = h('input', { ...attributes, 'aria-describedby': described, type: 'text', role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': listID, autocomplete: 'off', spellcheck: 'false' });
  const list = h('ul', { id: listID, role: 'listbox', class: 'choices-list', 'aria-multiselectable': 'true', 'aria-label': attributes['aria-label'] || 'Choices', hidden: true });
  if (attributes['aria-labelledby']) { list.removeAttribute('aria-label'); list.setAttribute('aria-labelledby', attributes['aria-labelledby']); }
  const note = h('p', { class: 'hint', id: noteID });
  const wrap = h('div', {}, h('div', { class: 'multi' }, h('div', { class: 'multi-box' }, chips, box), list), note);
  let rows = [], active = -1, before = '', asked = 0;

  const values = () => [...chosen.keys()];

  function chip(value, text) {
    const remove = h('button', { type: 'button', 'aria-label': 'Remove ' + text, tabindex: '-1', dataset: { remove: value }, onclick: () => { take(value); box.focus(); finish(); } }, icon('close'));
    return h('li', {}, h('span', {}, text), remove);
  }

  function drawChips() {
    chips.replaceChildren(...[...chosen].map(([value, text]) => chip(value, text)));
    chips.hidden = !chosen.size;
    box.placeholder = chosen.size ? '' : placeholder;
    note.textContent = most < Infinity ? (chosen.size ? `${chosen.size} of at most ${most} chosen` : `At most ${most}`) : '';
    note.hidden = !note.textContent;
  }

  function take(value) { chosen.delete(value); drawChips(); drawRows(); }

  function toggle(row) {
    if (chosen.has(row.value)) { chosen.delete(row.value); announce(row.text + ' taken away'); }
    else if (chosen.size < most) { chosen.set(row.value, row.text); announce(row.text + ' chosen'); }
    else { announce(`No more than ${most} may be chosen.`); return; }
    drawChips();
    if (box.value) { box.value = ''; search(row.value); } else drawRows();
  }

  function drawRows() {
    list.replaceChildren();
    let label;
    rows.forEach((row, i) => {
      if (row.group && row.group !== label) list.append(h('li', { class: 'group', role: 'presentation' }, row.group));
      label = row.group;
      const on = chosen.has(row.value);
      row.node = h('li', { id: row.id, role: 'option', class: i === active ? 'active' : null, 'aria-selected': String(on), 'aria-disabled': !on && chosen.size >= most ? 'true' : null,
        onmousedown: event => { event.preventDefault(); active = i; toggle(rows[i]); } },
      h('span', { class: 'tick', 'aria-hidden': 'true' }, on ? '✓' : ''), h('span', {}, row.text, row.more ? h('small', {}, row.more) : null));
      list.append(row.node);
    });
    if (!rows.length) list.append(h('li', { class: 'group', role: 'presentation' }, 'Nothing fits.'));
    mark();
  }

  function mark() {
    rows.forEach((row, i) => row.node.classList.toggle('active', i === active));
    const row = rows[active];
    if (row && !list.hidden) { box.setAttribute('aria-activedescendant', row.id); row.node.scrollIntoView({ block: 'nearest' }); }
    else box.removeAttribute('aria-activedescendant');
  }

  async function search(keep) {
    const mine = ++asked;
    const groups = await options(box.value);
    if (mine !== asked) return;
    const words = box.value.trim().toLowerCase();
    rows = groups.flatMap(g => g.options.map(o => ({ ...o, group: g.label, id: newID() }))).filter(o => !words || wordsOf(o).includes(words)).slice(0, shownAtMost);
    active = keep === undefined ? (words && rows.length ? 0 : -1) : rows.findIndex(r => r.value === keep);
    drawRows();
  }
  const wordsOf = o => `${o.text} ${o.more || ''} ${o.group || ''}`.toLowerCase();

  function open() {
    if (!list.hidden) return;
    before = JSON.stringify(values());
    list.hidden = false;
    box.setAttribute('aria-expanded', 'true');
    search().then(() => list.scrollIntoView({ block: 'nearest' }));
  }

  function close() {
    list.hidden = true;
    active = -1;
    box.value = '';
    box.setAttribute('aria-expanded', 'false');
    box.removeAttribute('aria-activedescendant');
    finish();
  }

  function finish() {
    const now = JSON.stringify(values());
    if (before && before !== now) { before = now; done(); }
  }

  box.addEventListener('input', () => { open(); search(); });
  useEnter(box, () => {
    if (list.hidden) return false;
    if (rows[active]) toggle(rows[active]); else close();
    return true;
  });
  box.addEventListener('mousedown', () => { if (document.activeElement === box && !list.hidden) close(); else open(); });
  box.addEventListener('keydown', event => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) { open(); return; }
      if (rows.length) { active = active < 0 ? (step > 0 ? 0 : rows.length - 1) : (active + step + rows.length) % rows.length; mark(); }
    } else if (event.key === 'Escape' && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
    else if (event.key === 'Backspace' && !box.value && chosen.size) { before ||= JSON.stringify(values()); take(values().pop()); if (list.hidden) finish(); }
    else if (event.key === 'ArrowLeft' && !box.value && chosen.size) { event.preventDefault(); chips.lastChild.querySelector('button').focus(); }
  });
  chips.addEventListener('keydown', event => {
    const buttons = [...chips.querySelectorAll('button')];
    const at = buttons.indexOf(event.target);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { event.preventDefault(); (buttons[at + step] || (step > 0 ? box : buttons[0])).focus(); }
    if (event.key === 'Backspace' || event.key === 'Delete') { event.preventDefault(); before ||= JSON.stringify(values()); take(event.target.dataset.remove); (chips.querySelectorAll('button')[at] || box).focus(); finish(); }
  });
  chips.addEventListener('click', () => { before ||= JSON.stringify(values()); }, true);
  wrap.addEventListener('focusout', event => { if (!wrap.contains(event.relatedTarget) && !list.hidden) close(); });
  // The texts of what is held come with the options, where these are at hand.
  const known = options('');
  if (Array.isArray(known)) for (const o of known.flatMap(group => group.options)) if (chosen.has(o.value)) chosen.set(o.value, o.text);
  drawChips();
  return { element: wrap, read: values };
}
