// The page: who acts, which conversation is shown, and the keys.
import { $, announce, icon } from './dom.js';
import { call, query } from './api.js';
import { avatar } from './avatar.js';
import { changePlace, say } from './composer.js';
import { clear, show, toMessage, toNewest } from './conversation.js';
import { drawHome, setHome } from './home.js';
import { showKeys, startKeys } from './keys.js';
import { startInspector, toggleInspector } from './inspector.js';
import { leave, setViews, showModal } from './modal.js';
import { drawPanel, leavePanel, setSidebar, startPanes, togglePanel } from './panes.js';
import { actors, drawSidebar } from './sidebar.js';
import { dmOf, flagOf, kindOf, now, on, setChannels, store, unreadIn } from './store.js';
import { listen, load } from './stream.js';
import { openSwitcher } from './switcher.js';
import { startTheme } from './theme.js';
import { closeThread } from './thread.js';
import { timeText } from './dates.js';

const places = {}; // user -> {where, tab} shown last

function guard(work) { return Promise.resolve(work).catch(problem => { console.error(problem); say(problem.message, true); }); }

function sidebar() { drawSidebar({ go, open, openApp }); }

// go changes the person who acts.
async function go(user) {
  const p = store.users[user];
  if (!p || p.deleted || p.is_bot) return;
  const same = user === store.me;
  if (!same) {
    leave();
    closeThread();
    store.me = user;
    announce('Acting as ' + p.real_name);
    try { sessionStorage.setItem('me', user); } catch { /* only a comfort */ }
  }
  setSidebar(false);
  if (!same) enter(first(user));
  await guard(call('screen?' + query({ as: user })).then(screen => {
    setViews(user, screen.views);
    setHome(user, screen.home);
    if (store.me !== user) return;
    if (store.tab === 'home') drawHome();
    showModal();
  }));
}

// first is where a person lands: unread messages of the app, else where they were, else their first channel.
function first(user) {
  const dm = dmOf(user);
  if (dm && unreadIn(user, dm.id)) return { where: dm.id, tab: 'messages' };
  if (places[user]) return places[user];
  const channel = store.channels.find(c => !c.im && c.members.includes(user));
  return channel ? { where: channel.id, tab: 'messages' } : { where: dm ? dm.id : 'app', tab: store.app.home && !dm ? 'home' : 'messages' };
}

// enter shows a conversation or a tab of the app.
function enter({ where, tab }) {
  store.where = where;
  store.tab = tab;
  places[store.me] = { where, tab };
  header();
  sidebar();
  const home = tab === 'home';
  $('home').hidden = !home;
  $('messages-wrap').hidden = home;
  $('composer').hidden = home || !where || where === 'app';
  if (home) { clear(); drawHome(); } else guard(show(store.me, where === 'app' ? '' : where));
  const c = store.channel[where];
  changePlace(store.me + '/' + where, c && c.name ? `Message #${c.name}` : `Message ${store.app.name}`);
}

function header() {
  const c = store.channel[store.where];
  const app = !c || c.im;
  $('title').replaceChildren(app ? avatar(store.app.user, true) : icon(c.private ? 'lock' : 'hash'), app ? store.app.name : c.name || 'Group message');
  $('subtitle').textContent = app ? 'App' : `${c.members.length} members` + (c.shared ? ' · shared with another workspace' : '') + (c.archived ? ' · archived' : '');
  $('tabs').hidden = !app || !store.app.home;
  for (const [id, tab] of [['tab-home', 'home'], ['tab-messages', 'messages']]) {
    $(id).setAttribute('aria-selected', String(store.tab === tab));
    $(id).tabIndex = store.tab === tab ? 0 : -1;
  }
  const me = store.users[store.me];
  $('as').replaceChildren(...(me ? [avatar(me.id, true), `Acting as ${me.real_name}`] : []));
}

function open(channel) {
  closeThread();
  setSidebar(false);
  enter({ where: channel, tab: 'messages' });
  if (!matchMedia('(pointer: coarse)').matches) $('text').focus();
}

// openApp opens the conversation with the app, made if there was none; the app hears of it. stay leaves the focus where it is.
async function openApp(tab, stay) {
  const user = store.me;
  closeThread();
  setSidebar(false);
  const to = tab === 'home' || tab === 'messages' ? tab : 'messages';
  let dm = dmOf(user);
  if (!dm) {
    const made = await guard(call('dm', { user }));
    if (!made || store.me !== user) return;
    if (!store.channel[made.channel]) setChannels([...store.channels, { id: made.channel, im: true, private: true, name: '', members: [user, store.app.user] }]);
    dm = store.channel[made.channel];
  }
  enter({ where: dm.id, tab: to });
  if (!stay && to === 'messages' && !matchMedia('(pointer: coarse)').matches) $('text').focus();
  call('home', { user, tab: to }).catch(() => {}); // shown whether or not the app listens
}

