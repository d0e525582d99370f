// An echo bot on Slack's official SDK for JavaScript, unmodified. foreign_test.go runs it against the simulator:
//
//	node echo.mjs bolt 2   two Bolt apps, so two connections
//	node echo.mjs bare     @slack/socket-mode and @slack/web-api without Bolt
//
// SIM_URL is the simulator's address. The bot ends with its standard input, so it never outlives the test.
import bolt from '@slack/bolt';
import { SocketModeClient } from '@slack/socket-mode';
import { WebClient } from '@slack/web-api';

const token = 'xoxb-sim';
const appToken = 'xapp-sim';
const clientOptions = { slackApiUrl: `${process.env.SIM_URL}/api/` };

const plain = (text) => ({ type: 'plain_text', text });
const button = (action_id, text, value) => ({ type: 'button', action_id, text: plain(text), value });

const form = (callback_id, title, over = {}) => ({
  type: 'modal', callback_id, title: plain(title), submit: plain('Send'), close: plain('Leave'), notify_on_close: true, private_metadata: 'kept',
  blocks: [
    { type: 'input', block_id: 'reason', label: plain('Why'), element: { type: 'plain_text_input', action_id: 'reason', multiline: true } },
    { type: 'input', block_id: 'who', label: plain('Who'), optional: true, element: { type: 'users_select', action_id: 'who' } },
    { type: 'actions', block_id: 'more', elements: [button('deeper', 'Deeper', '1')] },
    { type: 'section', block_id: 'ask', text: plain('Which?'),
      accessory: { type: 'external_select', action_id: 'which', min_query_length: 1, placeholder: plain('Type') } },
  ],
  ...over,
});

const home = (n) => ({
  type: 'home',
  blocks: [{ type: 'header', text: plain(`Pressed ${n} times`) }, { type: 'actions', block_id: 'home', elements: [button('home_go', 'Press', String(n))] }],
});

const card = (text) => [
  { type: 'section', block_id: 'text', text: { type: 'mrkdwn', text }, accessory: { type: 'overflow', action_id: 'menu', options: [{ text: plain('One'), value: 'one' }] } },
  { type: 'rich_text', block_id: 'rich', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'bold', style: { bold: true } }] }] },
  { type: 'actions', block_id: 'q', elements: [button('go', 'Go', '42'), button('reply', 'Reply', '43'), button('remove', 'Remove', '44')] },
];

// facts asks for everything a bot reads, and answers with what it learnt.
async function facts(client, channel, user) {
  const post = await client.chat.postMessage({ channel, text: 'marked', metadata: { event_type: 'mark', event_payload: { n: 1 } } });
  await client.chat.postMessage({ channel, text: 'below', thread_ts: post.ts });
  await client.reactions.add({ channel, name: 'eyes', timestamp: post.ts });
  const later = await client.chat.scheduleMessage({ channel, text: 'later', post_at: Math.floor(Date.now() / 1000) + 3600 });
  const waiting = await client.chat.scheduledMessages.list({ channel });
  await client.chat.deleteScheduledMessage({ channel, scheduled_message_id: later.scheduled_message_id });
  const history = await client.conversations.history({ channel, include_all_metadata: true, limit: 5 });
  const replies = await client.conversations.replies({ channel, ts: post.ts });
  const names = [];
  for await (const page of client.paginate('users.list', { limit: 2 })) names.push(...page.members.map((m) => m.name));
  const dm = await client.conversations.open({ users: user });
  const refused = await client.chat.postMessage({ channel: 'C0NONE', text: 'x' }).catch((e) => e.data);
  const blocks = [{ type: 'section', text: plain('x'.repeat(3001)) }];
  const tooLong = await client.chat.postMessage({ channel, text: 'x', blocks }).catch((e) => e.data);
  const person = await client.users.info({ user });
  await client.reactions.remove({ channel, name: 'eyes', timestamp: post.ts });
  return {
    me: (await client.auth.test()).bot_id,
    person: person.user.name,
    scopes: person.response_metadata.scopes,
    accepted: person.response_metadata.acceptedScopes,
    byEmail: (await client.users.lookupByEmail({ email: 'ana@acme.example' })).user.id,
    metadata: history.messages.find((m) => m.ts === post.ts).metadata.event_payload.n,
    replies: replies.messages.map((m) => m.text),
    scheduled: waiting.scheduled_messages.length,
    names: names.length,
    dm: dm.channel.id,
    members: (await client.conversations.members({ channel })).members.length,
    private: (await client.conversations.info({ channel })).channel.is_private,
    link: (await client.chat.getPermalink({ channel, message_ts: post.ts })).permalink,
    group: (await client.usergroups.users.list({ usergroup: 'S0HOLD' })).users,
    groups: (await client.usergroups.list({ include_users: true })).usergroups.length,
    team: (await client.team.info()).team.name,
    bot: (await client.bots.info({ bot: 'B0BOT' })).bot.app_id,
    refused: refused.error,
    tooLong: tooLong.errors,
  };
}

