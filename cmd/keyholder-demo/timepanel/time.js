// The time of a Slack alone: what it is, and four ways to move it.
const $ = id => document.getElementById(id);
let offset = 0; // this Slack's time minus this machine's, in milliseconds
let ahead = 0;

function tick() {
  const now = new Date(Date.now() + offset);
  $('now').textContent = now.toLocaleString([], { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  $('now').dateTime = now.toISOString();
  const minutes = Math.floor(ahead / 60);
  const parts = [[Math.floor(minutes / 1440), 'day'], [Math.floor(minutes / 60) % 24, 'hour'], [minutes % 60, 'minute']].filter(([n]) => n > 0);
  $('ahead').textContent = parts.length ? parts.map(([n, unit]) => `${n} ${unit}${n === 1 ? '' : 's'}`).join(' ') + ' ahead' : '';
}

async function ask(path, body) {
  const answer = await fetch(path, body ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {});
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

async function look() {
  const seen = await ask('now');
  offset = Date.parse(seen.now) - Date.now();
  ahead = seen.ahead;
  tick();
}

for (const button of document.querySelectorAll('[data-seconds]')) {
  button.addEventListener('click', async () => {
    try {
      await ask('forward', { seconds: Number(button.dataset.seconds) });
      await look();
      $('said').textContent = `It is ${$('now').textContent} now.`;
    } catch (error) {
      $('said').textContent = error.message;
    }
  });
}

look();
setInterval(tick, 1000);
setInterval(look, 10000);
