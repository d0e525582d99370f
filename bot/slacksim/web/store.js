// What the page knows of the workspace, and who wants to hear of changes. Messages, modals and traffic are kept by those
// who show them.
export const store = {
  at: '', team: {}, app: {}, commands: [], panel: {}, people: [], users: {}, groups: {}, channels: [], channel: {}, connections: 0,
  unread: {},     // user -> conversation -> number of messages not seen
  read: {},       // user -> conversation -> timestamp seen last
  ahead: 0,       // milliseconds by which the simulated time is ahead of this computer's
  newestIn: {},   // conversation -> timestamp of its newest message, replies included
  me: '', where: '', tab: 'messages',
};

const listeners = {};

// on hears of a kind of change: boot, people, channels, unread, link, place, message, views, home, traffic, clock.
export function on(kind, run) { (listeners[kind] ||= []).push(run); }

export function emit(kind, detail) { for (const run of listeners[kind] || []) run(detail); }

// now is the simulated time in milliseconds.
export function now() { return Date.now() + store.ahead; }

export function setPeople({ people, groups }) {
  store.people = people;
  store.users = Object.fromEntries(people.map((p, i) => [p.id, { ...p, colour: i % 10 }]));
  store.groups = Object.fromEntries(groups.map(g => [g.id, g.handle]));
}

export function setChannels(channels) {
  store.channels = channels;
  store.channel = Object.fromEntries(channels.map(c => [c.id, c]));
}

export function nameOf(id) { return (store.users[id] || {}).real_name || id; }

// dmOf is the person's direct message with the app, undefined before the first word.
export function dmOf(user) { return store.channels.find(c => c.im && c.members.includes(user)); }

// kindOf says in words what a person is.
export function kindOf(p) {
  if (p.deleted) return 'Deactivated';
  if (p.foreign) return p.title || 'Other workspace';
  if (p.guest) return p.title || 'Guest';
  return p.title || (p.admin ? 'Workspace admin' : '');
}

// flagOf is a short word for people who are not simply members, '' for those.
export function flagOf(p) {
  if (p.deleted) return 'deactivated';
  if (p.foreign) return 'other workspace';
  if (p.guest) return 'guest';
  return p.invited ? 'never signed in' : '';
}

export function unreadIn(user, channel) { return (store.unread[user] || {})[channel] || 0; }

export function unreadTotal(user) { return Object.values(store.unread[user] || {}).reduce((sum, n) => sum + n, 0); }

export function countText(n) { return n > 99 ? '99+' : String(n); }

// countMessage adds a new message to the unread counts of everyone who sees it.
export function countMessage(channel, m) {
  const c = store.channel[channel];
  if (!c || m.deleted) return;
  for (const user of m.ephemeral_to ? [m.ephemeral_to] : c.members) {
    if (user === m.user || m.ts <= ((store.read[user] || {})[channel] || '')) continue;
    (store.unread[user] ||= {})[channel] = unreadIn(user, channel) + 1;
  }
}

// setRead forgets the unread messages of a conversation.
export function setRead(user, channel, ts) {
  if (ts > ((store.read[user] ||= {})[channel] || '')) store.read[user][channel] = ts;
  if (store.unread[user]) delete store.unread[user][channel];
}
