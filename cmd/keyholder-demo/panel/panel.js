// The panel beside the demo's page: integrator.io as its simulator sees it, and the time.
const $ = (id) => document.getElementById(id);
let shown = "";

function el(tag, text, ...children) {
  const e = document.createElement(tag);
  if (text) e.textContent = text;
  e.append(...children);
  return e;
}

function button(label, action) {
  const b = el("button", label);
  b.addEventListener("click", () => post("act", action, label));
  return b;
}

async function post(path, body, label) {
  const res = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await res.json();
  $("said").textContent = res.ok ? `✓ ${label}` : `✗ ${answer.error}`;
  await refresh();
}

function userLine(u) {
  const li = el("li", "", el("span", `${u.email}: ${u.role}, ${u.status}`));
  if (u.status === "pending") {
    li.append(" ", button("Sign up and accept", { do: "sign_up", email: u.email, name: u.email.split("@")[0] }));
  }
  return li;
}

function transferLine(t) {
  const to = t.to;
  const state = t.dismissed ? "declined" : t.status;
  const li = el("li", "", el("span", `to ${to}: ${state}`));
  if (t.status === "unapproved" && !t.dismissed) {
    li.append(" ", button("Accept as the new owner", { do: "accept_transfer", email: to, transfer: t.id }),
      " ", button("Decline", { do: "dismiss_transfer", email: to, transfer: t.id }));
  }
  return li;
}

function mailLine(m) {
  return el("li", "", el("strong", m.to), el("br"), el("span", m.subject), el("br"), el("small", m.text));
}

function fill(list, items, line, none) {
  $(list).replaceChildren(...(items.length ? items.map(line) : [el("li", none)]));
}

async function refresh() {
  const state = await (await fetch("state")).json();
  $("now").textContent = new Date(state.now).toLocaleString();
  const key = JSON.stringify([state.accounts, state.mails]);
  if (key === shown) return;
  shown = key;
  const acct = state.accounts[0];
  $("owner").textContent = acct.owner.email;
  const production = acct.environments.find((e) => e.production) || acct.environments[0];
  fill("users", production.users || [], userLine, "Nobody");
  fill("transfers", acct.transfers || [], transferLine, "None");
  fill("mails", (state.mails || []).slice(-6).reverse(), mailLine, "No mail yet");
}

for (const b of $("jumps").querySelectorAll("button")) {
  b.addEventListener("click", () => post("forward", { seconds: Number(b.dataset.seconds) }, `time moved ${b.textContent}`));
}
refresh();
setInterval(() => refresh().catch(() => {}), 1000);
