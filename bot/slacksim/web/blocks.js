// Block Kit as DOM. render(blocks, context) where context is
//   use(block, element, value)  called when a person uses an element
//   values                      state.values: what the fields hold
//   collect(block, element, read) told about each field, so that a modal can read them all
//   errors                      texts at fields by block_id
import { h, newID } from './dom.js';
import { field } from './fields.js';
import { mention, mrkdwn, link, names, textObject } from './mrkdwn.js';
import { confirmFirst } from './confirm.js';

function image(block) {
  const source = block.image_url || '';
  // Nothing is fetched from outside: a picture elsewhere is a link.
  if (source.startsWith('/') || source.startsWith(location.origin) || source.startsWith('data:image/')) return h('img', { src: source, alt: block.alt_text });
  return h('span', { class: 'picture' }, source ? link(source, 'Picture: ' + block.alt_text) : 'Picture: ' + block.alt_text);
}

function button(block, element, context) {
  const run = async () => { if (await confirmFirst(element.confirm, element.style)) context.use(block, element); };
  const out = h('button', { type: 'button', class: element.style || null, 'aria-label': element.accessibility_label, onclick: run,
    dataset: { block: block.block_id, action: element.action_id } }, textObject(element.text));
  if (element.url) out.addEventListener('click', () => window.open(element.url, '_blank', 'noopener,noreferrer'));
  return out;
}

function overflow(block, element, context) {
  const choose = h('select', { class: 'overflow', 'aria-label': 'More', dataset: { block: block.block_id, action: element.action_id }, onchange: async () => {
    const value = choose.value;
    choose.value = '';
    if (value && await confirmFirst(element.confirm)) context.use(block, element, value);
  } }, h('option', { value: '' }, '⋯'), element.options.map(o => h('option', { value: o.value }, o.text.text)));
  return choose;
}

function state(block, element, context) { return ((context.values || {})[block.block_id] || {})[element.action_id]; }

function interactive(block, element, context) {
  if (element.type === 'button' || element.type === 'workflow_button') return button(block, element, context);
  if (element.type === 'overflow') return overflow(block, element, context);
  if (element.type === 'image') return image(element);
  const label = (element.placeholder && element.placeholder.text) || (block.text && block.text.text) || element.action_id;
  const made = field(element, state(block, element, context), { 'aria-label': label, 'data-block': block.block_id, 'data-action': element.action_id },
    async () => { if (await confirmFirst(element.confirm)) context.use(block, element, made.read()); });
  if (!made) return h('em', {}, element.type);
  if (context.collect) context.collect(block, element, made.read);
  return made.element;
}

function section(block, context) {
  return h('div', { class: 'section' },
    h('div', { class: 'grow' }, block.text ? h('div', {}, textObject(block.text)) : null,
      block.fields ? h('div', { class: 'fields' }, block.fields.map(f => h('div', {}, textObject(f)))) : null),
    block.accessory ? h('div', { class: 'accessory' }, interactive(block, block.accessory, context)) : null);
}

function input(block, context) {
  const id = newID(), hint = newID(), error = newID(), label = newID();
  const text = (context.errors || {})[block.block_id];
  const dispatch = () => { if (block.dispatch_action) context.use(block, block.element, made.read()); };
  const attributes = { id, 'aria-labelledby': label, 'aria-describedby': [block.hint && hint, text && error].filter(Boolean).join(' ') || null,
    'aria-invalid': text ? 'true' : null, 'aria-required': block.optional ? null : 'true', 'data-block': block.block_id, 'data-action': block.element.action_id };
  const made = field(block.element, state(block, block.element, context), attributes, dispatch);
  if (made && context.collect) context.collect(block, block.element, made.read);
  return h('div', { class: text ? 'input wrong' : 'input' },
    h('label', { id: label, for: id }, textObject(block.label), block.optional ? h('span', { class: 'optional' }, ' (optional)') : null),
    made ? made.element : h('em', {}, block.element.type + ' cannot be filled in here'),
    text ? h('p', { class: 'error', id: error }, text) : null,
    block.hint ? h('p', { class: 'hint', id: hint }, textObject(block.hint)) : null);
}

function span(e) {
  const style = e.style || {};
  let out = e.type === 'link' ? link(e.url, e.text) : e.type === 'user' ? mention(e.user_id) : e.type === 'emoji' ? ':' + e.name + ':' :
    e.type === 'channel' ? h('span', { class: 'mention' }, '#' + (names.channels[e.channel_id] || e.channel_id)) :
    e.type === 'date' ? h('time', {}, mrkdwn(`<!date^${e.timestamp}^${e.format || '{date}'}|${e.fallback || ''}>`)) :
    (e.text || '').split('\n').flatMap((line, i) => (i ? [h('br'), ...mrkdwnIfPerson(line)] : mrkdwnIfPerson(line)));
  if (style.code) out = h('code', {}, out);
  if (style.bold) out = h('strong', {}, out);
  if (style.italic) out = h('em', {}, out);
  if (style.strike) out = h('s', {}, out);
  return out;
}

// People's own messages carry mentions as text inside their rich text.
function mrkdwnIfPerson(line) { return /<[@#!]/.test(line) ? mrkdwn(line) : [line.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')]; }

function rich(element) {
  const inside = (element.elements || []).map(e => (e.type.startsWith('rich_text_') ? rich(e) : span(e)));
  switch (element.type) {
    case 'rich_text_list': return h(element.style === 'ordered' ? 'ol' : 'ul', {}, inside.map(i => h('li', {}, i)));
    case 'rich_text_preformatted': return h('pre', {}, inside);
    case 'rich_text_quote': return h('blockquote', {}, inside);
    default: return h('div', {}, inside);
  }
}

function table(block) {
  const cell = c => (c.type === 'rich_text' ? (c.elements || []).map(rich) : String(c.text ?? c.value ?? ''));
  return h('table', {}, h('tbody', {}, block.rows.map((row, i) => h('tr', {}, row.map(c => h(i ? 'td' : 'th', {}, cell(c)))))));
}

function one(block, context) {
  switch (block.type) {
    case 'section': return section(block, context);
    case 'header': return h('h3', {}, textObject(block.text));
    case 'divider': return h('hr');
    case 'context': return h('div', { class: 'context' }, block.elements.map(e => (e.type === 'image' ? image(e) : h('span', {}, textObject(e)))));
    case 'actions': return h('div', { class: 'actions' }, block.elements.map(e => interactive(block, e, context)));
    case 'image': return h('figure', {}, block.title ? h('figcaption', {}, textObject(block.title)) : null, image(block));
    case 'input': return input(block, context);
    case 'rich_text': return h('div', {}, (block.elements || []).map(rich));
    case 'table': return table(block);
    case 'markdown': return h('div', {}, mrkdwn(block.text.replace(/\*\*(.+?)\*\*/g, '*$1*')));
    default: return h('em', { class: 'unknown' }, block.type);
  }
}

export function render(blocks, context) {
  return (blocks || []).map(b => h('div', { class: 'block ' + b.type, dataset: { blockId: b.block_id } }, one(b, context)));
}