function commands(app) {
  app.command('/echo', async ({ ack, respond, command, client }) => {
    const [verb, ...rest] = command.text.split(' ');
    const text = rest.join(' ');
    const { channel_id: channel, trigger_id, user_id: user } = command;
    switch (verb) {
      case 'say':
        await ack(`echo: ${text}`);
        return;
      case 'respond':
        await ack();
        await respond({ text: `in private: ${text}` });
        await respond({ text: `to all: ${text}`, response_type: 'in_channel' });
        return;
      case 'form':
        await ack();
        await client.views.open({ trigger_id, view: form('form', 'A form') });
        return;
      case 'card':
        await ack();
        await client.chat.postMessage({ channel, text, blocks: card(text), unfurl_links: false });
        return;
      case 'facts':
        await ack();
        await respond({ text: JSON.stringify(await facts(client, channel, user)) });
        return;
      case 'upload':
        await ack();
        await client.filesUploadV2({ channel_id: channel, initial_comment: 'two files', file_uploads: [
          { content: text, filename: 'note.txt', title: 'A note' }, { file: Buffer.from([0, 1, 2, 255]), filename: 'raw.bin' }] });
        return;
      default:
        await ack({ text: `unknown: ${verb}`, response_type: 'in_channel' });
    }
  });
  app.shortcut('global', async ({ ack, shortcut, client }) => {
    await ack();
    await client.views.open({ trigger_id: shortcut.trigger_id, view: form('form', 'By shortcut') });
  });
  app.shortcut('on_message', async ({ ack, shortcut, respond }) => {
    await ack();
    await respond({ text: `about: ${shortcut.message.text}` });
  });
}

function modals(app) {
  app.view('form', async ({ ack, view, body, client }) => {
    const { reason: { reason: { value } }, who: { who: { selected_user } } } = view.state.values;
    switch (value) {
      case 'no':
        await ack({ response_action: 'errors', errors: { reason: 'say more' } });
        return;
      case 'swap':
        await ack({ response_action: 'update', view: form('form', 'Swapped') });
        return;
      case 'push':
        await ack({ response_action: 'push', view: form('form', 'On top') });
        return;
      case 'all':
        await ack({ response_action: 'clear' });
        return;
      default:
        await ack();
        await client.chat.postMessage({ channel: body.user.id, text: `got ${value} for ${selected_user}, ${view.private_metadata}` });
    }
  });
  app.view({ callback_id: 'form', type: 'view_closed' }, async ({ ack, body, client }) => {
    await ack();
    await client.chat.postMessage({ channel: body.user.id, text: `closed, cleared: ${body.is_cleared}` });
  });
  app.action('deeper', async ({ ack, body, client }) => {
    await ack();
    await client.views.push({ trigger_id: body.trigger_id, view: form('form', 'Deeper') });
  });
  app.options('which', async ({ ack, options }) => {
    await ack({ options: [{ text: plain(`about ${options.value}`), value: options.value }] });
  });
  app.action('which', async ({ ack, action, body, client }) => {
    await ack();
    await client.views.update({ view_id: body.view.id, hash: body.view.hash, view: form('form', action.selected_option.value.slice(0, 24)) });
  });
}

function clicks(app) {
  app.action('go', async ({ ack, action, body, client }) => {
    await ack();
    await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: `went ${action.value}`, blocks: [] });
  });
  app.action('reply', async ({ ack, respond, say, body }) => {
    await ack();
    await respond({ text: 'only you', replace_original: false });
    await say({ text: 'all of you', thread_ts: body.message.ts });
  });
  app.action('remove', async ({ ack, respond }) => {
    await ack();
    await respond({ delete_original: true });
  });
  app.action('menu', async ({ ack, action, respond }) => {
    await ack();
    await respond({ text: `chose ${action.selected_option.value}`, replace_original: true });
  });
  app.action('home_go', async ({ ack, action, body, client }) => {
    await ack();
    await client.views.publish({ user_id: body.user.id, view: home(Number(action.value) + 1), hash: body.view.hash });
  });
}

function events(app) {
  app.event('app_home_opened', async ({ event, client }) => {
    if (event.tab === 'home' && !event.view) await client.views.publish({ user_id: event.user, view: home(0) });
  });
  app.event('app_mention', async ({ event, say, context }) => {
    await say({ text: `mentioned, attempt ${context.retryNum ?? 0} ${context.retryReason ?? ''}`.trim(), thread_ts: event.ts });
  });
  app.message(async ({ message, say }) => {
    if (message.channel_type === 'im' && !message.subtype) await say(`heard ${message.text}`);
  });
}

async function runBolt(n) {
  for (let i = 0; i < n; i += 1) {
    const app = new bolt.App({ token, appToken, socketMode: true, clientOptions, logLevel: process.env.LOG ?? 'warn' });
    for (const add of [commands, modals, clicks, events]) add(app);
    app.error(async (error) => console.error('bot failed:', error));
    await app.start();
  }
  return () => {}; // the process ends at once, so that the test does not wait for close handshakes
}

async function runBare() {
  const web = new WebClient(token, clientOptions);
  const socket = new SocketModeClient({ appToken, clientOptions, logLevel: process.env.LOG ?? 'warn' });
  socket.on('slash_commands', async ({ ack, body }) => {
    await ack({ text: `bare: ${body.text}` });
    await web.chat.postMessage({ channel: body.channel_id, text: 'card', blocks: card('card') });
  });
  socket.on('interactive', async ({ ack, body }) => {
    await ack();
    if (body.type === 'block_actions') await web.chat.update({ channel: body.channel.id, ts: body.message.ts, text: 'bare done', blocks: [] });
  });
  socket.on('app_home_opened', async ({ ack, event }) => {
    await ack();
    await web.views.publish({ user_id: event.user, view: home(0) });
  });
  await socket.start();
  return () => socket.disconnect();
}

const stop = process.argv[2] === 'bare' ? await runBare() : await runBolt(Number(process.argv[3] ?? 1));
console.log('ready');
process.stdin.resume();
process.stdin.on('end', async () => {
  setTimeout(() => process.exit(3), 9000).unref();
  await stop();
  process.exit(0);
});
