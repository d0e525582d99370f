// The composers: of the conversation, with slash commands, and of the thread.
import { $ } from './dom.js';
import { call, trouble } from './api.js';
import { complete } from './completion.js';
import { emit, store } from './store.js';
import { threadOpen } from './thread.js';

const drafts = new Map(); // "user/conversation" -> what was typed
let sent = [];
try { sent = JSON.parse(sessionStorage.getItem('sent')) || []; } catch { /* nothing was kept */ }

function remember(text) {
  sent = [...sent.filter(t => t !== text), text].slice(-50);
  try { sessionStorage.setItem('sent', JSON.stringify(sent)); } catch { /* it is only a comfort */ }
}

// say writes below the composer what became of the last act.
export function say(text, bad) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', Boolean(bad));
}

// composer ties a form to what happens when its text is sent. send may return what went wrong.
function composer(form, area, list, { commands, send }) {
  const keys = complete(area, list, commands);
  let back = 0; // how far up the history
  const grow = () => { area.style.height = 'auto'; area.style.height = Math.min(area.scrollHeight, 200) + 'px'; form.classList.toggle('ready', area.value.trim() !== ''); };
  const submit = async () => {
    const text = area.value.trim();
    if (!text) return;
    keys.close();
    area.value = '';
    back = 0;
    grow();
    remember(text);
    emit('sent', form);
    const wrong = await send(text);
    if (wrong && !area.value) { area.value = text; grow(); }
  };
  const recall = step => {
    const next = Math.max(0, Math.min(sent.length, back + step));
    if (next === back || (back === 0 && area.value)) return false;
    back = next;
    area.value = back ? sent[sent.length - back] : '';
    area.setSelectionRange(area.value.length, area.value.length);
    grow();
    return true;
  };
  area.addEventListener('input', () => { back = 0; grow(); });
  let shift = false;
  area.addEventListener('beforeinput', event => { if (event.inputType === 'insertLineBreak' && !shift) event.preventDefault(); });
  area.addEventListener('keydown', event => {
    shift = event.shiftKey;
    if (event.isComposing) return;
    if (keys.accept(event)) { event.preventDefault(); event.stopPropagation(); return; }
    if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); submit(); }
    if (event.key === 'ArrowUp' && !event.shiftKey && recall(1)) event.preventDefault();
    if (event.key === 'ArrowDown' && back && recall(-1)) event.preventDefault();
  });
  form.addEventListener('submit', event => { event.preventDefault(); submit(); });
  return { grow };
}

async function post(text, channel, thread) {
  try {
    await call('post', { user: store.me, channel, text, thread_ts: thread });
    say('');
    return '';
  } catch (problem) { say(problem.message, true); return problem.message; }
}

// command sends a slash command. When the app fails, Slackbot says so in the conversation.
async function command(text) {
  const [name, ...rest] = text.split(' ');
  const wait = setTimeout(() => say(`Waiting for ${store.app.name}…`), 400);
  try {
    const result = await call('slash', { user: store.me, channel: store.where, command: name, text: rest.join(' ') });
    say(result.error ? trouble(result.error) : '', Boolean(result.error));
    return '';
  } catch (problem) {
    const known = store.commands.some(c => c.command === name);
    say(known ? problem.message : `${name} is not a command here. ` + (store.commands.length ? `There is ${store.commands.map(c => c.command).join(', ')}.` : ''), true);
    return problem.message;
  } finally { clearTimeout(wait); }
}

const area = $('text');
const main = composer($('composer'), area, $('hints'), { commands: true, send: text => (/^\/[a-z]/i.test(text) ? command(text) : post(text, store.where, '')) });
composer($('thread-composer'), $('thread-text'), $('thread-hints'), { commands: false, send: text => { const t = threadOpen(); return post(text, t.channel, t.ts); } });

// insertText puts a text into the composer and the caret behind it.
export function insertText(text) {
  area.value = text;
  area.focus();
  area.dispatchEvent(new Event('input'));
}

let draftOf = '';

// changePlace keeps what was typed for one conversation and shows what was typed for another.
export function changePlace(key, placeholder) {
  if (draftOf === key) return;
  if (draftOf) drafts.set(draftOf, area.value);
  draftOf = key;
  area.value = drafts.get(key) || '';
  area.placeholder = placeholder;
  say('');
  main.grow();
}
