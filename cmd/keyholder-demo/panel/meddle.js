// What others may do at integrator.io while Keyholder works, each with what Keyholder makes of it.
import { draw, h } from './dom.js';
import { act, forward } from './api.js';
import { actor, actors } from './audit.js';

export function drawMeddle(place, state) {
  const account = state.accounts[0];
  const production = account.environments.find(e => e.production) || account.environments[0];
  const user = production.users.find(u => u.email === state.mailbox);
  const elsewhere = state.accounts.slice(1).some(a => a.owner.email === state.mailbox || a.environments.some(e => e.users.some(u => u.email === state.mailbox)));
  draw(place, [production, account.tokens, account.owner.email, elsewhere, state.mailboxesOff], () => [
    h('p', { class: 'faint' }, 'Others use integrator.io too. Change something here, and see what becomes of a transfer.'),
    key(state, account), errors(production), jobs(production), mailbox(state, account, user, elsewhere), acting(account, production), roles(production), address(production), removing(production), adding(production), token(account), making(production),
  ]);
}

function part(title, does, ...rest) {
  return h('section', { class: 'item', 'aria-label': title }, h('p', {}, h('strong', {}, title)), h('p', { class: 'does' }, does), rest);
}

const button = (key, label, action, done) => h('button', { type: 'button', key, onclick: () => act(action, done) }, label);

// key is the owner's sign-in and the mailboxes that it rests on.
function key(state, account) {
  const owner = account.owner.email;
  const boxes = [...new Set([owner, state.mailbox])];
  const night = () => {
    const now = new Date(state.now);
    const three = new Date(now);
    three.setHours(3, 0, 0, 0);
    if (three <= now) three.setDate(three.getDate() + 1);
    return Math.max(1, Math.round((three - now) / 1000));
  };
  return part('The owner\'s sign-in', ['Whoever has the password and the second factor of ', h('strong', {}, owner), ' is in. The audit log shows that somebody signed in as the owner, and never who sat there; Keyholder asks the people. Act as whoever says that it was them in Slack.'],
    h('div', { class: 'row' }, button('owner-in', 'Sign in as the owner', { do: 'sign_in', email: owner }, `Somebody signed in as ${owner}.`),
      h('button', { type: 'button', key: 'owner-night', onclick: async () => { if (await forward(night(), 'It is three in the morning.')) await act({ do: 'sign_in', email: owner }, `It is three in the morning, and somebody signed in as ${owner}.`); } }, 'Sign in at three at night'),
      button('owner-forgot', 'Forgot password?', { do: 'forgot_password', email: owner }, `integrator.io sends a link to ${owner}.`)),
    h('ul', {}, boxes.map(box => {
      const off = state.mailboxesOff.includes(box.toLowerCase());
      const label = off ? 'Switch the mailbox on again' : 'Switch the mailbox off';
      return h('li', { class: 'row' }, h('span', {}, box), h('button', { type: 'button', key: 'box-' + box, 'aria-label': `${label}: ${box}`,
        onclick: () => act({ do: off ? 'mailbox_on' : 'mailbox_off', email: box }, off ? `Mail to ${box} arrives again.` : `Mail to ${box} does not arrive any more.`) }, label));
    })));
}

const flows = production => production.integrations.flatMap(i => i.flows.map(f => ({ ...f, integration: i.name })));

function errors(production) {
  return part('Open errors', ['Keyholder counts them at each check. Here they are only a warning on the card; with ', h('code', {}, 'on_errors: block'), ' they hold the transfer until somebody fixes or waives them.'],
    h('ul', {}, flows(production).map(f => h('li', { class: 'row' }, h('span', { class: 'stepper', role: 'group', 'aria-label': 'Open errors of ' + f.name },
      h('button', { type: 'button', key: 'less-' + f.id, 'aria-label': 'One error less in ' + f.name, 'aria-disabled': f.errors === 0 ? 'true' : null, onclick: () => f.errors && act({ do: 'set_errors', flow: f.id, count: f.errors - 1 }, `${f.name}: ${f.errors - 1} open.`) }, '−'), h('b', {}, String(f.errors)),
      h('button', { type: 'button', key: 'more-' + f.id, 'aria-label': 'One error more in ' + f.name, onclick: () => act({ do: 'set_errors', flow: f.id, count: f.errors + 1 }, `${f.name}: ${f.errors + 1} open.`) }, '+')), f.name))));
}

