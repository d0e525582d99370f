// Elements that hold a value, as HTML controls. Each returns {element, read}: read gives the value as the control API takes it.
import { h, newID } from './dom.js';
import { names, textObject } from './mrkdwn.js';

const textTypes = { plain_text_input: 'text', email_text_input: 'email', url_text_input: 'url', number_input: 'number', datepicker: 'date', timepicker: 'time' };

function options(element) {
  const groups = element.option_groups || [{ options: element.options || [] }];
  return groups.map(g => ({ label: g.label && g.label.text, options: (g.options || []).map(o => ({ value: o.value, text: plain(o.text) + (o.description ? ' · ' + plain(o.description) : '') })) }));
}

function plain(object) { return (object && object.text) || ''; }

function choices(element) {
  switch (element.type.replace('multi_', '')) {
    case 'users_select':
      return [{ options: Object.values(names.users).filter(u => !u.deleted).map(u => ({ value: u.id, text: u.real_name + (u.is_bot ? ' (app)' : '') })) }];
    case 'conversations_select': case 'channels_select':
      return [{ options: Object.entries(names.channels).filter(([, name]) => name).map(([id, name]) => ({ value: id, text: '#' + name })) }];
    default:
      return options(element);
  }
}

// current reads what the state says the field holds, as plain values.
function current(state) {
  if (!state) return null;
  const value = state.value ?? state.selected_option ?? state.selected_options ?? state.selected_user ?? state.selected_users ?? state.selected_conversation ??
    state.selected_conversations ?? state.selected_channel ?? state.selected_channels ?? state.selected_date ?? state.selected_time ?? state.selected_date_time ?? null;
  const one = v => (v && typeof v === 'object' ? v.value : v);
  return Array.isArray(value) ? value.map(one) : one(value);
}

function select(element, state, attributes, change) {
  const many = element.type.startsWith('multi_');
  const held = [].concat(current(state) ?? []);
  const make = o => { const item = h('option', { value: o.value }, o.text); item.selected = held.includes(o.value); return item; };
  const groups = choices(element).map(g => (g.label ? h('optgroup', { label: g.label }, g.options.map(make)) : g.options.map(make)));
  const count = groups.flat().length;
  const control = h('select', { ...attributes, multiple: many, size: many ? Math.min(8, Math.max(3, count)) : null, onchange: change },
    many ? null : h('option', { value: '' }, plain(element.placeholder) || 'Choose'), groups);
  if (!many && !held.length) control.value = '';
  const read = () => (many ? [...control.selectedOptions].map(o => o.value) : control.value || null);
  return { element: control, read };
}

function boxes(element, state, attributes, change) {
  const kind = element.type === 'checkboxes' ? 'checkbox' : 'radio';
  const held = [].concat(current(state) ?? []);
  const name = newID();
  const inputs = [];
  const list = (element.options || []).map(o => {
    const input = h('input', { type: kind, name, value: o.value, onchange: change });
    input.checked = held.includes(o.value);
    inputs.push(input);
    return h('label', { class: 'choice' }, input, h('span', {}, textObject(o.text), o.description ? h('small', {}, textObject(o.description)) : null));
  });
  const control = h('div', { role: kind === 'radio' ? 'radiogroup' : 'group', class: 'choices', 'aria-labelledby': attributes['aria-labelledby'],
    'aria-label': attributes['aria-label'], 'aria-describedby': attributes['aria-describedby'] }, list);
  const read = () => { const on = inputs.filter(i => i.checked).map(i => i.value); return kind === 'radio' ? on[0] ?? null : on; };
  return { element: control, read };
}

function text(element, state, attributes, change) {
  const held = current(state);
  const shared = { ...attributes, placeholder: plain(element.placeholder) || null, maxlength: element.max_length || null, onchange: change };
  const control = element.multiline ? h('textarea', { ...shared, rows: 4 }) :
    h('input', { ...shared, type: textTypes[element.type] || 'text', step: element.is_decimal_allowed ? 'any' : null, min: element.min_value, max: element.max_value });
  control.value = held ?? '';
  return { element: control, read: () => control.value || null };
}

function moment(element, state, attributes, change) {
  const held = current(state);
  const control = h('input', { ...attributes, type: 'datetime-local', onchange: change });
  if (held) { const d = new Date(held * 1000); control.value = new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16); }
  return { element: control, read: () => (control.value ? Math.floor(new Date(control.value).getTime() / 1000) : null) };
}

function rich(element, state, attributes, change) {
  const control = h('textarea', { ...attributes, rows: 4, placeholder: plain(element.placeholder) || null, onchange: change });
  return { element: control, read: () => control.value || null };
}

// field makes the control for an element, or null when the element holds no value.
export function field(element, state, attributes, change) {
  const type = element.type || '';
  if (type === 'checkboxes' || type === 'radio_buttons') return boxes(element, state, attributes, change);
  if (type === 'external_select' || type === 'multi_external_select') return text(element, state, attributes, change);
  if (type.endsWith('_select')) return select(element, state, attributes, change);
  if (type === 'datetimepicker') return moment(element, state, attributes, change);
  if (type === 'rich_text_input') return rich(element, state, attributes, change);
  if (type in textTypes) return text(element, state, attributes, change);
  return null;
}
