// Light, dark, or as the system has it. The choice is kept in localStorage under "theme"; framed pages of this origin can
// read it there, and the colour scheme of the frame follows.
import { $, icon } from './dom.js';

const order = ['auto', 'light', 'dark'];
const names = { auto: 'as the system', light: 'light', dark: 'dark' };
const icons = { auto: 'auto', light: 'sun', dark: 'moon' };

function chosen() {
  let value = null;
  try { value = localStorage.getItem('theme'); } catch { /* storage may be forbidden */ }
  return order.includes(value) ? value : 'auto';
}

function show(theme) {
  document.documentElement.dataset.theme = theme;
  const button = $('theme');
  button.replaceChildren(icon(icons[theme]));
  const text = `Colours: ${names[theme]}. Change to ${names[order[(order.indexOf(theme) + 1) % order.length]]}`;
  button.setAttribute('aria-label', text);
  button.title = text;
}

// startTheme shows the choice and lets the button change it.
export function startTheme() {
  show(chosen());
  $('theme').addEventListener('click', () => {
    const next = order[(order.indexOf(chosen()) + 1) % order.length];
    try { localStorage.setItem('theme', next); } catch { document.documentElement.dataset.theme = next; }
    show(next);
  });
  window.addEventListener('storage', event => { if (event.key === 'theme') show(chosen()); });
}
