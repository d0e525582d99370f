// rich_text blocks and the table block as DOM.
import { h } from './dom.js';
import { emoji } from './emoji.js';
import { channelMention, link, mention, mrkdwn } from './mrkdwn.js';
import { store } from './store.js';

const kinds = {
  text: e => (e.text || '').split('\n').flatMap((line, i) => (i ? [h('br'), line] : [line])),
  link: e => link(e.url, e.text),
  user: e => mention(e.user_id),
  usergroup: e => h('span', { class: 'mention' }, '@' + (store.groups[e.usergroup_id] || e.usergroup_id)),
  channel: e => channelMention(e.channel_id),
  broadcast: e => h('span', { class: 'mention all' }, '@' + e.range),
  emoji: e => emoji(e.name) || ':' + e.name + ':',
  date: e => mrkdwn(`<!date^${e.timestamp}^${e.format || '{date}'}|${e.fallback || ''}>`),
  color: e => h('code', {}, e.value),
  team: e => h('span', { class: 'mention' }, '@' + e.team_id),
};

function span(e) {
  const make = kinds[e.type];
  let out = make ? make(e) : h('span', { class: 'unknown' }, e.type || 'unknown');
  const style = e.style || {};
  for (const [key, tag] of [['code', 'code'], ['bold', 'strong'], ['italic', 'em'], ['strike', 's'], ['underline', 'u']]) if (style[key]) out = h(tag, {}, out);
  return out;
}

// rich renders one element of a rich_text block.
export function rich(element) {
  const inside = (element.elements || []).map(e => (String(e.type).startsWith('rich_text_') ? rich(e) : span(e)));
  switch (element.type) {
    case 'rich_text_list': {
      const ordered = element.style === 'ordered';
      return h(ordered ? 'ol' : 'ul', { class: 'indent-' + Math.min(8, element.indent || 0), start: ordered && element.offset ? element.offset + 1 : null }, inside.map(i => h('li', {}, i)));
    }
    case 'rich_text_preformatted': return h('pre', {}, inside);
    case 'rich_text_quote': return h('blockquote', {}, inside);
    default: return h('div', {}, inside);
  }
}

// table renders a table block; its first row is the heading.
export function table(block) {
  const settings = block.column_settings || [];
  const cell = c => (c.type === 'rich_text' ? (c.elements || []).map(rich) : String(c.text ?? c.value ?? ''));
  const row = (cells, tag) => h('tr', {}, cells.map((c, i) => h(tag, { scope: tag === 'th' ? 'col' : null, class: ['align-' + ((settings[i] || {}).align || 'left'), (settings[i] || {}).is_wrapped === false && 'nowrap'] }, cell(c || {}))));
  const [head, ...rest] = block.rows || [];
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table' },
    h('table', {}, head ? h('thead', {}, row(head, 'th')) : null, h('tbody', {}, rest.map(r => row(r, 'td')))));
}
