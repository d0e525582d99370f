// Who is who: initials on a colour of one's own.
import { h } from './dom.js';
import { store } from './store.js';

function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  return ((words[0] || '?')[0] + (words.length > 1 ? words[words.length - 1][0] : '')).toUpperCase();
}

// avatar is decoration beside a written name.
export function avatar(id, small) {
  const user = store.users[id];
  const app = id === store.app.user;
  return h('span', { class: ['avatar', small && 'small', app ? 'of-app' : 'tint-' + (user ? user.colour : 0)], 'aria-hidden': 'true' },
    app ? initials(store.app.name)[0] : initials(user ? user.real_name : id));
}
