// The inspector: each envelope to the app and each call from it, newest first, with payload and answer on demand.
import { $, h } from './dom.js';
import { call } from './api.js';
import { nameOf, on, store } from './store.js';

const keep = 500;  // lines remembered
const draw = 200;  // lines in the page
const dock = $('inspector'), list = $('traffic'), filter = $('traffic-filter');
const words = { slash_commands: 'slash command', interactive: 'interaction', events_api: 'event' };

let lines = new Map(); // key -> line
let held = null;       // lines that came while paused
let opened = new Map();// key -> details already loaded
let cleared = 0;       // lines before this time were cleared away
let rows = new Map();  // key -> {row, line}
let waiting = false;

// named puts names for the ids of people and channels.
function named(text) {
  return text.replace(/\b[UCDW][0-9A-Z]{3,}\b/g, id => (store.users[id] ? nameOf(id) : store.channel[id] ? (store.channel[id].name ? '#' + store.channel[id].name : 'direct message of ' + nameOf(store.channel[id].members[0])) : id));
}

function fits(line) {
  const text = filter.value.trim().toLowerCase();
  if (!text) return true;
  const all = [line.name, words[line.name] || '', line.about, named(line.about), line.status, line.direction === 'out' ? 'to app' : 'from app', line.fault || ''].join(' ').toLowerCase();
  return text.split(/\s+/).every(w => (w.startsWith('-') && w.length > 1 ? !all.includes(w.slice(1)) : all.includes(w)));
}

function later() {
  if (waiting || dock.hidden) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; show(); });
}

function take(line) {
  if (line.at < cleared) return;
  if (held) { held.push(line); counts(); return; }
  lines.set(line.key, line);
  if (lines.size > keep * 1.2) lines = new Map([...lines].sort((a, b) => b[1].at - a[1].at).slice(0, keep));
  later();
}

function took(line) {
  if (!line.done) return '…';
  const ms = line.took_us / 1000;
  return ms < 10 ? ms.toFixed(1) + ' ms' : ms < 10000 ? Math.round(ms) + ' ms' : (ms / 1000).toFixed(1) + ' s';
}

function clock(at) {
  const d = new Date(at);
  return d.toLocaleTimeString('en-GB') + '.' + String(d.getMilliseconds()).padStart(3, '0');
}

// json renders a value with its objects and lists foldable; long ones begin folded.
function json(value, name, depth) {
  const label = name === null ? null : h('span', { class: 'key' }, name + ': ');
  if (value === null || typeof value !== 'object') {
    const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
    return h('div', { class: 'leaf' }, label, h('span', { class: 'is-' + (value === null ? 'null' : typeof value) }, text));
  }
  const entries = Object.entries(value), list = Array.isArray(value);
  if (!entries.length) return h('div', { class: 'leaf' }, label, list ? '[]' : '{}');
  const brief = list ? `[ ${entries.length} ]` : '{ ' + entries.slice(0, 4).map(([k]) => k).join(', ') + (entries.length > 4 ? ', …' : '') + ' }';
  const fold = h('details', { open: depth < 2 && entries.length <= 30 }, h('summary', {}, label, h('span', { class: 'brief' }, brief)));
  const fill = () => { if (fold.children.length === 1) fold.append(h('div', { class: 'inside' }, entries.map(([k, v]) => json(v, list ? '' + k : k, depth + 1)))); };
  if (fold.open) fill();
  fold.addEventListener('toggle', () => { if (fold.open) fill(); });
  return fold;
}

function details(d) {
  const part = (title, value) => h('section', {}, h('h4', {}, title, h('button', { type: 'button', class: 'linkish', onclick: event => copy(event.target, value) }, 'Copy')),
    value === null || value === undefined ? h('p', { class: 'hint' }, 'Nothing.') : json(value, null, 0));
  const facts = d.line.direction === 'out' ? `Envelope ${d.id || '(not sent: nothing was connected)'}${d.connection ? ` over connection ${d.connection}` : ''}` :
    `HTTP ${d.http}, answered ${d.http_status || 'by cutting the connection'}, ${d.token} token`;
  return h('div', { class: 'details' }, h('p', { class: 'hint' }, facts + (d.line.fault ? ` · injected fault: ${d.line.fault}` : '') + `. ${d.line.size} bytes.`),
    h('div', { class: 'parts' }, part(d.line.direction === 'out' ? 'Payload' : 'Arguments', d.sent), part(d.line.direction === 'out' ? 'Answer in the ack' : 'Answer', d.answer)));
}

