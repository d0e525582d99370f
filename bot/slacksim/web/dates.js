// Times in words, in the time zone of the browser and relative to the simulated time.
import { now } from './store.js';

const day = 86400000;
const format = options => { const f = new Intl.DateTimeFormat('en', options); return at => f.format(at); };
const clock = format({ hour: 'numeric', minute: '2-digit' });
const clockSeconds = format({ hour: 'numeric', minute: '2-digit', second: '2-digit' });
const short = format({ month: 'short', day: 'numeric', year: 'numeric' });
const medium = format({ month: 'long', day: 'numeric', year: 'numeric' });
const long = format({ weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' });
const slash = format({ dateStyle: 'short' });
const sameYear = format({ weekday: 'long', month: 'long', day: 'numeric' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

// dateOf reads a message timestamp.
export function dateOf(ts) { return new Date(Number(ts) * 1000); }

export const timeText = clock;
export const timeSecondsText = clockSeconds;
export const fullText = at => long(at) + ' at ' + clockSeconds(at);

function daysAway(at) {
  const start = d => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  return Math.round((start(at) - start(new Date(now()))) / day);
}

function pretty(at, plain) { return { '-1': 'yesterday', 0: 'today', 1: 'tomorrow' }[daysAway(at)] || plain; }

function capital(text) { return text[0].toUpperCase() + text.slice(1); }

// dayText heads the messages of a day.
export function dayText(at) {
  return capital(pretty(at, at.getFullYear() === new Date(now()).getFullYear() ? sameYear(at) : long(at)));
}

// agoText is a distance such as "in 2 days" or "5 minutes ago".
export function agoText(at) {
  const seconds = (at - now()) / 1000;
  for (const [unit, size] of [['year', 31557600], ['month', 2629800], ['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return Math.abs(seconds) < 45 ? 'just now' : relative.format(Math.round(seconds), 'second');
}

// tokens are the placeholders of <!date^...> (docs.slack.dev/messaging/formatting-message-text).
export function tokens(at) {
  const pad = n => String(n).padStart(2, '0');
  const hasOtherYear = at.getFullYear() !== new Date(now()).getFullYear();
  return { date_num: `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`, date: hasOtherYear ? medium(at) : format({ month: 'long', day: 'numeric' })(at),
    date_short: short(at), date_long: long(at), date_pretty: pretty(at, medium(at)), date_short_pretty: pretty(at, short(at)),
    date_long_pretty: pretty(at, long(at)), date_slash: slash(at), time: clock(at), time_secs: clockSeconds(at), ago: agoText(at), day_divider_pretty: dayText(at) };
}
