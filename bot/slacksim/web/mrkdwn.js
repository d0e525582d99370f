// Slack's mrkdwn as DOM nodes (docs.slack.dev/messaging/formatting-message-text).
import { h } from './dom.js';
import { emoji } from './emoji.js';
import { fullText, tokens } from './dates.js';
import { nameOf, store } from './store.js';

export function unescape(text) { return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'); }

export function mention(id, label) {
  const known = store.users[id];
  return h('span', { class: ['mention', id === store.me && 'me'], title: known && known.title ? known.title : id }, '@' + (known ? nameOf(id) : label || id));
}

export function channelMention(id, label) {
  const c = store.channel[id];
  return h('span', { class: 'mention' }, '#' + ((c && c.name) || label || id));
}

// safeLink returns an address only if it is http, https or mailto.
function safeLink(address) { return /^(https?:\/\/|mailto:)/i.test(address) ? address : null; }

export function link(address, text) {
  const safe = safeLink(address || '');
  return safe ? h('a', { href: safe, target: '_blank', rel: 'noopener noreferrer' }, text || address) : h('span', {}, text || address);
}

// date renders <!date^seconds^format^link|fallback> in the reader's own time zone.
function date(body) {
  const [command, fallback] = split(body, '|');
  const [, seconds, format = '', address] = command.split('^');
  const at = new Date(Number(seconds) * 1000);
  if (!seconds || Number.isNaN(at.getTime())) return h('span', {}, unescape(fallback || body));
  const values = tokens(at);
  const text = unescape(format).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const element = h('time', { datetime: at.toISOString(), title: fullText(at) }, text);
  return safeLink(address || '') ? link(address, element) : element;
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function token(body) {
  const [target, label] = split(body, '|');
  if (target.startsWith('@')) return mention(target.slice(1), unescape(label));
  if (target.startsWith('#')) return channelMention(target.slice(1), unescape(label));
  if (target.startsWith('!date^')) return date(body);
  if (target.startsWith('!subteam^')) return h('span', { class: 'mention' }, '@' + (store.groups[target.slice(9)] || unescape(label).replace(/^@/, '') || target.slice(9)));
  if (target.startsWith('!')) return h('span', { class: 'mention all' }, '@' + (unescape(label) || target.slice(1)).replace(/^@/, ''));
  return link(unescape(target), unescape(label));
}

// Markers count only at word borders, as in Slack: a*b*c stays as it is.
const inline = /(`[^`\n]+`)|<([^<>\n]+)>|(^|[\s(\[{"'.,;:!?>—–-])([*_~])(\S(?:[^\n]*?\S)?)\4(?=$|[\s)\]}"'.,;:!?<—–-])|:([\w+-]+):|(https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)\]'"])/;

// phrase renders one line.
function phrase(text) {
  const out = [];
  while (text) {
    const found = inline.exec(text);
    if (!found) { out.push(unescape(text)); break; }
    out.push(unescape(text.slice(0, found.index)));
    const [whole, code, body, before, mark, inner, name, address] = found;
    if (code) out.push(h('code', {}, unescape(code.slice(1, -1))));
    else if (body) out.push(token(body));
    else if (mark) out.push(before, h({ '*': 'strong', _: 'em', '~': 's' }[mark], {}, phrase(inner)));
    else if (address) out.push(link(unescape(address)));
    else out.push(emoji(name) || whole);
    text = text.slice(found.index + whole.length);
  }
  return out;
}

// mrkdwn renders a text with line breaks, quotes, bullets and code blocks. A line that begins with a bullet hangs.
export function mrkdwn(text) {
  const out = [];
  const parts = (text || '').split('```');
  parts.forEach((part, i) => {
    if (i % 2 && i < parts.length - 1) { out.push(h('pre', {}, unescape(part.replace(/^\n|\n$/g, '')))); return; }
    if (i % 2) part = '```' + part;
    lines(i ? part.replace(/^\n/, '') : part, out);
  });
  return out;
}

function lines(part, out) {
  let quote = null;
  let broken = true; // whether the next line begins on a line of its own anyway
  for (const line of part.split('\n')) {
    const quoted = /^(&gt;|>) ?/.exec(line);
    const bullet = /^\s*(•|◦|▪|[-–] |\d+[.)] )\s*/.exec(line);
    if (quoted) {
      if (quote) quote.append(h('br'));
      else out.push(quote = h('blockquote', {}));
      quote.append(...phrase(line.slice(quoted[0].length)));
      broken = true;
      continue;
    }
    quote = null;
    if (bullet) {
      out.push(h('div', { class: 'bullet' }, h('span', { class: 'mark' }, bullet[1].trim() + ' '), h('span', {}, phrase(line.slice(bullet[0].length)))));
      broken = true;
      continue;
    }
    if (!broken) out.push(h('br'));
    out.push(...phrase(line));
    broken = false;
  }
}

// plain is the text of a plain_text object with its emoji.
export function plain(object) {
  const text = (object && object.text) || '';
  return object && object.emoji === false ? text : text.replace(/:([\w+-]+):/g, (whole, name) => emoji(name) || whole);
}

// textObject renders a text composition object.
export function textObject(object) {
  if (!object) return [];
  if (object.type === 'mrkdwn') return mrkdwn(object.text);
  return plain(object).split('\n').flatMap((line, i) => [i ? h('br') : null, line]);
}

// summary is a text without marks, for announcements and previews.
export function summary(text) { return h('span', {}, mrkdwn(text)).textContent.replace(/\s+/g, ' ').trim(); }
