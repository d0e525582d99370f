// Elements that hold a value, as HTML controls. Each returns {element, read}: read gives the value as the control API takes
// it. held is what the field holds now, in the same form; change is told when a person has changed it.
import { h, newID, useEnter } from './dom.js';
import { filefield, heldFiles } from './filefield.js';
import { multiselect } from './multiselect.js';
import { kindOf, store } from './store.js';
import { plain, textObject } from './mrkdwn.js';

const textTypes = { plain_text_input: 'text', email_text_input: 'email', url_text_input: 'url', number_input: 'number', datepicker: 'date', timepicker: 'time' };

// heldIn reads what a state says a field holds, as plain values.
export function heldIn(state) {
  if (!state) return null;
  const value = Object.entries(state).find(([key]) => key !== 'type')?.[1] ?? null;
  if (state.type === 'rich_text_input') return richText(value);
  if (state.type === 'file_input') return heldFiles(value);
  const one = v => (v && typeof v === 'object' ? v.value : v);
  return Array.isArray(value) ? value.map(one) : one(value);
}

function richText(block) {
  const texts = [];
  const walk = e => { if (e && e.type === 'text') texts.push(e.text); for (const c of (e && e.elements) || []) walk(c); };
  walk(block);
  return texts.join('') || null;
}

function optionGroups(element) {
  const one = o => ({ value: o.value, text: plain(o.text), more: plain(o.description) });
  const groups = (element || {}).option_groups || [{ options: (element || {}).options || [] }];
  return groups.map(g => ({ label: g.label && plain(g.label), options: (g.options || []).map(one) }));
}

function choices(element) {
  switch (element.type.replace('multi_', '')) {
    case 'users_select':
      return [{ options: store.people.filter(u => !u.deleted && u.id !== 'USLACKBOT').map(u => ({ value: u.id, text: u.real_name + (u.is_bot ? ' (app)' : ''), more: u.is_bot ? '' : kindOf(u) })) }];
    case 'conversations_select': case 'channels_select':
      return [{ options: store.channels.filter(c => c.name && c.members.includes(store.me)).map(c => ({ value: c.id, text: '#' + c.name })) }];
    default:
      return optionGroups(element);
  }
}

function select(element, held, attributes, change) {
  const make = o => {
    const item = h('option', { value: o.value }, o.text + (o.more ? ' · ' + o.more : ''));
    item.selected = o.value === held;
    return item;
  };
  const groups = choices(element).map(g => (g.label ? h('optgroup', { label: g.label }, g.options.map(make)) : g.options.map(make)));
  const control = h('select', { ...attributes, onchange: change }, h('option', { value: '' }, plain(element.placeholder) || 'Choose'), groups);
  if (![...control.options].some(o => o.value === held)) control.value = '';
  const mark = () => control.classList.toggle('empty', !control.value);
  control.addEventListener('change', mark);
  mark();
  return { element: control, read: () => control.value || null };
}

// several makes a select that takes several values. The app is asked for the options of an external one.
function several(element, held, attributes, change, suggest) {
  const known = choices(element);
  const outside = element.type === 'multi_external_select';
  const ask = async text => {
    if (!suggest || text.length < (element.min_query_length ?? 3)) return [];
    const found = await suggest(text);
    return optionGroups(found);
  };
  return multiselect({ options: outside ? ask : () => known, held: [].concat(held ?? []), most: element.max_selected_items || Infinity,
    placeholder: plain(element.placeholder) || (outside ? 'Type to search' : 'Choose'), attributes, done: change });
}

function boxes(element, held, attributes, change) {
  const kind = element.type === 'checkboxes' ? 'checkbox' : 'radio';
  const on = [].concat(held ?? []);
  const name = newID();
  const { id, 'data-block': block, 'data-action': action, ...rest } = attributes;
  const inputs = (element.options || []).map((o, i) => {
    const input = h('input', { type: kind, name, value: o.value, id: i ? null : id, 'data-block': block, 'data-action': action, onchange: change });
    input.checked = on.includes(o.value);
    return input;
  });
  const list = (element.options || []).map((o, i) => h('label', { class: 'choice' }, inputs[i], h('span', {}, textObject(o.text), o.description ? h('small', {}, textObject(o.description)) : null)));
  const read = () => { const l = inputs.filter(i => i.checked).map(i => i.value); return kind === 'radio' ? l[0] ?? null : l; };
  return { element: h('div', { ...rest, role: kind === 'radio' ? 'radiogroup' : 'group', class: 'choices' }, list), read };
}