async function copy(button, value) {
  try { await navigator.clipboard.writeText(JSON.stringify(value, null, 2)); button.textContent = 'Copied'; } catch { button.textContent = 'Not allowed here'; }
}

async function toggle(line, row, button) {
  if (opened.has(line.key)) {
    opened.delete(line.key);
    row.querySelector('.details')?.remove();
    button.setAttribute('aria-expanded', 'false');
    return;
  }
  opened.set(line.key, true);
  button.setAttribute('aria-expanded', 'true');
  try {
    const d = await call('traffic?key=' + encodeURIComponent(line.key));
    if (opened.has(line.key)) row.append(details(d));
  } catch (problem) { row.append(h('div', { class: 'details' }, problem.message)); }
}

function rowOf(line) {
  const old = rows.get(line.key);
  if (old && old.line === line) return old.row;
  const out = line.direction === 'out';
  const button = h('button', { type: 'button', class: 'line', 'aria-expanded': String(opened.has(line.key)), dataset: { block: 'traffic', action: line.key }, onclick: () => toggle(line, row, button) },
    h('span', { class: 'at' }, clock(line.at)), h('span', { class: ['way', out ? 'out' : 'in'] }, out ? '→ to app' : '← from app'),
    h('span', { class: 'what' }, h('strong', {}, words[line.name] || line.name), line.about ? h('span', { class: 'about', title: line.about }, named(line.about)) : null),
    line.fault ? h('span', { class: 'pill fault' }, 'fault: ' + line.fault) : null,
    h('span', { class: ['pill', line.ok ? 'good' : line.done ? 'bad' : 'open'] }, (line.ok ? '✓ ' : line.done ? '✗ ' : '… ') + line.status), h('span', { class: 'took' }, took(line)));
  const row = h('li', {}, button);
  const detail = old && old.row.querySelector('.details');
  if (detail && line.done === old.line.done) row.append(detail);
  else if (opened.has(line.key)) { opened.delete(line.key); toggle(line, row, button); }
  rows.set(line.key, { row, line });
  return row;
}

function show() {
  const at = document.activeElement && list.contains(document.activeElement) ? document.activeElement.dataset.action : null;
  const seen = [...lines.values()].filter(fits).sort((a, b) => b.at - a.at || (b.key > a.key ? 1 : -1));
  const made = seen.slice(0, draw).map(rowOf);
  const keepRows = new Set(seen.slice(0, draw).map(l => l.key));
  for (const key of rows.keys()) if (!keepRows.has(key)) rows.delete(key);
  list.replaceChildren(...(made.length ? made : [h('li', { class: 'nothing' }, lines.size ? 'Nothing fits the filter.' : 'Nothing yet: envelopes to the app and its calls appear here.')]));
  if (at) list.querySelector(`[data-action="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
  counts(seen.length);
}

function counts(n) {
  if (n !== undefined) $('traffic-count').dataset.n = n;
  const base = Number($('traffic-count').dataset.n || 0);
  $('traffic-count').textContent = `${base} of ${lines.size}` + (held ? ` · paused, ${held.length} waiting` : '');
}

// toggleInspector opens or closes the dock.
export async function toggleInspector() {
  const open = dock.hidden;
  dock.hidden = !open;
  $('inspect').setAttribute('aria-expanded', String(open));
  document.body.classList.toggle('with-inspector', open);
  if (!open) { $('inspect').focus(); return; }
  show();
  filter.focus();
  const { traffic } = await call('traffic?limit=300');
  for (const line of traffic) if (line.at >= cleared) lines.set(line.key, line);
  show();
}

// startInspector wires the dock; it listens from the start, so that nothing is lost while it is closed.
export function startInspector() {
  on('traffic', take);
  $('inspect').addEventListener('click', toggleInspector);
  $('traffic-close').addEventListener('click', toggleInspector);
  filter.addEventListener('input', show);
  $('traffic-clear').addEventListener('click', () => { cleared = Date.now(); lines = new Map(); rows = new Map(); opened = new Map(); if (held) held = []; show(); });
  $('traffic-pause').addEventListener('click', () => {
    const waited = held;
    held = held ? null : [];
    $('traffic-pause').setAttribute('aria-pressed', String(Boolean(held)));
    $('traffic-pause').textContent = held ? 'Go on' : 'Pause';
    for (const line of waited || []) take(line);
    show();
  });
  dock.addEventListener('keydown', event => { if (event.key === 'Escape') { event.preventDefault(); toggleInspector(); } });
}
