package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/keyholder/keyholder/bot/browsertest"
)

// page is the demo's page in a real browser, used as a person uses it: things are found by role and
// name, and pressed with mouse or keys.
type page struct {
	*stage
	ctx context.Context

	mu       sync.Mutex
	problems []string // what the console and uncaught errors said
}

const (
	width, height = 1400, 900
)

// open starts a browser on the page of a running demo. Without one the test is skipped; with
// KEYHOLDER_REQUIRE_ALL=1 it fails.
func open(t *testing.T, s *stage) *page {
	t.Helper()
	ctx := browsertest.Start(s.ctx, t, "the demo's page was not tried in a browser", chromedp.WindowSize(width, height))
	p := &page{stage: s, ctx: ctx}
	t.Cleanup(func() {
		if t.Failed() {
			p.keepPicture(t)
		}
	})
	p.do(chromedp.EmulateViewport(width, height))
	go p.listen()
	p.visit("")
	return p
}

// on shows another demo in the same browser until that test ends.
func (p *page) on(t *testing.T, s *stage) *page {
	t.Helper()
	q := &page{stage: s, ctx: p.ctx}
	t.Cleanup(func() {
		if t.Failed() {
			q.keepPicture(t)
		}
		q.do(chromedp.Navigate("about:blank")) // before the demo ends: a page that is left alone complains
	})
	go q.listen()
	q.visit("")
	return q
}

func (p *page) visit(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate("http://" + p.slackListener.Addr().String() + "/" + path))
	p.find("button", "^\\+1 day$") // the panel is there
	p.until("the panel to listen", func() bool {
		// what is clicked before its script has run is lost, and what is drawn shows that it has
		return ask[bool](p, `[...document.querySelectorAll('iframe')].some(f => f.contentDocument?.getElementById('tour')?.childElementCount > 0)`)
	})
}

// listen keeps what the page complains about.
func (p *page) listen() {
	for m, err := range chromedp.Console(p.ctx) {
		if err != nil {
			return
		}
		if text := fmt.Sprintf("%+v", m); m.Type == "error" || m.Type == "exception" {
			p.mu.Lock()
			p.problems = append(p.problems, text)
			p.mu.Unlock()
		}
	}
}

// quiet fails the test when the console complained.
func (p *page) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.problems {
		p.t.Errorf("the console says: %s", text)
	}
}

func (p *page) do(a ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, a...); err != nil {
		p.t.Fatalf("browser: %v", err)
	}
}

func ask[T any](p *page, script string, o ...chromedp.EvaluateOption) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, o...))
	if err != nil {
		p.t.Fatalf("browser: %v", err)
	}
	return out
}

