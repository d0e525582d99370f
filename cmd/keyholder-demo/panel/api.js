// What the panel does: everything goes to this server, and how it ended is said in the status line.
const said = document.getElementById('said');

export function say(text, bad = false) {
  said.textContent = text;
  said.classList.toggle('bad', bad);
}

async function post(path, body) {
  let res;
  try {
    res = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new Error('The demo does not answer. Is it still running?');
  }
  const answer = await res.json().catch(() => ({}));
  if (!res.ok) throw new Error(answer.error || 'That did not work (' + res.status + ').');
  return answer;
}

async function doing(work, text) {
  try {
    await work();
    say('✓ ' + text);
    return true;
  } catch (problem) {
    say('✗ ' + problem.message.replace(/^act \w+: /, ''), true);
    return false;
  }
}

// code asks the panel's own authenticator app what it shows for a key.
export const code = secret => post('code', { secret });
export const act = (action, text) => doing(() => post('act', action), text);
export const forward = (seconds, text) => doing(() => post('forward', { seconds }), text);
// freshWorld begins everything anew and loads the page again as soon as the new world answers.
export async function freshWorld(tour) {
  const before = (await (await fetch('state')).json()).world;
  if (!await doing(() => post('world', { tour }), 'A fresh world begins.')) return;
  for (const end = Date.now() + 30000; Date.now() < end; await new Promise(next => setTimeout(next, 150))) {
    try {
      const res = await fetch('state');
      if (res.ok && (await res.json()).world !== before) { window.parent.location.reload(); return; }
    } catch { /* not yet */ }
  }
  say('✗ The demo does not come back. Is it still running?', true);
}
export const restart = () => doing(() => post('tour/restart', {}), 'The ticks are gone. A transfer that is still open goes on.');