function jobs(production) {
  const running = flows(production).reduce((n, f) => n + f.jobs, 0);
  const first = flows(production)[0];
  if (!first) return null;
  return part('Running jobs', 'The next check says that something is running, and to let it finish. It does not stop the transfer.',
    h('div', { class: 'row' }, h('span', {}, running === 1 ? '1 job runs' : `${running} jobs run`), button('start-job', 'Start one', { do: 'start_jobs', flow: first.id, count: 1 }, `A job of ${first.name} runs.`),
      running ? button('end-jobs', 'End all', { do: 'end_jobs', flow: first.id }, 'The jobs ended.') : null));
}

function mailbox(state, account, user, elsewhere) {
  const who = state.mailbox;
  const list = [];
  if (account.owner.email === who) {
    list.push(h('p', {}, 'The mailbox owns the account: nobody here can switch it off.'));
  } else if (!user) {
    list.push(h('p', {}, 'The mailbox is not a user yet.'));
  } else if (user.status === 'disabled') {
    list.push(button('enable', 'Switch it on again', { do: 'enable_user', email: who }, `${who} is on again.`));
  } else {
    list.push(button('disable', 'Switch the user off', { do: 'disable_user', email: who }, `${who} is off.`));
  }
  list.push(elsewhere ? button('leave', 'Leave other organisations', { do: 'leave_organization', email: who }, `${who} belongs to no other organisation.`)
    : button('join', 'Join another organisation', { do: 'join_organization', email: who, company: 'Other Ltd' }, `${who} is a user of Other Ltd as well.`));
  return part(who, 'Switched off, it blocks the transfer at the next check, and earlier confirmations no longer count. Part of another organisation, integrator.io refuses to invite it. Each time the card says what to do; nobody can waive what integrator.io refuses.', h('div', { class: 'row' }, list));
}

function acting(account, production) {
  return part('Who acts', 'What you do to users below is done in the pages by this person, behind Keyholder\'s back. The audit log (under integrator.io) names them, and Keyholder reads it there. Who is no administrator may only invite, and only to integrations of their own.',
    h('div', { class: 'row' }, h('select', { key: 'actor', 'aria-label': 'Who acts' }, actors(account, production).map(u => h('option', { value: u.email }, `${u.email} (${u.role})`)))));
}

function removing(production) {
  const form = h('form', { class: 'row', onsubmit: event => {
    event.preventDefault();
    const { who } = Object.fromEntries(new FormData(event.target));
    act({ do: 'remove_user', email: who, by: actor() }, `${who} is removed.`);
  } },
  h('select', { name: 'who', key: 'remove-who', 'aria-label': 'User to remove' }, production.users.map(u => h('option', { value: u.email }, `${u.email} (${u.role})`))),
  h('button', { type: 'submit', key: 'remove-go' }, 'Remove user'));
  return part('Removing', 'Somebody is removed by hand. If Keyholder gave the access, the next look for differences asks the administrators about it.', form);
}

function address(production) {
  const form = h('form', { class: 'row', onsubmit: event => {
    event.preventDefault();
    const { who, to } = Object.fromEntries(new FormData(event.target));
    act({ do: 'change_address', email: who, to }, `${who} is now ${to}.`);
  } },
  h('select', { name: 'who', key: 'address-who', 'aria-label': 'Whose address' }, production.users.map(u => h('option', { value: u.email }, u.email))),
  h('input', { name: 'to', type: 'text', inputmode: 'email', pattern: '[^@\\s]+@[^@\\s]+', title: 'An e-mail address', required: true, value: 'renamed@acme.example', key: 'address-to', 'aria-label': 'New address' }),
  h('button', { type: 'submit', key: 'address-go' }, 'Change address'));
  return part('An address', 'Somebody changes their own address in their profile. It is the same user as before, and Keyholder must not take them for gone.', form);
}