// finder is what the tests know about the page: roles and accessible names, through frames, only
// what can be seen and used. A button of a card is read out with what it is about; it is found by
// what is seen, too. A modal dialog hides all else.
const finder = `
const roles = { BUTTON: 'button', SUMMARY: 'button', TEXTAREA: 'textbox', SELECT: 'combobox', OPTION: 'option', DIALOG: 'dialog', ARTICLE: 'article', LI: 'listitem' };
const text = s => s.replace(/\s+/g, ' ').trim();
function roleOf(e) {
  const given = e.getAttribute('role');
  if (given) return given;
  if (e.tagName === 'A') return e.hasAttribute('href') ? 'link' : '';
  if (e.tagName === 'INPUT') return ({ checkbox: 'checkbox', radio: 'radio', submit: 'button', button: 'button' })[e.type] || 'textbox';
  if (e.isContentEditable && !e.parentElement?.isContentEditable) return 'textbox';
  return roles[e.tagName] || '';
}
function spoken(e) { // what a screen reader says of the inside
  if (e.nodeType === Node.TEXT_NODE) return e.data;
  if (e.nodeType !== Node.ELEMENT_NODE || e.getAttribute('aria-hidden') === 'true') return '';
  return [...e.childNodes].map(spoken).join(' ');
}
function nameOf(e) {
  const by = e.getAttribute('aria-labelledby');
  if (by) return text(by.split(' ').map(id => e.ownerDocument.getElementById(id)?.textContent || '').join(' '));
  if (e.getAttribute('aria-label')) return text(e.getAttribute('aria-label'));
  if (e.labels && e.labels.length) return text([...e.labels].map(l => l.textContent).join(' '));
  return text(spoken(e)) || text(e.getAttribute('placeholder') || e.getAttribute('title') || '');
}
function same(e, role) {
  const is = roleOf(e);
  return is === role || role === 'button' && ['link', 'tab', 'menuitem', 'menuitemradio', 'option', 'radio', 'treeitem'].includes(is) || role === 'textbox' && (is === 'combobox' || is === 'searchbox') && e.tagName !== 'SELECT';
}
function* everything(root, x, y, depth) {
  const modals = depth ? [] : [...document.querySelectorAll('dialog:modal, [role="dialog"][aria-modal="true"]')].filter(d => d.checkVisibility());
  const within = modals.length ? modals[modals.length - 1] : root;
  for (const e of within.querySelectorAll('*')) {
    yield { e, x, y };
    if (e.tagName === 'IFRAME' && e.contentDocument) {
      const r = e.getBoundingClientRect();
      yield* everything(e.contentDocument, x + r.left + e.clientLeft, y + r.top + e.clientTop, depth + 1);
    }
  }
}
function called(e, role, name) {
  const re = new RegExp(name, 'i');
  return same(e, role) && (re.test(nameOf(e)) || role === 'button' && re.test(text(spoken(e))));
}
function find(role, name, last) {
  const all = [...everything(document, 0, 0, 0)].filter(({ e }) => called(e, role, name) && e.checkVisibility({ visibilityProperty: true }) && !e.disabled);
  return last ? all[all.length - 1] : all[0];
}
function place(role, name, last) {
  const hit = find(role, name, last);
  if (!hit) return null;
  hit.e.scrollIntoView({ block: 'center' });
  const frame = hit.e.ownerDocument.defaultView.frameElement;
  const at = frame ? frame.getBoundingClientRect() : { left: 0, top: 0 };
  const r = hit.e.getBoundingClientRect();
  if (!r.width || !r.height) return null;
  const cx = r.left + r.width / 2, cy = r.top + r.height / 2;
  const top = hit.e.ownerDocument.elementFromPoint(cx, cy);
  if (!top || !(hit.e.contains(top) || top.contains(hit.e) || top.closest('label')?.contains(hit.e))) return null;
  return { x: at.left + cx, y: at.top + cy };
}
// aim sees to it that the next press with the mouse reaches what was found and nothing else: when something else has come
// to its place meanwhile, nobody hears of the press.
function aim(role, name) {
  const at = place(role, name, true);
  if (!at) return null;
  const target = find(role, name, true).e;
  top.aimed = { target, hit: false };
  const frames = [window, ...[...document.querySelectorAll('iframe')].map(f => f.contentWindow)];
  for (const frame of frames) {
    if (frame.aiming) continue;
    frame.aiming = true;
    for (const kind of ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click']) frame.addEventListener(kind, event => {
      const aimed = top.aimed;
      if (!aimed || aimed.hit) return;
      if (aimed.target.contains(event.target) || event.target.contains(aimed.target) || event.target.closest?.('label')?.contains(aimed.target)) {
        aimed.hit = kind === 'click';
        return;
      }
      event.stopImmediatePropagation();
      event.preventDefault();
    }, true);
  }
  return at;
}
function focused() {
  let e = document.activeElement;
  while (e && e.tagName === 'IFRAME' && e.contentDocument) e = e.contentDocument.activeElement;
  return e;
}
`

// script wraps an expression with the finder.
func script(expression string) string {
	return "(() => {" + finder + "return " + expression + "; })()"
}

func quoted(s string) string { raw, _ := json.Marshal(s); return string(raw) }

type point struct{ X, Y float64 }

// find waits until something can be seen and used, brings it into view and answers its middle. name
// is a regular expression without case.
func (p *page) find(role, name string) point {
	p.t.Helper()
	var at, before *point
	p.until(fmt.Sprintf("a %s named %s on the page, at rest", role, name), func() bool {
		before, at = at, ask[*point](p, script(fmt.Sprintf("place(%s, %s, true)", quoted(role), quoted(name))))
		return at != nil && before != nil && *at == *before
	})
	return *at
}

