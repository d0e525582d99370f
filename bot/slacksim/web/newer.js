// The newer blocks: cards, boxes, charts as tables of their numbers, plans. show renders a block, press a button.
import { h, icon } from './dom.js';
import { link, textObject } from './mrkdwn.js';
import { rich } from './richtext.js';

const marks = { pending: '…', in_progress: '…', complete: '✓', error: '✗' };
const words = { pending: 'waiting', in_progress: 'under way', complete: 'done', error: 'failed' };

const entity = block => (block ? h('div', { class: 'rich' }, (block.elements || []).map(rich)) : null);

export const alert = block => h('div', { class: 'card', role: 'note' }, icon('alert'), ' ', h('span', {}, textObject(block.text)));

export function card(block, press, image) {
  return h('div', { class: 'card' }, block.hero_image ? image(block.hero_image) : null,
    block.title ? h('strong', {}, textObject(block.title)) : null, block.subtitle ? h('small', {}, textObject(block.subtitle)) : null,
    block.body ? h('div', {}, textObject(block.body)) : null, block.subtext ? h('small', {}, textObject(block.subtext)) : null,
    block.actions ? h('div', { class: 'actions' }, block.actions.map(e => press(block, e))) : null);
}

// container is open or folded, as its title is pressed.
export function container(block, show) {
  const title = block.rich_text_title ? entity(block.rich_text_title) : block.title ? h('strong', {}, textObject(block.title)) : null;
  const inner = (block.child_blocks || []).map(show);
  const head = [title, block.subtitle ? h('small', {}, textObject(block.subtitle)) : null];
  return block.is_collapsible
    ? h('details', { class: 'card', open: !block.default_collapsed }, h('summary', {}, head), inner)
    : h('div', { class: 'card' }, head, inner);
}

// chart shows what a chart says as a table.
export function chart(block) {
  const c = block.chart || {};
  const rows = c.segments ? c.segments.map(s => [s.label, s.value]) : (c.series || []).flatMap(s => s.data.map(p => [`${s.name}, ${p.label}`, p.value]));
  return h('div', { class: 'card' }, h('strong', {}, block.title), h('small', {}, ` ${c.type} chart`),
    h('table', {}, h('tbody', {}, rows.map(([label, value]) => h('tr', {}, h('th', { scope: 'row' }, label), h('td', {}, String(value)))))));
}

export function task(block) {
  return h('div', { class: 'card' }, h('div', {}, `${marks[block.status] || ''} `, h('strong', {}, block.title), h('small', {}, ` ${words[block.status] || ''}`)),
    entity(block.details), entity(block.output), (block.sources || []).map(s => h('div', {}, link(s.url, s.text))));
}

export const plan = block => h('div', {}, h('strong', {}, block.title), (block.tasks || []).map(task));