function roles(production) {
  const accepted = production.users.filter(u => u.status === 'accepted');
  const form = h('form', { class: 'row', onsubmit: event => {
    event.preventDefault();
    const { who, role } = Object.fromEntries(new FormData(event.target));
    act({ do: 'change_role', email: who, role, by: actor() }, `${who} has the role ${role}.`);
  } },
  h('select', { name: 'who', key: 'role-who', 'aria-label': 'User' }, accepted.map(u => h('option', { value: u.email }, `${u.email} (${u.role})`))),
  h('select', { name: 'role', key: 'role-role', 'aria-label': 'New role' }, ['administrator', 'manage', 'monitor'].map(r => h('option', { value: r }, r))),
  h('button', { type: 'submit', key: 'role-go' }, 'Change role'));
  return part('Roles', 'When no administrator is left beside the owner, the next check says so. If that comes after people confirmed, their confirmations no longer count: they saw something else.', form);
}

function adding(production) {
  return part('A new user', ['Somebody is added by hand. A transfer goes on. ', h('code', {}, '/io who acme'), ' lists the new user, with the decision that is known for it: none.'], h('form', { class: 'row', onsubmit: event => {
    event.preventDefault();
    const { email, role } = Object.fromEntries(new FormData(event.target));
    const [plain, level, integration] = role.split(':');
    const integrations = integration ? [{ _integrationId: integration, accessLevel: level }] : undefined;
    act({ do: 'add_user', email, role: plain, integrations, status: 'pending', by: actor() }, `${email} is invited.`);
  } },
  h('input', { name: 'email', type: 'text', inputmode: 'email', pattern: '[^@\\s]+@[^@\\s]+', title: 'An e-mail address', required: true, value: 'new@acme.example', key: 'add-email', 'aria-label': 'E-mail' }),
  h('select', { name: 'role', key: 'add-role', 'aria-label': 'Role' }, ['monitor', 'manage', 'administrator'].map(r => h('option', { value: r }, r)),
    production.integrations.flatMap(i => ['monitor', 'manage'].map(l => h('option', { value: `custom:${l}:${i.id}` }, `${l} ${i.name}`)))),
  h('button', { type: 'submit', key: 'add-go' }, 'Add user')));
}

// making is new API tokens: standing access without a name.
function making(production) {
  const maker = (production.users.find(u => u.status === 'accepted') || {}).email;
  const make = (key, label, token, done) => button(key, label, { do: 'make_token', environment: production.name, ...token }, done);
  return part('New API tokens', 'A token is standing access without a name. Keyholder looks at the list now and then: a new one with full access is a finding for the administrators, a limited one is not. A personal one has its maker\'s rights and dies with their membership. All of them stand under integrator.io.',
    h('div', { class: 'row' }, make('token-full', 'One with full access', { name: 'Warehouse loader', role: 'full' }, 'There is a new token with full access.'),
      make('token-limited', 'A limited one', { name: 'Report reader', role: 'custom', count: 30 }, 'There is a new limited token; it ends in 30 days.'),
      maker ? make('token-own', 'A personal one', { name: 'Command line', role: 'personal', email: maker }, `${maker} has made a token of their own; it ends in 90 days.`) : null));
}

function token(account) {
  const t = account.tokens.find(x => x.environment === 'Production') || account.tokens[0];
  if (!t) return null;
  const lost = t.lostRights || t.revoked;
  return part('The token of Keyholder', 'Without rights it reads empty lists, as with integrator.io: Keyholder says what it could not see, and asks for the confirmations anew. A revoked token ends the transfer; the card tells whoever runs Keyholder what to do.',
    h('div', { class: 'row' }, lost ? button('restore', 'Give the rights back', { do: 'restore_rights', token: t.id }, 'The token works again.') : button('lose', 'Take the rights away', { do: 'lose_rights', token: t.id }, 'The token lost its rights.'),
      lost ? null : button('revoke', 'Revoke the token', { do: 'revoke_token', token: t.id }, 'The token is revoked.')));
}
