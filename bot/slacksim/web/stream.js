// The one event stream. EventSource comes back by itself and says how far it came; when that was too long ago the server
// says reset and everything is loaded anew.
import { call } from './api.js';
import { countMessage, emit, setChannels, setPeople, setRead, store } from './store.js';

let newest = ''; // timestamp of the newest message told, to tell new ones from changed ones

// load reads everything but messages and tells everyone.
export async function load() {
  const state = await call('boot');
  Object.assign(store, { at: state.at, team: state.team, app: state.app, commands: state.commands, panel: state.panel, connections: state.connections,
    unread: state.unread, read: state.read, ahead: state.ahead_ms, newestIn: state.newest_in });
  setPeople(state);
  setChannels(state.channels);
  newest = Object.values(state.newest_in).reduce((a, b) => (a > b ? a : b), '');
  emit('boot');
}

const apply = {
  people(d) { setPeople(d); emit('people'); },
  channels(d) { setChannels(d.channels); emit('channels'); },
  link(d) { store.connections = d.connections; emit('link'); },
  clock(d) { store.ahead = d.ahead_ms; emit('clock'); },
  read(d) { setRead(d.user, d.channel, d.ts); emit('unread', d); },
  message(d) {
    const fresh = d.message.ts > newest;
    if (fresh) { newest = store.newestIn[d.channel] = d.message.ts; countMessage(d.channel, d.message); }
    emit('message', { ...d, fresh });
    if (fresh) emit('unread', d);
  },
  views(d) { emit('views', d); },
  home(d) { emit('home', d); },
  traffic(d) { emit('traffic', d); },
};

// listen opens the stream from where load left off.
export function listen() {
  const stream = new EventSource('/_sim/stream?after=' + encodeURIComponent(store.at));
  for (const [kind, run] of Object.entries(apply)) {
    stream.addEventListener(kind, event => {
      run(JSON.parse(event.data));
      store.at = event.lastEventId; // a stream opened anew goes on from here
    });
  }
  stream.addEventListener('reset', () => { load().catch(problem => emit('problem', problem.message)); });
  stream.onopen = () => emit('online', true);
  stream.onerror = () => {
    emit('online', false);
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
  window.addEventListener('pagehide', () => stream.close());
}
