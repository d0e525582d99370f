// The page: who acts, which conversation is shown, and the live state of both.
import { call, h } from './dom.js';
import { render } from './blocks.js';
import { showModal } from './modal.js';
import { mrkdwn, names } from './mrkdwn.js';

const $ = id => document.getElementById(id);
const place = { user: '', where: '' }; // where: a channel id, or "home"
let state = null;
let drawn = {};
const seen = JSON.parse(sessionStorage.getItem('seen') || '{}'); // "user/channel": newest timestamp looked at

function say(text) { $('status').textContent = text; }

// guard runs an act and shows why it could not be done.
async function guard(work) {
  try { await work(); } catch (problem) { say(problem.message); }
}

let loading = null, again = false;

// refresh loads the state; calls while one is under way are joined into one more.
function refresh() {
  if (loading) { again = true; return loading; }
  loading = load().catch(problem => { console.error(problem); say('The page could not be brought up to date: ' + problem.message); }).then(() => {
    loading = null;
    if (again) { again = false; return refresh(); }
  });
  return loading;
}

async function load() {
  const query = new URLSearchParams({ as: place.user, channel: place.where === 'home' ? '' : place.where });
  state = await call('state?' + query);
  if (!place.user) {
    const first = state.people.find(p => !p.is_bot && !p.deleted);
    const asked = new URLSearchParams(location.search).get('as');
    const person = state.people.find(p => p.id === asked) || first;
    if (person) { go(person.id, person.dm || (state.app.home ? 'home' : '')); return; }
  }
  draw();
}

function go(user, where) {
  if (user !== place.user) say('');
  place.user = user;
  place.where = where;
  drawn = {};
  $('messages').replaceChildren();
  if (where === 'home') guard(() => call('home', { user, tab: 'home' }));
  refresh();
  document.title = 'Slack simulator';
}

function draw() {
  names.me = place.user;
  names.users = Object.fromEntries(state.people.map(p => [p.id, p]));
  names.channels = state.channel_names;
  names.groups = Object.fromEntries(state.groups.map(g => [g.id, g.handle]));
  $('team').textContent = state.team.name;
  $('link').textContent = state.connections ? 'The app is connected.' : 'The app is not connected.';
  $('link').className = state.connections ? 'on' : 'off';
  drawSidebar();
  if (place.where === 'home') drawHome(); else drawConversation();
  showModal(place.user, state.views, refresh);
  drawPanel();
}

function look(channel, ts) {
  if (!channel || !ts) return;
  seen[place.user + '/' + channel] = ts;
  sessionStorage.setItem('seen', JSON.stringify(seen));
}

function unread(user, channel, latest) { return Boolean(channel && latest && latest > (seen[user + '/' + channel] || '')); }

function item(text, current, fresh, run, note) {
  return h('li', {}, h('button', { type: 'button', 'aria-current': current ? 'true' : null, class: fresh ? 'fresh' : null, onclick: run },
    h('span', {}, text), note ? h('small', {}, note) : null, fresh ? h('span', { class: 'dot' }, h('span', { class: 'quiet' }, 'new')) : null));
}

// replace redraws a list only when it changed, so that the focus stays where it is.
function replace(id, key, make) {
  if (drawn[id] === key) return;
  drawn[id] = key;
  const at = document.activeElement;
  const index = [...$(id).querySelectorAll('button')].indexOf(at);
  $(id).replaceChildren(...make());
  if (index >= 0) $(id).querySelectorAll('button')[index]?.focus();
}

function drawSidebar() {
  const kind = p => (p.deleted ? 'deactivated' : p.foreign ? 'other workspace' : p.guest ? 'guest' : p.title || (p.admin ? 'workspace admin' : ''));
  const people = state.people.filter(p => !p.is_bot);
  if (place.where === (names.users[place.user] || {}).dm) look(place.where, names.users[place.user].latest);
  for (const c of state.channels) if (c.id === place.where) look(c.id, c.latest);
  const flags = people.map(p => unread(p.id, p.dm, p.latest));
  replace('people', JSON.stringify([people, flags, place.user]), () => people.map((p, i) =>
    item(p.real_name, p.id === place.user, flags[i], () => go(p.id, p.dm || (state.app.home ? 'home' : p.dm)), kind(p))));
  const me = names.users[place.user] || {};
  const fresh = unread(place.user, me.dm, me.latest);
  replace('app', JSON.stringify([me.dm, fresh, place.where, place.user]), () => [
    state.app.home ? item('Home', place.where === 'home', false, () => go(place.user, 'home')) : null,
    item('Messages', place.where === me.dm && me.dm, fresh, () => guard(openMessages)),
  ].filter(Boolean));
  const channelFlags = state.channels.map(c => unread(place.user, c.id, c.latest));
  replace('channels', JSON.stringify([state.channels, channelFlags, place.where, place.user]), () => state.channels.map((c, i) =>
    item((c.private ? '🔒 ' : '# ') + c.name, c.id === place.where, channelFlags[i], () => go(place.user, c.id), c.shared ? 'shared' : '')));
}

async function openMessages() {
  const user = place.user;
  const { channel } = await call('dm', { user });
  call('home', { user, tab: 'messages' }).catch(() => {}); // the conversation opens whether or not the app listens
  go(user, channel);
}

function title(text, sub) {
  $('title').textContent = text;
  $('subtitle').textContent = sub;
}