// text is a field to type into. With dispatch it tells of changes when its element says: on Enter, if it says nothing, or while typing.
function text(element, held, attributes, change, { dispatch }) {
  const most = element.max_length || (element.type === 'plain_text_input' ? 3000 : 0);
  const picked = element.type === 'datepicker' || element.type === 'timepicker';
  const shared = { ...attributes, placeholder: plain(element.placeholder) || null, onchange: picked ? change : null };
  const long = element.multiline || element.type === 'rich_text_input';
  const control = long ? h('textarea', { ...shared, rows: 4 }) :
    h('input', { ...shared, type: textTypes[element.type] || 'text', step: element.is_decimal_allowed ? 'any' : null, min: element.min_value, max: element.max_value });
  control.value = held ?? '';
  const read = () => control.value || null;
  const timing = dispatch && !picked ? (element.dispatch_action_config || {}).trigger_actions_on || ['on_enter_pressed'] : [];
  let soon;
  if (timing.includes('on_character_entered')) control.addEventListener('input', () => { clearTimeout(soon); soon = setTimeout(change, 250); });
  if (timing.includes('on_enter_pressed') && !long) useEnter(control, () => { change(); return true; });
  if (element.type !== 'plain_text_input') return { element: control, read };
  const left = h('p', { class: 'left', 'aria-live': 'polite' });
  const count = () => { const n = most - [...control.value].length; left.textContent = element.max_length && n <= Math.max(20, most / 10) ? (n < 0 ? `${-n} too many` : `${n} left`) : ''; left.classList.toggle('over', n < 0); };
  control.addEventListener('input', count);
  count();
  return { element: h('div', {}, control, left), read };
}

function moment(element, held, attributes, change) {
  const control = h('input', { ...attributes, type: 'datetime-local', onchange: change });
  if (held) { const d = new Date(held * 1000); control.value = new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16); }
  return { element: control, read: () => (control.value ? Math.floor(new Date(control.value).getTime() / 1000) : null) };
}

// external asks the app for options while a person types. Without suggest a text is taken as it is.
function external(element, held, attributes, change, suggest) {
  const id = newID();
  const list = h('datalist', { id });
  const control = h('input', { ...attributes, type: 'text', list: id, placeholder: plain(element.placeholder) || 'Type to search', onchange: change, autocomplete: 'off' });
  control.value = held ?? '';
  let timer;
  control.addEventListener('input', () => {
    clearTimeout(timer);
    if (!suggest || control.value.length < (element.min_query_length ?? 3)) return;
    timer = setTimeout(async () => {
      const found = await suggest(control.value);
      list.replaceChildren(...optionGroups(found).flatMap(g => g.options).map(o => h('option', { value: o.value, label: o.text })));
    }, 300);
  });
  return { element: h('div', {}, control, list), read: () => control.value || null };
}

// field makes the control for an element, or null when the element holds no value or none that can be given here. more may hold
// suggest, which asks the app for options; dispatch, whether a change is told at all; and user, whose files may be added.
export function field(element, held, attributes, change, more = {}) {
  const type = element.type || '';
  if (type === 'checkboxes' || type === 'radio_buttons') return boxes(element, held, attributes, change);
  if (type.startsWith('multi_') && type.endsWith('_select')) return several(element, held, attributes, change, more.suggest);
  if (type === 'external_select') return external(element, held, attributes, change, more.suggest);
  if (type.endsWith('_select')) return select(element, held, attributes, change);
  if (type === 'datetimepicker') return moment(element, held, attributes, change);
  if (type === 'file_input' && more.user) return filefield(element, held, attributes, more.user);
  if (type in textTypes || type === 'rich_text_input') return text(element, held, attributes, change, more);
  return null;
}
