// One message as DOM.
import { h, icon } from './dom.js';
import { call } from './api.js';
import { attachment, render } from './blocks.js';
import { avatar } from './avatar.js';
import { clickIn } from './acts.js';
import { agoText, dateOf, fullText, timeText } from './dates.js';
import { emoji } from './emoji.js';
import { sizeText } from './filefield.js';
import { mrkdwn, summary } from './mrkdwn.js';
import { nameOf, now, store } from './store.js';

export function authorOf(m) { return m.username || nameOf(m.user); }

// textOf is what a screen reader hears of a new message.
export function textOf(m) { return `${authorOf(m)}: ${summary(m.text) || 'a message'}`; }

// closeTo says whether b follows a so soon that it needs no name of its own.
export function closeTo(a, b) {
  return Boolean(a) && a.user === b.user && authorOf(a) === authorOf(b) && !a.ephemeral_to === !b.ephemeral_to && !a.broadcast && !b.broadcast &&
    b.ts - a.ts < 300 && dateOf(a.ts).getDate() === dateOf(b.ts).getDate();
}

function stamp(m) {
  const at = dateOf(m.ts);
  return h('time', { datetime: at.toISOString(), title: fullText(at) }, timeText(at));
}

function threadButton(m, open) {
  const { count, latest, users } = m.replies;
  const at = dateOf(latest);
  return h('button', { type: 'button', class: 'thread-open', dataset: { block: 'thread', action: m.ts }, onclick: () => open(m.ts) },
    h('span', { class: 'faces' }, users.slice(0, 3).map(u => avatar(u, true))),
    h('span', { class: 'count' }, count === 1 ? '1 reply' : `${count} replies`),
    h('span', { class: 'last' }, now() - at < 86400000 ? 'Last reply ' + agoText(at) : 'Last reply ' + fullText(at)));
}

function dismiss(m, channel) {
  return h('button', { type: 'button', class: 'linkish', dataset: { block: 'dismiss', action: m.ts },
    onclick: () => call('dismiss', { user: store.me, channel, message_ts: m.ts }).catch(() => {}) }, 'Dismiss message');
}

function editedMark(m) { return m.edited ? h('span', { class: 'quietly', title: 'Edited ' + fullText(dateOf(m.edited)) }, ' (edited)') : null; }

function body(m, channel, compact) {
  const context = { use: clickIn(channel, m.ts), values: (m.chosen || {})[store.me] || m.values };
  const edited = compact || !m.blocks ? editedMark(m) : null; // beside the time where there is one
  return [
    m.blocks ? [render(m.blocks, context), edited] : m.text ? h('div', { class: 'block text' }, mrkdwn(m.text), edited) : edited,
    (m.attachments || []).map(a => attachment(a, context)),
    (m.files || []).map(f => f.mode === 'tombstone' ? h('p', { class: 'faint' }, 'This file was deleted.') : h('a', { class: 'card file', href: '/files/' + encodeURIComponent(f.id), download: f.name },
      (f.mimetype || '').startsWith('image/') ? h('img', { class: 'picture', src: '/files/' + encodeURIComponent(f.id), alt: f.name }) : icon('file'),
      h('span', {}, h('strong', {}, f.title || f.name), h('small', {}, `${f.filetype || 'file'} · ${sizeText(f.size)}`)))),
    m.reactions ? h('div', { class: 'reactions' }, m.reactions.map(r => h('span', { title: r.users.map(nameOf).join(', ') + ' · :' + r.name + ':' }, emoji(r.name) || ':' + r.name + ':', ' ' + r.users.length))) : null];
}

// messageNode renders a message. compact leaves name and picture out; openThread is given where threads can be opened.
export function messageNode(m, channel, { compact, openThread, inThread } = {}) {
  const name = authorOf(m);
  const user = store.users[m.user] || {};
  return h('article', { class: ['message', compact && 'compact', m.ephemeral_to && 'ephemeral'], tabindex: '-1', dataset: { ts: m.ts }, 'aria-label': `${name}, ${timeText(dateOf(m.ts))}` },
    m.ephemeral_to ? h('p', { class: 'only' }, icon('eye'), 'Only visible to you') : null,
    m.broadcast && !inThread ? h('p', { class: 'only' }, icon('reply'), 'replied to a thread') : null,
    h('div', { class: 'gutter' }, compact ? stamp(m) : avatar(m.user)),
    h('div', { class: 'content' },
      compact ? null : h('header', {}, h('strong', {}, name), m.app || user.is_bot ? h('span', { class: 'tag' }, 'APP') : null, user.foreign ? h('span', { class: 'tag' }, 'other workspace') : null, stamp(m), m.blocks ? editedMark(m) : null),
      body(m, channel, compact),
      m.replies && openThread ? threadButton(m, openThread) : null,
      m.ephemeral_to ? dismiss(m, channel) : null),
    openThread && !m.ephemeral_to ? h('div', { class: 'tools' }, h('button', { type: 'button', tabindex: '-1', title: 'Reply in thread', 'aria-label': 'Reply in thread', onclick: () => openThread(m.ts) }, icon('reply'))) : null);
}
