// The overflow menu: a button that opens a short list, used by mouse and by arrow keys.
import { h, icon, newID } from './dom.js';
import { plain } from './mrkdwn.js';

// overflow makes the menu; choose is called with the option. attributes belong to the button.
export function overflow(options, attributes, choose) {
  const id = newID();
  const list = h('div', { id, role: 'menu', class: 'menu', hidden: true });
  const button = h('button', { type: 'button', class: 'more', 'aria-label': 'More actions', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-controls': id, ...attributes }, icon('more'));
  const wrap = h('span', { class: 'menu-wrap' }, button, list);
  const close = back => {
    list.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    if (back) button.focus();
  };
  const items = options.map(o => h('button', { type: 'button', role: 'menuitem', tabindex: '-1', onclick: () => { close(true); choose(o); } }, plain(o.text), o.description ? h('small', {}, plain(o.description)) : null));
  list.append(...items);
  const open = () => {
    list.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    list.classList.toggle('to-right', button.getBoundingClientRect().right - (wrap.closest('#messages, #thread-messages, #home, .body') || document.body).getBoundingClientRect().left < 220);
    list.scrollIntoView({ block: 'nearest' });
    items[0].focus();
  };
  button.addEventListener('click', () => (list.hidden ? open() : close(true)));
  wrap.addEventListener('keydown', event => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Escape' && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(true); }
    if (!step) return;
    event.preventDefault();
    if (list.hidden) { open(); return; }
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
  });
  wrap.addEventListener('focusout', event => { if (!wrap.contains(event.relatedTarget)) close(false); });
  return wrap;
}
