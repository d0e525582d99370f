// Block Kit as DOM. render(blocks, context) where context is
//   use(block, element, value)     called when a person uses an element; resolves to '' or to what went wrong
//   values                         state.values: what the fields hold
//   typed                          what a person typed but has not sent, by block_id and action_id
//   collect(block, element, read)  told about each field, so that a modal can read them all
//   suggest(block, element, text)  asks the app for options
//   errors                         texts at fields by block_id
//   user                           whose files may be added
import { h, icon, newID } from './dom.js';
import { field, heldIn } from './fields.js';
import { link, mrkdwn, plain, textObject } from './mrkdwn.js';
import { markdown } from './markdown.js';
import { rich, table } from './richtext.js';
import { confirmFirst } from './confirm.js';
import { overflow } from './menu.js';
import { dataTable } from './datatable.js';
import * as newer from './newer.js';

// image shows pictures that are embedded or of this host. Nothing is fetched from outside: others are links.
function image(block) {
  const file = block.slack_file || {};
  const source = block.image_url || file.url || (file.id ? '/files/' + file.id : '');
  const own = source.startsWith('data:image/') || source.startsWith('/') && !source.startsWith('//') || source.startsWith(location.origin + '/');
  if (own) return h('img', { src: source, alt: block.alt_text || '', loading: 'lazy' });
  return h('span', { class: 'picture' }, icon('file'), link(source, block.alt_text || source));
}

// runner lets a person use an element: it asks first if need be, shows that it works, and what went wrong. read gives the value; a live one,
// of a field, is read and told once more when it changed while the app was thinking.
function runner(node, block, element, context, live) {
  let again = false; // it was used once more while the app was thinking
  const run = async read => {
    if (node.getAttribute('aria-busy')) { again = Boolean(live); return; }
    if (!await confirmFirst(element.confirm, element.style)) return;
    node.setAttribute('aria-busy', 'true');
    const wrong = await context.use(block, element, read && read());
    node.removeAttribute('aria-busy');
    complain(node, wrong);
    if (again) { again = false; run(read); }
  };
  return run;
}

// complain puts what went wrong below an element, or takes it away.
function complain(node, wrong) {
  const place = node.closest('.block') || node.parentElement;
  if (!place) return;
  for (const old of place.querySelectorAll(':scope > .act-error')) old.remove();
  if (wrong) place.append(h('p', { class: 'act-error', role: 'alert' }, icon('alert'), wrong));
}