// follow goes where the panel wants somebody: it acts as a person and opens a conversation, the one with the app when none is named, at a message.
async function follow({ as, channel, ts }) {
  if (!store.users[as] || document.querySelector('dialog:modal')) return;
  leavePanel();
  const entered = go(as);
  if (store.channel[channel]?.members.includes(as)) open(channel); else await openApp('messages');
  if (ts && store.me === as) toMessage(ts);
  await entered;
}

function next(step) {
  const l = actors().filter(p => !p.deleted);
  go(l[(l.findIndex(p => p.id === store.me) + step + l.length) % l.length].id);
}

function switches() {
  const dm = dmOf(store.me);
  return [
    ...actors().filter(p => !p.deleted).map((p, i) => ({ title: p.real_name, more: ['Act as', flagOf(p) || kindOf(p)].filter(Boolean).join(' · '), look: avatar(p.id, true), key: i < 9 ? `Alt+${i + 1}` : '', run: () => go(p.id) })),
    ...store.channels.filter(c => !c.im && c.members.includes(store.me)).map(c => ({ title: '#' + (c.name || 'group message'), more: 'Channel', look: icon(c.private ? 'lock' : 'hash'), run: () => open(c.id) })),
    { title: store.app.name, more: dm ? 'Direct message with the app' : 'App', look: avatar(store.app.user, true), run: () => openApp('messages') },
    store.app.home ? { title: store.app.name + ' Home', more: 'Home tab of the app', look: avatar(store.app.user, true), run: () => openApp('home') } : null,
    { title: 'Inspector', more: 'Envelopes and calls', look: icon('inspect'), key: 'Alt+I', run: toggleInspector },
    store.panel.url ? { title: store.panel.title, more: 'Panel', look: icon('panel'), key: 'Alt+P', run: togglePanel } : null,
    { title: 'Keyboard shortcuts', more: 'All keys of this page', look: icon('keys'), key: 'Ctrl+/', run: showKeys },
    { title: 'Newest messages', more: 'Jump', look: icon('down'), run: toNewest },
  ].filter(Boolean);
}

// Keys are read by their place on the keyboard, because Alt makes other letters on some.
function keys(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.code === 'KeyK') { event.preventDefault(); if (!document.querySelector('dialog:modal:not(#switcher)')) openSwitcher(switches); return; }
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const digit = /^Digit([1-9])$/.exec(event.code);
  const act = digit ? () => { const p = actors()[digit[1] - 1]; if (p && !$('confirm').open) go(p.id); } :
    { KeyI: toggleInspector, KeyP: togglePanel, ArrowDown: () => next(1), ArrowUp: () => next(-1) }[event.code];
  if (!act) return;
  event.preventDefault();
  act();
}

function tabKeys(event) {
  if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
  const other = event.target.id === 'tab-home' ? 'tab-messages' : 'tab-home';
  $(other).focus();
  $(other).click();
}

for (const [id, tab] of [['tab-home', 'home'], ['tab-messages', 'messages']]) {
  $(id).addEventListener('click', () => openApp(tab, true));
  $(id).addEventListener('keydown', tabKeys);
}
$('switch').addEventListener('click', () => openSwitcher(switches));
window.addEventListener('message', event => {
  if (event.source === $('panel-frame').contentWindow && event.data?.show) guard(follow(event.data.show));
});

on('boot', () => {
  drawPanel();
  const asked = new URLSearchParams(location.search).get('as');
  let last = '';
  try { last = sessionStorage.getItem('me'); } catch { /* only a comfort */ }
  const able = actors().filter(p => !p.deleted);
  const me = [store.me, asked, last].map(id => able.find(p => p.id === id)).find(Boolean) || able[0];
  if (!me) { sidebar(); return; }
  const again = store.me === me.id;
  if (again) enter({ where: store.where, tab: store.tab });
  else store.me = '';
  go(me.id);
});
on('people', () => { sidebar(); header(); });
on('channels', () => { sidebar(); header(); });
on('link', sidebar);
on('unread', sidebar);
on('online', up => { store.offline = !up; document.body.classList.toggle('offline', !up); sidebar(); });
on('problem', text => say(text, true));

function clock() { $('clock').textContent = Math.abs(store.ahead) > 30000 ? `Simulated time: ${new Date(now()).toLocaleDateString('en', { weekday: 'short', day: 'numeric', month: 'short' })}, ${timeText(new Date(now()))}` : ''; }

on('clock', clock);
setInterval(clock, 10000);
startTheme();
startPanes();
startInspector();
startKeys(keys);
for (const node of document.querySelectorAll('[data-icon]')) node.prepend(icon(node.dataset.icon));
guard(load().then(() => { clock(); listen(); }));
