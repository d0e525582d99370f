// Panes that can be resized, folded away, and that become drawers on narrow windows.
import { $ } from './dom.js';
import { store } from './store.js';

const root = document.documentElement;
const narrow = matchMedia('(max-width: 1100px)');
const small = matchMedia('(max-width: 760px)');

function kept(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(key);
    localStorage.setItem(key, value);
  } catch { /* sizes are only a comfort */ }
  return null;
}

// resizable lets a separator change a size by mouse, touch and arrow keys. grow gives the size for a pointer.
function resizable(id, variable, { least, most, step, grow, vertical }) {
  const bar = $(id);
  const set = (size, keep) => {
    const value = Math.round(Math.max(least, Math.min(most(), size)));
    root.style.setProperty(variable, value + 'px');
    bar.setAttribute('aria-valuenow', value);
    if (keep) kept(variable, value);
  };
  const now = () => parseInt(getComputedStyle(root).getPropertyValue(variable), 10);
  bar.setAttribute('aria-valuemin', least);
  const saved = parseInt(kept(variable), 10);
  if (saved) set(saved); else bar.setAttribute('aria-valuenow', now());
  bar.addEventListener('pointerdown', event => {
    event.preventDefault();
    bar.setPointerCapture(event.pointerId);
    document.body.classList.add('resizing');
    const move = e => set(grow(e));
    bar.addEventListener('pointermove', move);
    bar.addEventListener('lostpointercapture', () => { bar.removeEventListener('pointermove', move); document.body.classList.remove('resizing'); set(now(), true); }, { once: true });
  });
  bar.addEventListener('keydown', event => {
    const by = (vertical ? { ArrowUp: step, ArrowDown: -step } : { ArrowLeft: step, ArrowRight: -step })[event.key];
    if (by) { event.preventDefault(); set(now() + by, true); }
  });
}

function setPanel(open, keep) {
  $('panel').hidden = !open;
  $('panel-bar').hidden = !open;
  document.body.classList.toggle('with-panel', open);
  $('panel-toggle').setAttribute('aria-expanded', String(open));
  if (keep && !narrow.matches) kept('panel', open ? 'open' : 'closed');
}

export function togglePanel() { if (store.panel.url) setPanel($('panel').hidden, true); }

// leavePanel closes the panel where it lies over the conversation.
export function leavePanel() { if (narrow.matches) setPanel(false); }

export function setSidebar(open) {
  document.body.classList.toggle('with-sidebar', open);
  $('sidebar-toggle').setAttribute('aria-expanded', String(open));
}

// drawPanel shows the panel of the options, if there is one.
export function drawPanel() {
  const { url, title } = store.panel;
  $('panel-toggle').hidden = $('skip-panel').hidden = !url;
  if (!url || $('panel-frame').getAttribute('src') === url) return;
  $('panel-title').textContent = title;
  $('skip-panel').textContent = 'Skip to the panel: ' + title;
  $('panel-frame').title = title;
  $('panel-toggle').title = title;
  $('panel-toggle').setAttribute('aria-label', title);
  $('panel-frame').src = url;
  setPanel(!narrow.matches && kept('panel') !== 'closed');
}

// startPanes wires everything; shade is what lies behind an open drawer.
export function startPanes() {
  resizable('panel-bar', '--panel-width', { least: 260, most: () => innerWidth * 0.6, step: 24, grow: e => innerWidth - e.clientX });
  resizable('inspector-bar', '--inspector-height', { least: 140, most: () => innerHeight * 0.8, step: 24, vertical: true, grow: e => innerHeight - e.clientY });
  $('panel-toggle').addEventListener('click', togglePanel);
  $('panel-close').addEventListener('click', () => { setPanel(false, true); $('panel-toggle').focus(); });
  $('sidebar-toggle').addEventListener('click', () => { setSidebar(!document.body.classList.contains('with-sidebar')); $('people').querySelector('[aria-current]')?.focus(); });
  $('shade').addEventListener('click', () => { setSidebar(false); if (narrow.matches) setPanel(false); });
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || event.defaultPrevented || !narrow.matches) return;
    if (document.body.classList.contains('with-sidebar')) { setSidebar(false); $('sidebar-toggle').focus(); } else if (!$('panel').hidden) { setPanel(false); $('panel-toggle').focus(); }
  });
  narrow.addEventListener('change', () => { if (store.panel.url) setPanel(!narrow.matches && kept('panel') !== 'closed'); setSidebar(false); });
  small.addEventListener('change', () => setSidebar(false));
}
