// The list above a composer: commands, people, channels and emoji that fit what is being typed.
import { h, newID } from './dom.js';
import { emojiNames } from './emoji.js';
import { kindOf, store } from './store.js';

const most = 8;

function word(text, caret) {
  const start = Math.max(text.lastIndexOf(' ', caret - 1), text.lastIndexOf('\n', caret - 1)) + 1;
  return { start, end: caret, text: text.slice(start, caret) };
}

// suggestions for the text and the place of the caret: {start, end, items: [{insert, title, more, usage}], first}.
// first says whether the first item is chosen at once.
function suggestions(text, caret, withCommands) {
  const at = word(text, caret);
  if (withCommands && text.startsWith('/')) {
    const command = store.commands.find(c => text.startsWith(c.command + ' '));
    if (!command) {
      if (at.start > 0) return null;
      const fits = store.commands.filter(c => c.command.startsWith(text.trim()));
      return { ...at, first: true, items: fits.map(c => ({ insert: c.command + ' ', title: c.command, usage: c.usage_hint, more: c.description })) };
    }
    if (!/^[@#:]./.test(at.text) && at.text !== '@' && at.text !== '#') return usage(command, text, caret);
  }
  const sign = at.text[0], rest = at.text.slice(1).toLowerCase();
  if (sign === '@') {
    const people = store.people.filter(p => p.name.toLowerCase().startsWith(rest) || p.real_name.toLowerCase().split(' ').some(w => w.startsWith(rest)));
    const groups = Object.values(store.groups).filter(g => g.startsWith(rest)).map(g => ({ insert: '@' + g + ' ', title: '@' + g, more: 'Group' }));
    return { ...at, first: true, items: [...people.filter(p => p.id !== 'USLACKBOT').map(p => ({ insert: '@' + p.name + ' ', title: '@' + p.name, usage: p.real_name, more: kindOf(p) })), ...groups] };
  }
  if (sign === '#') return { ...at, first: true, items: store.channels.filter(c => c.name && c.name.startsWith(rest)).map(c => ({ insert: '#' + c.name + ' ', title: '#' + c.name })) };
  if (sign === ':' && rest.length > 1) return { ...at, first: true, items: emojiNames(rest, most).map(e => ({ insert: ':' + e.name + ': ', title: e.shown, usage: ':' + e.name + ':' })) };
  return null;
}

// usage offers the alternatives of a command's usage hint ("help | status | ..."); none is chosen by itself, so that Enter sends.
function usage(command, text, caret) {
  const given = text.slice(command.command.length + 1, caret);
  const alternatives = (command.usage_hint || '').split('|').map(a => a.trim()).filter(Boolean);
  const literal = a => a.split(/\s+/).filter(w => /^[a-z][\w-]*$/.test(w)).join(' ');
  const start = command.command.length + 1;
  const items = alternatives.filter(a => (literal(a) || a).startsWith(given.trimStart()) || given.startsWith(literal(a) + ' ') && literal(a))
    .map(a => ({ insert: given.startsWith(literal(a) + ' ') ? text.slice(start, caret) : literal(a) ? literal(a) + ' ' : '', title: `${command.command} ${a}` }));
  if (alternatives.length < 2) return command.usage_hint ? { start, end: caret, first: false, items: [{ insert: text.slice(start, caret), title: `${command.command} ${command.usage_hint}`, more: command.description }] } : null;
  return { start, end: caret, first: false, items };
}

// complete ties a list to a text area. accept(event) handles the keys of the list and says whether it used one.
export function complete(area, list, withCommands) {
  let now = null, active = -1, closed = '';
  const close = () => {
    now = null;
    list.hidden = true;
    list.replaceChildren();
    area.setAttribute('aria-expanded', 'false');
    area.removeAttribute('aria-activedescendant');
  };
  const mark = () => {
    [...list.children].forEach((item, i) => { item.setAttribute('aria-selected', String(i === active)); if (i === active) item.scrollIntoView({ block: 'nearest' }); });
    if (active >= 0) area.setAttribute('aria-activedescendant', list.children[active].id);
    else area.removeAttribute('aria-activedescendant');
  };
  const take = item => {
    area.setRangeText(item.insert, now.start, now.end, 'end');
    close();
    area.focus();
    area.dispatchEvent(new Event('input'));
  };
  const update = () => {
    const found = area.value === closed ? null : suggestions(area.value, area.selectionStart, withCommands);
    closed = '';
    if (!found || !found.items.length) { close(); return; }
    now = { ...found, items: found.items.slice(0, 12) };
    active = found.first ? 0 : -1;
    list.replaceChildren(...now.items.map(item => h('li', { id: newID(), role: 'option', onmousedown: event => { event.preventDefault(); take(item); } },
      h('strong', {}, item.title), item.usage ? h('span', {}, item.usage) : null, item.more ? h('small', {}, item.more) : null)));
    list.hidden = false;
    area.setAttribute('aria-expanded', 'true');
    mark();
  };
  const accept = event => {
    if (!now) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { active = active < 0 && step < 0 ? now.items.length - 1 : (active + step + now.items.length) % now.items.length; mark(); return true; }
    if (event.key === 'Escape') { closed = area.value; close(); return true; }
    if (event.key === 'Tab' && !event.shiftKey || event.key === 'Enter') {
      const item = now.items[active < 0 && event.key === 'Tab' ? 0 : active];
      if (!item || event.key === 'Enter' && area.value.trim() === item.insert.trim()) { close(); return false; }
      if (event.key === 'Tab' && item.insert === area.value.slice(now.start, now.end)) return false;
      take(item);
      return true;
    }
    return false;
  };
  area.addEventListener('input', update);
  area.addEventListener('blur', close);
  return { accept, close };
}
