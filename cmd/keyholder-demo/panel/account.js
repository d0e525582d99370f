// integrator.io as its simulator sees it. The buttons are what a person would press there.
import { ago, draw, h } from './dom.js';
import { act } from './api.js';
import { log } from './audit.js';

const roles = { administrator: 'administrator', manage: 'manage', monitor: 'monitor', custom: 'some integrations' };
const statuses = { pending: ['invited', 'wait'], dismissed: ['declined', 'off'], disabled: ['switched off', 'off'] };

export function drawAccount(place, state, now) {
  const account = state.accounts[0];
  const production = account.environments.find(e => e.production) || account.environments[0];
  const minute = Math.floor(now / 60000);
  draw(place, [account, state.mails, state.letters, state.mailboxesOff, state.accounts.length, minute], () => [
    h('h3', {}, 'Mail'), mails(state, now),
    h('h3', {}, state.account), h('p', { class: 'faint' }, 'What integrator.io itself would show, whatever Keyholder thinks.'),
    h('ul', { 'aria-label': 'Users' }, owner(account, now), production.users.map(u => user(u, now))),
    h('h3', {}, 'Transfers'), transfers(account, now),
    h('h3', {}, 'API tokens'), tokens(account, now),
    h('h3', {}, 'Audit log'), h('p', { class: 'faint' }, 'Who did what, as integrator.io itself keeps it. A token does what it does in the owner\'s name.'), log(account, now),
    state.accounts.length > 1 ? [h('h3', {}, 'Other organisations'), h('ul', {}, state.accounts.slice(1).map(other))] : null,
  ]);
}

const tag = (text, kind) => h('span', { class: 'tag ' + (kind || '') }, text);

function owner(account, now) {
  return h('li', { class: 'item' }, h('p', {}, h('strong', {}, account.owner.email), ' ', tag('owner', 'owner')),
    h('p', { class: 'faint' }, `${account.owner.name}; last sign-in ${ago(account.owner.lastSignIn, now)}`));
}

function user(u, now) {
  const [word, kind] = statuses[u.status] || ['', ''];
  return h('li', { class: 'item' }, h('p', {}, h('strong', {}, u.email), ' ', tag(roles[u.role] || u.role), ' ', word ? tag(word, kind) : null),
    h('p', { class: 'faint' }, `${u.name ? u.name + '; ' : ''}last sign-in ${ago(u.lastSignIn, now)}`));
}

function transferWord(t) {
  if (t.dismissed) return ['declined', 'off'];
  return { unapproved: ['waits to be accepted', 'wait'], queued: ['accepted, carrying out', 'wait'], started: ['accepted, carrying out', 'wait'],
    done: ['done', 'owner'], failed: ['failed', 'off'], canceled: ['withdrawn', 'off'] }[t.status] || [t.status, ''];
}

function transfers(account, now) {
  if (!account.transfers.length) return h('p', { class: 'faint' }, 'None was ever asked for.');
  return h('ul', { 'aria-label': 'Transfers' }, [...account.transfers].reverse().map(t => h('li', { class: 'item' },
    h('p', {}, t.account ? 'The account' : 'Integrations', ' to ', h('strong', {}, t.to), ' ', tag(...transferWord(t))),
    h('p', { class: 'faint' }, `from ${t.from}; asked ${ago(t.createdAt, now)}`))));
}

const kinds = { owner: 'full access', admin: 'full access', custom: 'limited', personal: 'personal' };

function tokens(account, now) {
  return h('ul', { 'aria-label': 'API tokens' }, account.tokens.map(t => h('li', { class: 'item' },
    h('p', {}, h('strong', {}, t.name), ' ', tag(kinds[t.kind] || t.kind), ' ', t.revoked ? tag('revoked', 'off') : t.lostRights ? tag('without rights', 'off') : null),
    h('p', { class: 'faint' }, [t.environment, t.maker ? `${t.maker}'s own rights` : '', t.ends ? 'ends ' + days(t.ends, now) : 'without an end'].filter(Boolean).join('; ')))));
}

function days(when, now) {
  const n = Math.ceil((new Date(when) - now) / 86400000);
  return n === 1 ? 'in 1 day' : `in ${n} days`;
}

function other(account) {
  return h('li', { class: 'item' }, h('p', {}, h('strong', {}, account.company || account.owner.email), ' ', h('span', { class: 'faint' }, 'owned by ' + account.owner.email)));
}

