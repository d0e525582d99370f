// The markdown block: standard Markdown as DOM, as far as Slack's page of the block lists it.
import { h } from './dom.js';
import { emoji } from './emoji.js';
import { link } from './mrkdwn.js';

const inline = /(`+)([^`]+?)\1|!?\[([^\]]*)\]\(([^)\s]+)[^)]*\)|(\*\*|__)(\S.*?)\5|(\*|_)(\S.*?)\7|~~(\S.*?)~~|<(https?:[^>]+)>|:([\w+-]+):|\\([\\`*_{}[\]()#+.!~-])/;

function phrase(text) {
  const out = [];
  while (text) {
    const found = inline.exec(text);
    if (!found) { out.push(text); break; }
    out.push(text.slice(0, found.index));
    const [whole, , code, label, address, , strong, , em, strike, auto, name, escaped] = found;
    if (code) out.push(h('code', {}, code));
    else if (address) out.push(link(address, label || address));
    else if (strong) out.push(h('strong', {}, phrase(strong)));
    else if (em) out.push(h('em', {}, phrase(em)));
    else if (strike) out.push(h('s', {}, phrase(strike)));
    else if (auto) out.push(link(auto));
    else if (escaped) out.push(escaped);
    else out.push(emoji(name) || whole);
    text = text.slice(found.index + whole.length);
  }
  return out;
}

const bullet = /^\s*(?:[-*+]|(\d+)[.)])\s+(?:\[([ xX])\]\s+)?(.*)$/;

// Each rule takes lines from the front of the list and returns a node, or nothing when it does not fit.
const rules = [
  l => {
    if (!l[0].startsWith('```')) return null;
    const end = l.findIndex((line, i) => i && line.startsWith('```'));
    const body = l.splice(0, end < 0 ? l.length : end + 1);
    return h('pre', {}, body.slice(1, end < 0 ? undefined : -1).join('\n'));
  },
  l => { const m = /^(#{1,6})\s+(.*)$/.exec(l[0]); return m && l.shift() !== null && h('h4', { class: 'level-' + m[1].length }, phrase(m[2])); },
  l => /^\s*([-*_])(\s*\1){2,}\s*$/.test(l[0]) && l.shift() !== null && h('hr'),
  l => { const body = take(l, line => line.startsWith('>')); return body.length && h('blockquote', {}, blocks(body.map(line => line.replace(/^> ?/, '')))); },
  l => {
    if (!bullet.test(l[0])) return null;
    const first = bullet.exec(l[0]);
    const items = [];
    for (const line of take(l, line => bullet.test(line) || /^\s{2,}\S/.test(line))) {
      const item = bullet.exec(line);
      if (item) items.push(item);
      else items[items.length - 1][3] += ' ' + line.trim();
    }
    return h(first[1] ? 'ol' : 'ul', { start: first[1] && first[1] !== '1' ? first[1] : null }, items.map(m => h('li', {}, m[2] === undefined ? null : m[2] === ' ' ? '☐ ' : '☑ ', phrase(m[3]))));
  },
  l => {
    if (!/^\s*\|/.test(l[0]) || !/^[\s|:-]+$/.test(l[1] || '')) return null;
    const rows = take(l, line => /^\s*\|/.test(line)).map(line => line.trim().replace(/^\||\|$/g, '').split('|'));
    const row = (cells, tag) => h('tr', {}, cells.map(c => h(tag, {}, phrase(c.trim()))));
    return h('table', {}, h('thead', {}, row(rows[0], 'th')), h('tbody', {}, rows.slice(2).map(r => row(r, 'td'))));
  },
];

function take(l, fits) {
  const end = l.findIndex(line => !fits(line));
  return l.splice(0, end < 0 ? l.length : end);
}

function blocks(l) {
  const out = [];
  while (l.length) {
    if (!l[0].trim()) { l.shift(); continue; }
    const made = rules.reduce((done, rule) => done || rule(l), null);
    if (made) { out.push(made); continue; }
    const text = [l.shift()];
    while (l.length && l[0].trim() && !/^(#{1,6}\s|>|```|\s*\|)/.test(l[0]) && !bullet.test(l[0])) text.push(l.shift());
    out.push(h('p', {}, text.flatMap((line, i) => [i ? h('br') : null, ...phrase(line)])));
  }
  return out;
}

export function markdown(text) { return blocks((text || '').split('\n')); }
