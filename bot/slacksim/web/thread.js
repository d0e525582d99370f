// A thread beside its conversation.
import { $, announce, h, keepFocus, sync } from './dom.js';
import { call, query } from './api.js';
import { closeTo, messageNode, textOf } from './message.js';
import { on, store } from './store.js';

const pane = $('thread');
const list = $('thread-messages');
let open = null;        // {user, channel, ts, list}
let before = null;      // what had the focus

// openThread shows the thread of a message and puts the focus into its composer.
export async function openThread(channel, ts) {
  before = document.activeElement;
  const mine = open = { user: store.me, channel, ts, list: [] };
  pane.hidden = false;
  document.body.classList.add('with-thread');
  const c = store.channel[channel];
  $('thread-where').textContent = c && c.name ? '#' + c.name : store.app.name;
  const page = await call('thread?' + query({ as: mine.user, channel, ts }));
  if (open !== mine) return;
  mine.list = page.messages;
  draw(true);
  $('thread-text').focus();
}

// closeThread hides the pane; the focus goes back to where it was.
export function closeThread() {
  if (!open) return;
  const { ts } = open;
  open = null;
  pane.hidden = true;
  document.body.classList.remove('with-thread');
  list.replaceChildren();
  if (before && before.isConnected && before !== document.body) return before.focus();
  // The message was drawn anew meanwhile: the focus goes to what stands there now.
  const message = $('messages').querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  (message && message.querySelector('.thread-open') || message || $('messages')).focus();
}

export function threadOpen() { return open; }

function draw(toEnd) {
  const end = toEnd || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  keepFocus(list, () => {
    const replies = open.list.filter(m => m.ts !== open.ts);
    const made = open.list.map((m, i) => messageNode(m, open.channel, { inThread: true, compact: i > 1 && closeTo(open.list[i - 1], m) }));
    if (made.length && open.list[0].ts === open.ts) made.splice(1, 0, h('div', { class: 'day', role: 'separator' }, h('span', {}, replies.length === 1 ? '1 reply' : `${replies.length} replies`)));
    sync(list, made);
  });
  if (end) list.scrollTop = list.scrollHeight;
}

on('message', ({ channel, message: m, fresh }) => {
  if (!open || channel !== open.channel || (m.ephemeral_to && m.ephemeral_to !== open.user)) return;
  const at = open.list.findIndex(o => o.ts === m.ts);
  if (m.deleted) { if (at >= 0) { open.list.splice(at, 1); draw(); } return; }
  if (m.ts !== open.ts && m.thread_ts !== open.ts) return;
  if (at >= 0) open.list[at] = m;
  else open.list.push(m);
  if (fresh && m.user !== open.user) announce('In the thread, ' + textOf(m));
  draw();
});

let stick = true; // the newest reply is in view, and stays there when the pane changes its size
list.addEventListener('scroll', () => { stick = list.scrollHeight - list.scrollTop - list.clientHeight < 80; }, { passive: true });
new ResizeObserver(() => { if (open && stick) list.scrollTop = list.scrollHeight; }).observe(list);

$('thread-close').addEventListener('click', closeThread);
pane.addEventListener('keydown', event => { if (event.key === 'Escape' && !event.defaultPrevented) { event.preventDefault(); closeThread(); } });
