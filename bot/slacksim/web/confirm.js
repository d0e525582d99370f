// Confirmation dialogs of buttons and selects.
import { closeDialog, h } from './dom.js';
import { textObject } from './mrkdwn.js';

// confirmFirst asks when the element has a confirm object; it resolves to whether to go on.
export function confirmFirst(confirm, style) {
  if (!confirm) return Promise.resolve(true);
  const dialog = document.getElementById('confirm');
  return new Promise(resolve => {
    let yes = false;
    const label = (object, fallback) => (object ? textObject(object) : fallback);
    dialog.replaceChildren(
      h('h2', { id: 'confirm-title' }, label(confirm.title, 'Are you sure?')),
      h('p', {}, textObject(confirm.text)),
      h('div', { class: 'buttons' },
        h('button', { type: 'button', onclick: () => closeDialog(dialog) }, label(confirm.deny, 'Cancel')),
        h('button', { type: 'button', class: confirm.style || style || 'primary', onclick: () => { yes = true; closeDialog(dialog); } }, label(confirm.confirm, 'Yes'))));
    dialog.addEventListener('close', () => resolve(yes), { once: true });
    dialog.showModal();
  });
}
