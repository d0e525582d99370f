// The audit log of integrator.io, and who acts in its pages.
import { ago, h } from './dom.js';

const shown = 12;
const verbs = { create: 'invited', update: 'changed', delete: 'removed', signin: 'signed in', signout: 'signed out', view: 'looked at' };
const fields = { accessLevel: 'role', integrationAccessLevel: 'integrations', disabled: 'switched off', accepted: 'accepted', dismissed: 'declined',
  accountMFARequired: 'second factor required', accountSSORequired: 'single sign-on required', email: 'e-mail', lastModified: 'invited again' };

// log lists the newest entries.
export function log(account, now) {
  if (!account.audit.length) return h('p', { class: 'faint' }, 'Nothing yet.');
  return h('ul', { 'aria-label': 'Audit log' }, account.audit.slice(0, shown).map(e => h('li', { class: 'item' },
    h('p', {}, h('strong', {}, e.by), ' ', sentence(e)), changes(account, e),
    h('p', { class: 'faint' }, [ago(e.time, now), e.source === 'api' ? 'through the API' : e.source === 'ui' ? 'in the pages' : 'by ' + e.source, e.environment].filter(Boolean).join('; ')))));
}

function sentence(e) {
  const verb = verbs[e.event] || e.event;
  if (e.resourceType !== 'user') return `${e.event}: ${e.resourceType}`;
  if (e.event === 'signin' || e.event === 'signout') return verb;
  return e.user === e.by ? `${e.event === 'delete' ? 'left' : 'changed their own access'}` : `${verb} ${e.user || 'somebody'}`;
}

function changes(account, e) {
  const told = (e.changes || []).filter(c => c.field !== 'email' || e.resourceType !== 'user');
  if (!told.length) return null;
  return h('p', { class: 'faint' }, told.map(c => {
    const name = fields[c.field] || c.field;
    if (c.field === 'lastModified') return name;
    if (c.old === undefined) return `${name}: ${words(account, c.new)}`;
    return `${name}: ${words(account, c.old)} → ${words(account, c.new)}`;
  }).join('; '));
}

// words are a value of the log, an integration by its name.
function words(account, value) {
  if (value === undefined || value === null || value === '') return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (!Array.isArray(value)) return String(value);
  const names = new Map(account.environments.flatMap(e => e.integrations).map(i => [i.id, i.name]));
  return value.map(g => `${g.accessLevel} ${names.get(g._integrationId) || g._integrationId}`).join(', ') || 'none';
}

// actors may be chosen to act: the owner, then every user who can sign in.
export function actors(account, production) {
  return [{ email: account.owner.email, role: 'owner' }, ...production.users.filter(u => u.status === 'accepted')];
}

// actor is who was chosen; the owner when nobody was.
export function actor() {
  const chosen = document.querySelector('[data-key="actor"]');
  return chosen ? chosen.value : '';
}