function drawHome() {
  const me = names.users[place.user] || {};
  title(state.app.name + ': Home', 'as ' + (me.real_name || ''));
  $('composer').hidden = true;
  const key = state.home ? state.home.hash : 'none';
  if (drawn.home === key) return;
  drawn.home = key;
  const view = state.home;
  const use = (block, element, value) => guard(() => report(call('view-action', { user: place.user, view_id: view.id, block_id: block.block_id, action_id: element.action_id, value: value ?? null })));
  $('messages').replaceChildren(h('div', { class: 'home' }, view ? render(view.blocks, { values: view.state.values, use }) : h('p', {}, 'The app has not published a Home tab for this person.')));
}

// report tells how an act ended for the person.
async function report(work) {
  say('…');
  const result = await work;
  say(result.error ? 'This did not work: ' + result.error : '');
  refresh();
}

function drawConversation() {
  const me = names.users[place.user] || {};
  const channel = state.channels.find(c => c.id === place.where);
  title(channel ? '#' + channel.name : place.where ? state.app.name : 'No conversation', 'as ' + (me.real_name || ''));
  $('composer').hidden = !place.where;
  const messages = state.messages || [];
  const box = $('messages');
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const known = new Map([...box.children].map(c => [c.dataset.ts, c]));
  const ordered = [];
  for (const m of messages.filter(m => !m.thread_ts || m.thread_ts === m.ts)) {
    ordered.push(m, ...messages.filter(r => r.thread_ts === m.ts && r.ts !== m.ts).map(r => ({ ...r, reply: true })));
  }
  const children = ordered.map(m => {
    const key = JSON.stringify(m);
    const old = known.get(m.ts);
    if (old && old.key === key) return old;
    const made = message(m);
    made.key = key;
    return made;
  });
  if (children.length !== box.children.length || children.some((c, i) => c !== box.children[i])) {
    box.replaceChildren(...(children.length ? children : [h('p', { class: 'empty' }, 'Nothing here yet.')]));
    if (atEnd) box.scrollTop = box.scrollHeight;
  }
}

function message(m) {
  const author = names.users[m.user] || {};
  const at = new Date(Number(m.ts.split('.')[0]) * 1000);
  const use = (block, element, value) => guard(() => report(call('click', { user: place.user, channel: place.where, message_ts: m.ts,
    block_id: block.block_id, action_id: element.action_id, value: value ?? null })));
  const name = m.username || author.real_name || m.user;
  return h('article', { class: ['message', m.ephemeral && 'ephemeral', m.reply && 'reply'].filter(Boolean).join(' '), dataset: { ts: m.ts }, 'aria-label': 'Message of ' + name },
    m.ephemeral ? h('p', { class: 'only' }, 'Only visible to you') : null,
    h('header', {}, h('strong', {}, name), m.bot_id ? h('span', { class: 'tag' }, 'app') : null,
      h('time', { datetime: at.toISOString(), title: at.toString() }, at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })),
      m.edited ? h('span', { class: 'quietly' }, '(edited)') : null),
    m.blocks ? render(m.blocks, { values: m.values, use }) : h('div', { class: 'block' }, mrkdwn(m.text)),
    (m.attachments || []).map(a => h('div', { class: 'attachment' }, a.blocks ? render(a.blocks, { values: m.values, use }) : mrkdwn(a.text || a.fallback || ''))),
    (m.files || []).map(f => h('p', {}, h('a', { href: '/files/' + f.id, download: f.name }, f.title || f.name))),
    m.reactions ? h('p', { class: 'reactions' }, m.reactions.map(r => h('span', {}, mrkdwn(':' + r.name + ':'), ' ' + r.count))) : null);
}

function drawPanel() {
  const { url, title: text } = state.panel;
  if (!url || $('panel-frame').getAttribute('src') === url) return;
  $('panel').hidden = false;
  $('panel-title').textContent = text;
  $('panel-frame').title = text;
  $('panel-frame').src = url;
  document.body.classList.add('with-panel');
}

function hints() {
  const typed = $('text').value;
  const fits = typed.startsWith('/') ? state.commands.filter(c => c.command.startsWith(typed.split(' ')[0])) : [];
  $('hints').hidden = !fits.length;
  $('hints').replaceChildren(...fits.map(c => h('li', {}, h('button', { type: 'button', onclick: () => { $('text').value = c.command + ' '; $('text').focus(); hints(); } },
    h('strong', {}, c.command), ' ', h('span', {}, c.usage_hint), h('small', {}, c.description)))));
}

async function send() {
  const typed = $('text').value.trim();
  if (!typed) return;
  $('text').value = '';
  hints();
  if (!typed.startsWith('/')) {
    await call('post', { user: place.user, channel: place.where, text: typed });
    say('');
    return;
  }
  const [command, ...rest] = typed.split(' ');
  try { await report(call('slash', { user: place.user, channel: place.where, command, text: rest.join(' ') })); } catch (problem) {
    $('text').value = typed;
    throw problem;
  }
}

$('text').addEventListener('input', hints);
$('composer').addEventListener('submit', event => { event.preventDefault(); guard(send); });
const stream = new EventSource('/_sim/events');
stream.onmessage = refresh;
stream.onerror = () => { $('link').textContent = 'The simulator is away.'; $('link').className = 'off'; };