// click presses with the mouse, on a page that shows the newest. What moved away under the mouse, or was drawn anew
// between its going down and up, is pressed again, as a person does.
func (p *page) click(role, name string) {
	p.t.Helper()
	p.newest()
	p.until(fmt.Sprintf("a press of the %s named %s", role, name), func() bool {
		p.find(role, name)
		at := ask[*point](p, script(fmt.Sprintf("aim(%s, %s)", quoted(role), quoted(name))))
		if at == nil {
			return false
		}
		p.do(chromedp.MouseClickXY(at.X, at.Y))
		return ask[bool](p, `!top.aimed || top.aimed.hit`) // a page that was left hears of nothing
	})
}

// newest waits until the bot has done everything and the page has heard of it and drawn it.
func (p *page) newest() {
	p.t.Helper()
	p.atRest()
	p.until("the page to hear of everything", func() bool {
		return ask[bool](p, `Promise.all([import('/store.js'), fetch('/_sim/boot').then(r => r.json())]).then(([page, sim]) => {
			const [epoch, n] = page.store.at.split('-'), [now, last] = sim.at.split('-');
			return epoch === now && Number(n) >= Number(last) && new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))));
		})`, chromedp.EvalAwaitPromise)
	})
}

// typed puts the mouse into a field and types.
func (p *page) typed(name, text string) {
	p.t.Helper()
	p.click("textbox", name)
	p.do(chromedp.KeyEvent(text))
}

// choose sets a select, or uses a list box by mouse.
func (p *page) choose(name, option string) {
	p.t.Helper()
	p.find("combobox", name)
	native := ask[bool](p, script(fmt.Sprintf(`(() => {
		const { e } = find('combobox', %s, true);
		if (e.tagName !== 'SELECT') return false;
		e.value = [...e.options].find(o => o.text.includes(%s)).value;
		for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind, { bubbles: true }));
		return true;
	})()`, quoted(name), quoted(option))))
	if native {
		return
	}
	p.click("combobox", name)
	p.click("option", option)
}

// goes presses what switches to a person or a conversation, and waits until it says that it is the chosen one.
func (p *page) goes(name string) {
	p.t.Helper()
	chosen := script(fmt.Sprintf(
		`(hit => Boolean(hit) && ['aria-current', 'aria-selected', 'aria-pressed', 'aria-checked'].some(a => !['false', null].includes(hit.e.getAttribute(a))))(find('button', %s, true))`, quoted(name)))
	p.click("button", name)
	p.until(name+" to be chosen", func() bool { return ask[bool](p, chosen) })
}

func (p *page) actAs(name string) { p.t.Helper(); p.goes("^" + name) }

// chat opens the person's direct message with the app.
func (p *page) chat() { p.t.Helper(); p.goes("^(Messages|keyholder)") }

func (p *page) room(name string) { p.t.Helper(); p.goes("^" + name) }

// sees waits until a text stands on the page or in the panel.
func (p *page) sees(pattern string) {
	p.t.Helper()
	p.until("the text "+pattern, func() bool { return p.shows(pattern) })
}

func (p *page) shows(pattern string) bool {
	p.t.Helper()
	return ask[bool](p, fmt.Sprintf(
		`new RegExp(%s, 'i').test([document, ...[...document.querySelectorAll('iframe')].map(f => f.contentDocument)].filter(Boolean).map(d => d.body?.innerText || '').join(' ').replace(/\s+/g, ' '))`, quoted(pattern)))
}

// said types a line into the composer and sends it.
func (p *page) said(text string) {
	p.t.Helper()
	p.typed("message", text)
	p.do(chromedp.KeyEvent(kb.Enter))
}

// scheme makes the system light or dark.
func (p *page) scheme(name string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme",
				Value: name}}})
		return err
	}))
}

// rest waits until nothing moves any more.
func (p *page) rest() {
	p.t.Helper()
	p.until("the page to be at rest", func() bool {
		return ask[bool](p, `[document, ...[...document.querySelectorAll('iframe')].map(f => f.contentDocument)].every(d => d.getAnimations().every(a => a.playState !== 'running'))`)
	})
}

// picture is what can be seen, when nothing moves any more.
func (p *page) picture() []byte {
	p.t.Helper()
	p.rest()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	raw, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("take a picture: %v", err)
	}
	return raw
}

// keepPicture writes what a failed test saw where KEYHOLDER_TEST_PICTURES says.
func (p *page) keepPicture(t *testing.T) {
	dir := os.Getenv("KEYHOLDER_TEST_PICTURES")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	if raw, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		_ = os.WriteFile(dir+"/"+strings.ReplaceAll(t.Name(), "/", "-")+".png", raw, 0o644)
	}
}