function button(block, element, context) {
  const node = h('button', { type: 'button', class: element.style || null, 'aria-label': element.accessibility_label, dataset: { block: block.block_id, action: element.action_id } }, textObject(element.text));
  const run = runner(node, block, element, context);
  node.addEventListener('click', () => {
    if (element.url && /^https?:\/\//i.test(element.url)) window.open(element.url, '_blank', 'noopener,noreferrer');
    run();
  });
  return node;
}

function menu(block, element, context) {
  const wrap = overflow(element.options || [], { dataset: { block: block.block_id, action: element.action_id } }, option => {
    if (option.url && /^https?:\/\//i.test(option.url)) window.open(option.url, '_blank', 'noopener,noreferrer');
    run(() => option.value);
  });
  const run = runner(wrap.querySelector('button'), block, element, context);
  return wrap;
}

// feedback is the pair of buttons of context_actions.
function feedback(block, element, context) {
  return [element.positive_button, element.negative_button].filter(Boolean).map(b => button(block, { ...element, ...b, confirm: null }, context));
}

function held(block, element, context) {
  const typed = ((context.typed || {})[block.block_id] || {})[element.action_id];
  return typed !== undefined ? typed : heldIn(((context.values || {})[block.block_id] || {})[element.action_id]);
}

function interactive(block, element, context) {
  switch (element.type) {
    case 'button': case 'workflow_button': return button(block, element, context);
    case 'icon_button': return button(block, { ...element, text: element.text || { type: 'plain_text', text: element.icon || element.action_id } }, context);
    case 'feedback_buttons': return feedback(block, element, context);
    case 'overflow': return menu(block, element, context);
    case 'image': return image(element);
  }
  const label = plain(element.placeholder) || plain(block.text) || element.action_id;
  const made = field(element, held(block, element, context), { 'aria-label': label, 'data-block': block.block_id, 'data-action': element.action_id },
    () => run(made.read), { dispatch: true, user: context.user, suggest: context.suggest && (text => context.suggest(block, element, text)) });
  if (!made) return unknown(element.type);
  const run = runner(made.element, block, element, context, true);
  if (context.collect) context.collect(block, element, made.read);
  return made.element;
}

function unknown(type) { return h('span', { class: 'unknown' }, `This page does not show “${type || 'unknown'}”.`); }

function section(block, context) {
  return h('div', { class: 'section' },
    h('div', { class: 'grow' }, block.text ? h('div', { class: 'text' }, textObject(block.text)) : null,
      block.fields ? h('div', { class: 'fields' }, block.fields.map(f => h('div', {}, textObject(f)))) : null),
    block.accessory ? h('div', { class: 'accessory' }, interactive(block, block.accessory, context)) : null);
}

function input(block, context) {
  const id = newID(), hint = newID(), error = newID(), label = newID();
  const text = (context.errors || {})[block.block_id];
  const element = block.element || {};
  const attributes = { id, 'aria-labelledby': label, 'aria-describedby': [text && error, block.hint && hint].filter(Boolean).join(' ') || null,
    'aria-invalid': text ? 'true' : null, 'aria-required': block.optional ? null : 'true', 'data-block': block.block_id, 'data-action': element.action_id };
  const made = field(element, held(block, element, context), attributes, () => { if (block.dispatch_action) run(made.read); },
    { dispatch: Boolean(block.dispatch_action), user: context.user, suggest: context.suggest && (text => context.suggest(block, element, text)) });
  if (made && made.element.getAttribute('role') === 'group') made.element.removeAttribute('aria-required'); // a group of boxes has no such state
  const run = made && runner(made.element, block, element, context, true);
  if (made && context.collect) context.collect(block, element, made.read);
  return h('div', { class: ['input', text && 'wrong'] },
    h('label', { id: label, for: id }, textObject(block.label), block.optional ? h('span', { class: 'optional' }, ' (optional)') : null),
    made ? made.element : unknown(element.type),
    text ? h('p', { class: 'error', id: error }, icon('alert'), text) : null,
    block.hint ? h('p', { class: 'hint', id: hint }, textObject(block.hint)) : null);
}

function video(block) {
  return h('div', { class: 'card' }, h('strong', {}, link(block.title_url || block.video_url, plain(block.title) || block.alt_text)),
    block.author_name ? h('small', {}, block.author_name) : null, block.description ? h('div', {}, plain(block.description)) : null,
    h('small', {}, 'Video: ', link(block.video_url, block.alt_text)));
}

const kinds = {
  section,
  header: block => h('h3', {}, textObject(block.text)),
  divider: () => h('hr'),
  context: block => h('div', { class: 'context' }, (block.elements || []).map(e => (e.type === 'image' ? image(e) : h('span', {}, textObject(e))))),
  actions: (block, context) => h('div', { class: 'actions' }, (block.elements || []).map(e => interactive(block, e, context))),
  context_actions: (block, context) => h('div', { class: 'actions slight' }, (block.elements || []).map(e => interactive(block, e, context))),
  image: block => h('figure', {}, block.title ? h('figcaption', {}, textObject(block.title)) : null, image(block)),
  input,
  rich_text: block => h('div', { class: 'rich' }, (block.elements || []).map(rich)),
  table,
  markdown: block => h('div', { class: 'markdown' }, markdown(block.text)),
  video,
  alert: newer.alert,
  card: (block, context) => newer.card(block, (b, e) => interactive(b, e, context), image),
  carousel: (block, context) => h('div', { class: 'carousel' }, (block.elements || []).map(b => renderOne(b, context))),
  container: (block, context) => newer.container(block, b => renderOne(b, context)),
  data_table: (block, context) => dataTable(block, (b, e) => interactive(b, e, context)),
  data_visualization: newer.chart,
  plan: newer.plan,
  task_card: newer.task,
  file: block => h('div', { class: 'card' }, icon('file'), ' File ', h('code', {}, block.external_id || block.file_id || '')),
};

// one renders a block. A block that this page does not know, or that is not as expected, is a labelled box.
function one(block, context) {
  try {
    return kinds[block.type] ? kinds[block.type](block, context) : unknown(block.type);
  } catch (problem) {
    console.error(problem);
    return unknown(block && block.type);
  }
}

// renderOne renders one block in its box.
export function renderOne(b, context) {
  return h('div', { class: 'block block-' + (b || {}).type, dataset: { blockId: (b || {}).block_id || '' } }, one(b || {}, context));
}

export function render(blocks, context) { return (blocks || []).map(b => renderOne(b, context)); }

// usable says whether a block holds something that a person can use, so that its block_id matters.
export function usable(b) { return ['actions', 'context_actions', 'input', 'card', 'carousel', 'container', 'data_table'].includes(b.type) || Boolean(b.accessory); }

// lookOf is equal for views that look and work the same, so that nothing is drawn anew under a person's pointer. Slack
// gives blocks without a block_id a new one each time; it matters only where something can be used.
export function lookOf(view) {
  return JSON.stringify([view.id, view.title, view.submit, view.close, view.submit_disabled, view.blocks.map(b => (usable(b) ? b : { ...b, block_id: '' })), view.state.values]);
}

// attachment renders a legacy attachment: blocks or text with a coloured bar.
export function attachment(a, context) {
  const bar = h('div', { class: 'attachment' },
    a.pretext ? h('div', {}, mrkdwn(a.pretext)) : null,
    a.blocks ? render(a.blocks, context) : [
      a.title ? h('strong', {}, a.title_link ? link(a.title_link, a.title) : a.title) : null, h('div', {}, mrkdwn(a.text || (a.title ? '' : a.fallback))),
      a.fields ? h('div', { class: 'fields' }, a.fields.map(f => h('div', {}, h('strong', {}, f.title), h('br'), mrkdwn(String(f.value))))) : null,
      a.footer ? h('small', {}, a.footer) : null]);
  const colour = { good: '#2eb67d', warning: '#daa038', danger: '#a30200' }[a.color] || (/^#?[0-9a-f]{6}$/i.test(a.color || '') ? '#' + a.color.replace('#', '') : '');
  if (colour) bar.style.setProperty('--bar', colour);
  return bar;
}
