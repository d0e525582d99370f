// The Home tab of the app, and the modals and Home tabs of everyone as the stream tells them.
import { $, h, keepFocus } from './dom.js';
import { call } from './api.js';
import { outcome } from './acts.js';
import { lookOf, render } from './blocks.js';
import { on, store } from './store.js';

const box = $('home');
let drawn = '';
const homes = {};

export function setHome(user, view) { homes[user] = view; }

// drawHome shows the person's Home tab, keeping what was typed in its fields.
export function drawHome() {
  const view = homes[store.me];
  const key = store.me + (view ? lookOf(view) : '');
  if (drawn === key) return;
  drawn = key;
  keepFocus(box, () => {
    if (!view) { box.replaceChildren(h('div', { class: 'intro' }, h('p', {}, `${store.app.name} has not published a Home tab for this person.`))); return; }
    const user = store.me;
    const reads = [];
    const use = (block, element, value) => {
      const values = {};
      for (const r of reads) (values[r.block.block_id] ||= {})[r.element.action_id] = r.read();
      return outcome(call('view-action', { user, view_id: view.id, block_id: block.block_id, action_id: element.action_id, value: value ?? null, values }));
    };
    const suggest = async (block, element, text) => (await call('suggest', { user, view_id: view.id, block_id: block.block_id, action_id: element.action_id, text })).answer || {};
    box.replaceChildren(...render(view.blocks, { values: view.state.values, use, suggest, collect: (block, element, read) => reads.push({ block, element, read }) }));
  });
}

on('home', ({ user, home }) => { homes[user] = home; if (user === store.me && store.tab === 'home') drawHome(); });
