// Slack's mrkdwn as DOM nodes (docs.slack.dev/messaging/formatting-message-text).
import { h } from './dom.js';

const emoji = { white_check_mark: '✅', x: '❌', warning: '⚠️', key: '🔑', lock: '🔒', unlock: '🔓', hourglass: '⌛', bell: '🔔', tada: '🎉',
  eyes: '👀', rotating_light: '🚨', information_source: 'ℹ️', heavy_check_mark: '✔️', point_right: '👉', pray: '🙏', thumbsup: '👍', '+1': '👍',
  thumbsdown: '👎', '-1': '👎', wave: '👋', rocket: '🚀', memo: '📝', link: '🔗', calendar: '📅', clock1: '🕐', red_circle: '🔴', large_green_circle: '🟢' };

// names knows users, channels and groups by id; app.js fills it from the state.
export const names = { users: {}, channels: {}, groups: {}, me: '' };

export function unescape(text) { return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'); }

export function mention(id) {
  const user = names.users[id];
  return h('span', { class: id === names.me ? 'mention me' : 'mention', title: id }, '@' + (user ? user.real_name : id));
}

// safeLink returns an address only if it is http, https or mailto.
function safeLink(address) { return /^(https?:|mailto:)/i.test(address) ? address : null; }

export function link(address, text) {
  const safe = safeLink(address);
  return safe ? h('a', { href: safe, target: '_blank', rel: 'noopener noreferrer' }, text || address) : h('span', {}, text || address);
}

const day = 86400000;

function pretty(date, plain) {
  const start = d => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const distance = Math.round((start(date) - start(new Date())) / day);
  return { '-1': 'yesterday', 0: 'today', 1: 'tomorrow' }[distance] || plain;
}

function ago(date) {
  const seconds = (date - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  for (const [unit, size] of [['day', 86400], ['hour', 3600], ['minute', 60]]) if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  return format.format(Math.round(seconds), 'second');
}

// date renders <!date^seconds^format^link|fallback> in the reader's own time zone.
function date(body) {
  const [command, fallback] = split(body, '|');
  const [, seconds, format = '', address] = command.split('^');
  const at = new Date(Number(seconds) * 1000);
  if (!seconds || Number.isNaN(at.getTime())) return h('span', {}, fallback || body);
  const show = options => new Intl.DateTimeFormat('en', options).format(at);
  const short = show({ month: 'short', day: 'numeric', year: 'numeric' });
  const medium = show({ month: 'long', day: 'numeric', year: 'numeric' });
  const long = show({ weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' });
  const values = { date_num: at.toLocaleDateString('sv'), date: medium, date_short: short, date_long: long, date_pretty: pretty(at, medium),
    date_short_pretty: pretty(at, short), date_long_pretty: pretty(at, long), date_slash: show({ dateStyle: 'short' }),
    time: show({ timeStyle: 'short' }), time_secs: show({ timeStyle: 'medium' }), ago: ago(at) };
  const text = unescape(format).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const element = h('time', { datetime: at.toISOString(), title: at.toString() }, text);
  return address ? h('a', { href: safeLink(address), target: '_blank', rel: 'noopener noreferrer' }, element) : element;
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function token(body) {
  const [target, label] = split(body, '|');
  if (target.startsWith('@')) return mention(target.slice(1));
  if (target.startsWith('#')) return h('span', { class: 'mention' }, '#' + (label || names.channels[target.slice(1)] || target.slice(1)));
  if (target.startsWith('!date^')) return date(body);
  if (target.startsWith('!subteam^')) return h('span', { class: 'mention' }, '@' + (names.groups[target.slice(9)] || label || target.slice(9)));
  if (target.startsWith('!')) return h('span', { class: 'mention' }, '@' + target.slice(1));
  return link(unescape(target), unescape(label));
}

// Markers count only at word borders, as in Slack: a*b*c stays as it is.
const inline = /(`[^`\n]+`)|<([^<>\n]+)>|(^|[\s(\[{"'.,;:!?>—–-])([*_~])(\S(?:[^\n]*?\S)?)\4(?=$|[\s)\]}"'.,;:!?<—–-])|:([\w+-]+):/;

// phrase renders one line.
function phrase(text) {
  const out = [];
  while (text) {
    const found = inline.exec(text);
    if (!found) { out.push(unescape(text)); break; }
    out.push(unescape(text.slice(0, found.index)));
    const [whole, code, body, before, mark, inner, name] = found;
    if (code) out.push(h('code', {}, unescape(code.slice(1, -1))));
    else if (body) out.push(token(body));
    else if (mark) out.push(before, h({ '*': 'strong', _: 'em', '~': 's' }[mark], {}, phrase(inner)));
    else out.push(emoji[name] || whole);
    text = text.slice(found.index + whole.length);
  }
  return out;
}

// mrkdwn renders a text with line breaks, quotes and code blocks.
export function mrkdwn(text) {
  const out = [];
  (text || '').split('```').forEach((part, i) => {
    if (i % 2) { out.push(h('pre', {}, unescape(part.replace(/^\n/, '')))); return; }
    let quote = null;
    part.split('\n').forEach((line, n, all) => {
      const quoted = /^(&gt;|>) ?/.exec(line);
      if (quoted) {
        if (!quote) out.push(quote = h('blockquote', {}));
        else quote.append(h('br'));
        quote.append(...phrase(line.slice(quoted[0].length)));
        return;
      }
      quote = null;
      out.push(...phrase(line));
      if (n < all.length - 1) out.push(h('br'));
    });
  });
  return out;
}

// textObject renders a text composition object.
export function textObject(object) {
  if (!object) return [];
  if (object.type === 'mrkdwn') return mrkdwn(object.text);
  return (object.text || '').split('\n').flatMap((line, i) => [i ? h('br') : null, object.emoji === false ? line : line.replace(/:([\w+-]+):/g, (whole, name) => emoji[name] || whole)]);
}
