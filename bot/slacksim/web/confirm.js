// Confirmation dialogs of buttons, menus and selects.
import { $, closeDialog, h } from './dom.js';
import { textObject } from './mrkdwn.js';

// confirmFirst asks when the element has a confirm object; it resolves to whether to go on.
export function confirmFirst(confirm, style) {
  if (!confirm) return Promise.resolve(true);
  const dialog = $('confirm');
  return new Promise(resolve => {
    let yes = false;
    const label = (object, fallback) => (object ? textObject(object) : fallback);
    const look = (confirm.style || style) === 'danger' ? 'danger solid' : 'primary';
    dialog.replaceChildren(
      h('h2', { id: 'confirm-title' }, label(confirm.title, 'Are you sure?')),
      h('div', { class: 'body', id: 'confirm-text' }, textObject(confirm.text)),
      h('div', { class: 'buttons' },
        h('button', { type: 'button', class: 'deny', onclick: () => closeDialog(dialog) }, label(confirm.deny, 'Cancel')),
        h('button', { type: 'button', class: look, onclick: () => { yes = true; closeDialog(dialog); } }, label(confirm.confirm, 'Yes'))));
    const closed = () => {
      if (dialog.open) return; // told late, of the question before this one
      dialog.removeEventListener('close', closed);
      resolve(yes);
    };
    dialog.addEventListener('close', closed);
    dialog.showModal();
    dialog.querySelector('.deny').focus();
  });
}