// mails are by mailbox, the shared one first, the newest first: those of integrator.io and the letters of Keyholder.
function mails(state, now) {
  const boxes = new Map();
  const put = (box, m) => boxes.set(box, [...(boxes.get(box) || []), m]);
  for (const m of state.mails) if (!m.bounced) put(m.to, m);
  for (const l of state.letters) for (const to of l.to) put(to, { ...l, id: 'letter-' + l.id, letter: true });
  for (const box of state.mailboxesOff) if (!boxes.has(box)) boxes.set(box, []);
  if (!boxes.size) return h('p', { class: 'faint' }, 'No mail yet. What integrator.io and Keyholder send to people arrives here.');
  const names = [...boxes.keys()].sort((a, b) => (b === state.mailbox) - (a === state.mailbox));
  return names.map(name => {
    const off = state.mailboxesOff.includes(name.toLowerCase());
    const list = boxes.get(name).sort((a, b) => new Date(b.at) - new Date(a.at)).slice(0, 6);
    return h('section', { 'aria-label': 'Mail to ' + name }, h('p', { class: 'faint' }, 'To ', h('strong', {}, name), name === state.mailbox ? ', which Ana, Ben and Cat read' : '', off ? [' ', tag('switched off', 'off')] : null),
      off ? h('p', { class: 'does' }, 'Nothing arrives here. IT can switch it on again (under Meddle).') : h('ul', {}, list.map(m => m.letter ? letterOf(m, now) : mail(state, m, now))));
  });
}

function letterOf(l, now) {
  return h('li', { class: 'item' }, h('p', {}, h('strong', {}, l.subject)), h('p', { class: 'letter' }, l.text.trim()), h('p', { class: 'faint' }, `from ${l.from}; ${ago(l.at, now)}`));
}

function mail(state, m, now) {
  const choices = follow(state, m, now);
  return h('li', { class: choices.length || !m.follow ? 'item' : 'item old' }, h('p', {}, h('strong', {}, m.subject)), h('p', {}, m.text), h('p', { class: 'faint' }, ago(m.at, now) + (m.follow && !choices.length ? '; answered or no longer valid' : '')),
    choices.map(c => [h('div', { class: 'row' }, h('button', { type: 'button', class: c.primary ? 'primary' : null, key: m.id + c.action.do, onclick: () => act(c.action, c.done) }, c.label)), c.does ? h('p', { class: 'does' }, c.does) : null]));
}

// follow says what the reader of a mail can do with it now.
function follow(state, m, now) {
  const account = state.accounts.find(a => a.id === m.account);
  if (!m.follow || !account) return [];
  const who = m.follow.email;
  if (m.kind === 'invitation') {
    const u = account.environments.flatMap(e => e.users).find(x => x.email === who && x.status === 'pending');
    if (!u) return [];
    const list = [{ label: m.follow.do === 'sign_up' ? 'Sign up and accept' : 'Accept', primary: true, action: { ...m.follow, name: who === state.mailbox ? 'Celigo mailbox' : '' }, done: `${who} is a user of the account now.` },
      { label: 'Decline', action: { ...m.follow, do: 'dismiss_invitation' }, done: `${who} declined.` }];
    const owns = state.accounts.some(a => a.owner.email === who);
    if (m.follow.do === 'sign_up' && !owns) list.push({ label: 'Free trial instead', action: { do: 'sign_up_trial', email: who, name: who }, done: `${who} owns a trial account of its own now.`,
      does: 'A common mistake: the mailbox gets an organisation of its own, and integrator.io will not let it own this one until it leaves that again (under Meddle).' });
    return list;
  }
  if (m.kind === 'password_reset') {
    if (m.used || now - new Date(m.at) > 3600000) return [];
    return [{ label: 'Choose a new password', primary: true, action: m.follow, done: `${who} has a new password.`, does: 'Then sign in (under Meddle).' }];
  }
  const t = account.transfers.find(x => x.id === m.ref);
  if (m.kind !== 'transfer' || !t || t.status !== 'unapproved' || t.dismissed) return [];
  return [{ label: 'Accept as the new owner', primary: true, action: m.follow, done: `${who} accepted.` }, { label: 'Decline', action: { ...m.follow, do: 'dismiss_transfer' }, done: `${who} declined.` }];
}

// focusMail puts the keyboard on the first button of a mail.
export function focusMail() {
  const place = document.getElementById('account');
  (place.querySelector('section button') || place).focus();
}
