package slacksim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/browsertest"
	"github.com/keyholder/keyholder/bot/slacksim"
)

// patience is how long a test waits for something on the page before it fails.
const patience = 15 * time.Second

// TestPageInABrowser drives the page in one real browser, each part with a workspace and a tab of its own.
func TestPageInABrowser(t *testing.T) {
	browser := startBrowser(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, context.Context)
	}{
		{"a command is completed and answered privately", pageCompletesCommands},
		{"a modal shows errors, keeps what was typed and goes back", pageModals},
		{"an app that does not answer is said so", pageTimeouts},
		{"people are switched and their unread messages counted", pagePeople},
		{"a confirm dialog asks before anything is sent", pageConfirms},
		{"threads open beside the conversation", pageThreads},
		{"edited, deleted and dismissed messages", pageEdits},
		{"the inspector shows envelopes and calls without tokens", pageInspector},
		{"colours follow the system until they are chosen", pageColours},
		{"everything can be done by keyboard", pageKeyboard},
		{"keys lead to every part of the page", pageKeys},
		{"a form of 100 blocks is pleasant", pageLongForm},
		{"files and several values are chosen", pageFilesAndMany},
		{"hostile texts stay texts", pageHostile},
		{"blocks of every kind, known or not", pageBlocks},
		{"a table is sorted, filtered and its pages are turned", pageTable},
		{"the Home tab is used", pageHome},
		{"5,000 messages do not fill the page", pageCrowded},
		{"a narrow window has drawers", pageNarrow},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, browser) })
	}
}

// startBrowser starts Chromium, or skips when there is none; with KEYHOLDER_REQUIRE_ALL=1 that is a failure.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	return browsertest.Start(context.Background(), t, "the page was not tried in a browser", chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("force-prefers-reduced-motion", true))
}

// tab is the page as one test uses it.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// openPage opens the page in a new tab as a person.
func openPage(t *testing.T, browser context.Context, url, as string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // opens the tab; a deadline on this call would become the tab's
		t.Fatalf("open a tab: %v", err)
	}
	p := &tab{t, ctx}
	p.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url+"/?as="+as))
	p.until(`document.querySelector('#people [aria-current]')?.dataset.action === ` + quote(as) +
		` && !document.querySelector('.loading')`)
	return p
}

func quote(s string) string { raw, _ := json.Marshal(s); return string(raw) } // a string always marshals

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%v; the page says:\n%s", err, p.body())
	}
}

// body is the visible text of the page, for messages of failures.
func (p *tab) body() string {
	ctx, cancel := context.WithTimeout(p.ctx, 2*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`[...document.querySelectorAll('dialog[open]'), document.body].map(e => e.innerText).join('\n---\n') + '\nFocus: ' + document.activeElement.outerHTML.slice(0, 200) + '\nValue: ' + JSON.stringify(document.activeElement.value) + ' scroll ' + document.querySelector('#messages').scrollTop + ' of ' + document.querySelector('#messages').scrollHeight + ' count ' + document.querySelectorAll('.message').length`))
	if err != nil {
		return err.Error()
	}
	return text
}

// until waits for a JavaScript expression to hold.
func (p *tab) until(expr string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond) // the page's policy forbids what chromedp.Poll would put into it
	defer again.Stop()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`Boolean(`+expr+`)`))
		if holds {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			p.t.Fatalf("waiting for %s: %v; the page says:\n%s", expr, err, p.body())
		}
	}
}

// sees waits until an element shows a text.
func (p *tab) sees(css, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`[...document.querySelectorAll(%s)].some(e => e.innerText.includes(%s))`, quote(css),
		quote(text)))
}

func look[T any](p *tab, expr string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expr))
	if err != nil {
		p.t.Fatalf("%s: %v", expr, err)
	}
	return v
}

func (p *tab) click(css string) { p.t.Helper(); p.do(chromedp.Click(chromedp.CSS(css))) }

// keys types keys where the focus is.
func (p *tab) keys(text string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(text, chromedp.KeyModifiers(modifiers...)))
}

// say sends what is typed into the composer.
func (p *tab) say(text string) {
	p.t.Helper()
	p.do(chromedp.Focus(chromedp.CSS("#text")))
	p.keys(text)
	p.keys(kb.Escape)
	p.keys(kb.Enter)
}

func modalOf(blocks ...slack.Block) slack.ModalViewRequest {
	text := func(s string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", s, false, false) }
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: "form", Title: text("Hand over"),
		Submit: text("Ask for it"), Close: text("Not now"), NotifyOnClose: true,
		Blocks: slack.Blocks{BlockSet: blocks}}
}

func field(id, label string) *slack.InputBlock {
	return slack.NewInputBlock(id, slack.NewTextBlockObject("plain_text", label, false, false),
		slack.NewTextBlockObject("plain_text", "A hint", false, false),
		slack.NewPlainTextInputBlockElement(nil, id))
}

func section(text string) *slack.SectionBlock {
	return slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", text, false, false), nil, nil)
}

func actions(id string, elements ...slack.BlockElement) *slack.ActionBlock {
	return slack.NewActionBlock(id, elements...)
}

func plainButton(action, text string) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(action, "v", slack.NewTextBlockObject("plain_text", text, false, false))
}

// botSays posts as the app.
func botSays(t *testing.T, a *app, channel string, options ...slack.MsgOption) string {
	t.Helper()
	_, ts, err := a.api.PostMessage(channel, options...)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func pageCompletesCommands(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{Commands: []slacksim.SlashCommand{{Command: "/do",
		Description: "Does things", UsageHint: "help | status [account]"}, {Command: "/dance", Description: "Dances"}}})
	connect(t, s, url, func(a *app, e socketmode.Event) {
		if c, ok := e.Data.(slack.SlashCommand); ok {
			_ = a.sock.Ack(*e.Request, map[string]any{"text": "You said *" + c.Text + "*."})
		}
	})
	p := openPage(t, browser, url, "UANA")
	p.do(chromedp.Focus(chromedp.CSS("#text")))
	p.keys("/d")
	p.until(`document.querySelectorAll('#hints li').length === 2`)
	if got := look[string](p, `document.querySelector('#hints [aria-selected=true]').innerText`); !strings.Contains(got,
		"/do") || !strings.Contains(got, "Does things") {
		t.Errorf("first suggestion: %q", got)
	}
	p.keys(kb.ArrowDown)
	p.until(`document.querySelector('#hints [aria-selected=true]').innerText.includes('/dance')`)
	p.keys(kb.ArrowUp + kb.Tab)
	p.until(`document.querySelector('#text').value === '/do '`)
	p.keys("sta" + kb.ArrowDown + kb.Enter)
	p.until(`document.querySelector('#text').value === '/do status '`)
	p.keys(kb.Escape + kb.Enter)
	p.sees(".message.ephemeral", "You said status.")
	p.sees(".message.ephemeral .only", "Only visible to you")
	p.keys(kb.ArrowUp)
	p.until(`document.querySelector('#text').value === '/do status'`)
	p.keys(kb.ArrowDown)
	p.until(`document.querySelector('#text').value === ''`)
	p.say("/nonsense")
	p.sees("#status", "/nonsense is not a command here")
	if l := s.Messages("C0OPS"); len(l) != 1 {
		t.Errorf("an unknown command was posted: %+v", l)
	}
}

func pageModals(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	var submitted, closed atomic.Int32
	connect(t, s, url, func(a *app, e socketmode.Event) {
		switch d := e.Data.(type) {
		case slack.SlashCommand:
			ack(a, e)
			_, _ = a.api.OpenView(d.TriggerID, modalOf(section("Please fill in."), field("who", "Who"),
				field("why", "Why"), actions("more", plainButton("add", "Add a field"))))
		case slack.InteractionCallback:
			switch d.Type {
			case slack.InteractionTypeBlockActions:
				ack(a, e)
				_, _ = a.api.UpdateView(modalOf(section("One more."), field("who", "Who"), field("why", "Why"),
					field("extra", "Extra")), "", "", d.View.ID)
			case slack.InteractionTypeViewSubmission:
				if submitted.Add(1) == 1 {
					_ = a.sock.Ack(*e.Request, slack.NewErrorsViewSubmissionResponse(
						map[string]string{"who": "Nobody has that name."}))
					return
				}
				next := modalOf(section("The second view"))
				_ = a.sock.Ack(*e.Request, slack.NewPushViewSubmissionResponse(&next))
			case slack.InteractionTypeViewClosed:
				closed.Add(1)
				ack(a, e)
			}
		}
	})
	p := openPage(t, browser, url, "UANA")
	p.say("/do it")
	p.until(`document.querySelector('#modal[open]') && document.activeElement.dataset.block === 'who'`)
	if title := look[string](p, `document.querySelector('#modal-title').innerText`); title != "Hand over" {
		t.Errorf("the modal is titled %q", title)
	}
	p.click("#modal [type=submit]")
	p.until(`document.querySelectorAll('#modal .error').length === 2`)
	if got := look[string](p,
		`(e => document.getElementById(e.getAttribute('aria-describedby').split(' ')[0]).innerText)(document.querySelector('#modal [data-block=who]'))`); !strings.Contains(got, "Please complete this required field.") {
		t.Errorf("the field is described by %q", got)
	}
	p.keys("Nobody" + kb.Tab + "because")
	p.click("#modal [data-action=add]")
	p.until(`document.querySelector('#modal [data-block=extra]')`)
	if who, why := look[string](p, `document.querySelector('#modal [data-block=who]').value`),
		look[string](p, `document.querySelector('#modal [data-block=why]').value`); who != "Nobody" ||
		why != "because" {
		t.Errorf("after views.update the fields hold %q and %q", who, why)
	}
	p.do(chromedp.SendKeys(chromedp.CSS("#modal [data-block=extra]"), "more"))
	p.click("#modal [type=submit]")
	p.sees("#modal .error", "Nobody has that name.")
	p.until(`document.querySelector('#modal [aria-invalid]') === document.activeElement`)
	p.click("#modal [type=submit]")
	p.sees("#modal", "The second view")
	p.click("#modal [aria-label=Back]")
	p.until(`document.querySelector('#modal [data-block=who]')?.value === 'Nobody'`)
	p.keys(kb.Escape)
	p.until(`!document.querySelector('#modal[open]')`)
	wait(t, s, func(*slacksim.Snapshot) bool { return closed.Load() == 2 })
	p.until(`document.activeElement.id === 'text'`)
}

func pageTimeouts(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{AckTimeout: 300 * time.Millisecond})
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		if d, ok := e.Data.(slack.SlashCommand); ok && d.Text == "form" {
			ack(a, e)
			_, _ = a.api.OpenView(d.TriggerID, modalOf(section("No answer follows.")))
		}
	})
	botSays(t, a, "C0OPS", slack.MsgOptionBlocks(section("A card"), actions("b", plainButton("go", "Go on"))))
	p := openPage(t, browser, url, "UANA")
	p.click(".message [data-action=go]")
	p.until(`document.querySelector('.message [data-action=go]').getAttribute('aria-busy')`)
	p.sees(".message .act-error", "did not answer in time (operation_timeout)")
	p.until(`!document.querySelector('.message [data-action=go]').hasAttribute('aria-busy')`)
	p.say("/do nothing")
	p.sees(".message.ephemeral", "operation_timeout")
	p.say("/do form")
	p.until(`document.querySelector('#modal[open]')`)
	p.click("#modal [type=submit]")
	p.sees("#modal .note", "We had some trouble connecting. Try again?")
	s.DropConnections()
}

func pagePeople(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, ack)
	p := openPage(t, browser, url, "UANA")
	badge := func(user string) string {
		return `(document.querySelector('#people [data-action=` + user + `] .badge')?.firstChild.textContent || '')`
	}
	dm := s.OpenDM("UBEN")
	botSays(t, a, dm, slack.MsgOptionText("For Ben", false))
	botSays(t, a, dm, slack.MsgOptionText("Again for Ben", false))
	p.until(badge("UBEN") + ` === '2' && ` + badge("UANA") + ` === ''`)
	must[string](t)(s.Post("UBEN", "C0OPS", "hello all", ""))
	p.sees("#messages .message", "hello all")
	p.until(badge("UBEN") + ` === '2' && ` + badge("UANA") + ` === ''`)
	for user, word := range map[string]string{"UGUS": "guest", "UFAY": "other workspace", "UOLD": "deactivated"} {
		if got := look[string](p, `document.querySelector('#people [data-action=`+user+
			`]').innerText`); !strings.Contains(got, word) {
			t.Errorf("%s is described as %q", user, got)
		}
	}
	p.click("#people [data-action=UBEN]")
	p.sees("#messages .message", "Again for Ben")
	p.sees("#as", "Acting as Ben Ode")
	p.until(badge("UBEN") + ` === ''`)
	p.until(`document.title.startsWith('Ben Ode') || document.title.startsWith('(')`)
	p.click("#people [data-action=UANA]")
	p.sees("#messages .message", "hello all")
	p.do(chromedp.Reload())
	p.until(`document.querySelector('#people [aria-current]')?.dataset.action === 'UANA' && ` + badge("UBEN") +
		` === ''`)
	s.Deactivate("UBEN")
	p.until(`document.querySelector('#people [data-action=UBEN]').disabled`)
}

func pageConfirms(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	var clicks atomic.Int32
	a := connect(t, s, url, func(a *app, e socketmode.Event) { clicks.Add(1); ack(a, e) })
	sure := plainButton("remove", "Remove").WithStyle(slack.StyleDanger).WithConfirm(slack.NewConfirmationBlockObject(
		slack.NewTextBlockObject("plain_text", "Remove it?", false, false), slack.NewTextBlockObject("mrkdwn",
			"This *cannot* be undone.", false, false),
		slack.NewTextBlockObject("plain_text", "Remove it", false, false), slack.NewTextBlockObject("plain_text",
			"Keep it", false, false)))
	botSays(t, a, "C0OPS", slack.MsgOptionBlocks(section("A card"), actions("b", sure)))
	p := openPage(t, browser, url, "UANA")
	p.click(".message [data-action=remove]")
	p.sees("#confirm[open]", "This cannot be undone.")
	p.until(`document.activeElement.innerText === 'Keep it'`)
	p.keys(kb.Enter)
	p.until(`!document.querySelector('#confirm[open]') && document.activeElement.dataset.action === 'remove'`)
	p.keys(kb.Enter)
	p.sees("#confirm[open]", "Remove it?")
	if n := clicks.Load(); n != 0 {
		t.Errorf("%d clicks were sent before anything was confirmed", n)
	}
	p.click("#confirm .danger")
	wait(t, s, func(n *slacksim.Snapshot) bool { return clicks.Load() == 1 })
}

func pageThreads(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, ack)
	ts := botSays(t, a, "C0OPS", slack.MsgOptionText("The card", false))
	botSays(t, a, "C0OPS", slack.MsgOptionText("A reminder", false), slack.MsgOptionTS(ts))
	p := openPage(t, browser, url, "UANA")
	p.sees(".thread-open", "1 reply")
	if look[bool](p, `document.querySelector('#messages').innerText.includes('A reminder')`) {
		t.Error("the reply stands in the conversation")
	}
	p.click(".thread-open")
	p.sees("#thread .message", "A reminder")
	p.until(`document.activeElement.id === 'thread-text'`)
	p.keys("On it" + kb.Enter)
	p.sees("#thread .message", "On it")
	p.sees(".thread-open", "2 replies")
	botSays(t, a, "C0OPS", slack.MsgOptionText("Thank you", false), slack.MsgOptionTS(ts))
	p.sees("#thread .message", "Thank you")
	p.sees("#announcer", "Thank you")
	l := s.Messages("C0OPS")
	if got := l[2]; got.ThreadTS != ts || got.User != "UANA" || got.Text != "On it" {
		t.Errorf("the reply is %+v", got)
	}
	p.keys(kb.Escape)
	p.until(`document.querySelector('#thread').hidden`)
}

func pageEdits(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, ack)
	first := botSays(t, a, "C0OPS", slack.MsgOptionText("first", false))
	second := botSays(t, a, "C0OPS", slack.MsgOptionText("second", false))
	p := openPage(t, browser, url, "UANA")
	p.sees(".message", "second")
	if n := look[int](p, `document.querySelectorAll('.message header').length`); n != 1 {
		t.Errorf("two messages in a row have %d headings", n)
	}
	if _, _, _, err := a.api.UpdateMessage("C0OPS", first, slack.MsgOptionText("changed", false)); err != nil {
		t.Fatal(err)
	}
	p.sees(".message", "changed")
	p.sees(".message", "(edited)")
	if _, _, err := a.api.DeleteMessage("C0OPS", second); err != nil {
		t.Fatal(err)
	}
	p.until(`document.querySelectorAll('.message').length === 1`)
	if _, err := a.api.PostEphemeral("C0OPS", "UANA", slack.MsgOptionText("only Ana", false)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.api.PostEphemeral("C0OPS", "UBEN", slack.MsgOptionText("only Ben", false)); err != nil {
		t.Fatal(err)
	}
	p.sees(".message.ephemeral", "only Ana")
	p.click(".message.ephemeral .linkish")
	p.until(`document.querySelectorAll('.message').length === 1`)
	if look[bool](p, `document.body.innerText.includes('only Ben')`) {
		t.Error("Ana sees what is for Ben")
	}
}

func pageInspector(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, ack)
	p := openPage(t, browser, url, "UANA")
	p.click("#inspect")
	p.sees("#traffic .line", "apps.connections.open")
	p.say("/do secret xoxb-sim")
	p.sees("#traffic .line", "slash command")
	p.sees("#traffic .line", "✓ acknowledged")
	if _, _, err := a.api.PostMessage("CNOWHERE", slack.MsgOptionText("x", false)); err == nil {
		t.Fatal("the channel should not exist")
	}
	p.sees("#traffic .line", "✗ channel_not_found")
	if first := look[string](p, `document.querySelector('#traffic .line').innerText`); !strings.Contains(first,
		"chat.postMessage") || !strings.Contains(first, "ms") || !strings.Contains(first, "from app") {
		t.Errorf("the newest line is %q", first)
	}
	p.do(chromedp.SendKeys(chromedp.CSS("#traffic-filter"), "slash"))
	p.until(`document.querySelectorAll('#traffic .line').length === 1`)
	p.click("#traffic .line")
	p.sees("#traffic .details", "trigger_id")
	if text := look[string](p, `document.querySelector('#traffic .details').textContent`); strings.Contains(text,
		"xoxb-sim") || !strings.Contains(text, "<token>") {
		t.Errorf("a token is shown, or none was left out:\n%s", text)
	}
	p.click("#traffic-pause")
	botSays(t, a, "C0OPS", slack.MsgOptionText("while paused", false))
	p.sees("#traffic-count", "waiting")
	p.click("#traffic-pause")
	p.click("#traffic-clear")
	p.sees("#traffic", "Nothing yet")
	p.keys("i", chromedp.ModifierAlt)
	p.until(`document.querySelector('#inspector').hidden`)
}

// dark says whether the background is darker than the text.
const dark = `((c => c(document.body, 'backgroundColor') < c(document.body, 'color'))((e, k) => Number(getComputedStyle(e)[k].match(/\d+/)[0])))`

func pageColours(t *testing.T, browser context.Context) {
	_, url := workspace(t, slacksim.Options{})
	p := openPage(t, browser, url, "UANA")
	system := func(scheme string) {
		t.Helper()
		if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme",
				Value: scheme}}}); err != nil {
			t.Fatal(err)
		}
	}
	system("dark")
	p.until(dark)
	system("light")
	p.until(`!` + dark)
	p.click("#theme")
	p.until(`document.documentElement.dataset.theme === 'light'`)
	p.click("#theme")
	p.until(dark)
	p.do(chromedp.Reload())
	p.until(`document.documentElement.dataset.theme === 'dark' && ` + dark)
	p.click("#theme")
	p.until(`!` + dark)
}

func pageKeyboard(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	var sent atomic.Value
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		defer ack(a, e) // after the note of what was sent, so that the wait for it is woken
		switch d := e.Data.(type) {
		case slack.SlashCommand:
			_, _ = a.api.OpenView(d.TriggerID, modalOf(field("who", "Who")))
		case slack.InteractionCallback:
			if d.Type == slack.InteractionTypeViewSubmission {
				sent.Store(d.View.State.Values["who"]["who"].Value)
			} else {
				sent.Store(d.ActionCallback.BlockActions[0].ActionID)
			}
		}
	})
	p := openPage(t, browser, url, "UANA")
	p.keys("2", chromedp.ModifierAlt)
	p.sees("#as", "Ben Ode")
	p.keys("k", chromedp.ModifierCtrl)
	p.until(`document.activeElement.id === 'switch-text'`)
	p.keys("ana" + kb.Enter)
	p.sees("#as", "Ana Silva")
	p.keys("k", chromedp.ModifierCtrl)
	p.keys("ops" + kb.Enter)
	p.until(`document.activeElement.id === 'text' && document.querySelector('#title').innerText.includes('ops')`)
	p.keys("/do it" + kb.Enter)
	p.until(`document.querySelector('#modal[open]') && document.activeElement.dataset.block === 'who'`)
	p.keys("Jane" + kb.Enter)
	wait(t, s, func(*slacksim.Snapshot) bool { return sent.Load() == "Jane" })
	p.until(`!document.querySelector('#modal[open]') && document.activeElement.id === 'text'`)
	more := slack.NewOverflowBlockElement("more", slack.NewOptionBlockObject("one",
		slack.NewTextBlockObject("plain_text", "One", false, false), nil), slack.NewOptionBlockObject("two",
		slack.NewTextBlockObject("plain_text", "Two", false, false), nil))
	botSays(t, a, "C0OPS", slack.MsgOptionBlocks(section("A card"), actions("b", plainButton("go", "Go on"), more)))
	p.sees("#messages", "A card")
	for range 12 { // back from the composer over the tools of the message to its buttons
		p.keys(kb.Tab, chromedp.ModifierShift)
		if look[string](p, `document.activeElement.dataset.action || ''`) == "go" {
			break
		}
	}
	p.keys(kb.Enter)
	wait(t, s, func(*slacksim.Snapshot) bool { return sent.Load() == "go" })
	p.keys(kb.Tab + kb.Enter)
	p.until(`document.activeElement.getAttribute('role') === 'menuitem'`)
	p.keys(kb.ArrowDown)
	p.keys(kb.Enter)
	wait(t, s, func(*slacksim.Snapshot) bool { return sent.Load() == "more" })
	p.keys(kb.ArrowDown, chromedp.ModifierAlt)
	p.sees("#as", "Ben Ode")
}

func pageKeys(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{Panel: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(
			`<!doctype html><title>A panel</title><body><button id="one">One</button><button id="two">Two</button>`))
	})})
	for i := range 5 {
		must[string](t)(s.Post("UBEN", "C0OPS", fmt.Sprintf("word %d", i), ""))
	}
	p := openPage(t, browser, url, "UANA")
	p.until(`document.querySelector('#panel-frame').contentDocument?.querySelector('#two')`)
	at := func(css string) { t.Helper(); p.until(`document.activeElement?.matches(` + quote(css) + `)`) }
	p.keys(kb.Tab)
	at(".skip")
	p.keys(kb.Enter)
	at("#text")
	p.keys(kb.F6)
	p.until(`document.activeElement.id === 'panel-frame' && document.activeElement.contentDocument.activeElement.id === 'one'`)
	p.keys(kb.Tab)
	p.keys(kb.F6)
	at("#people [data-action=UANA]")
	p.keys(kb.ArrowDown)
	at("#people [data-action=UBEN]")
	p.keys(kb.End)
	at("#apps [data-action=app]")
	p.keys(kb.ArrowUp)
	p.keys(kb.ArrowDown + kb.Home)
	at("#people [data-action=UANA]")
	p.keys(kb.F6, chromedp.ModifierShift)
	p.until(`document.activeElement.contentDocument?.activeElement.id === 'two'`) // where it was left
	// keys of the page work in the panel, too
	p.keys("/", chromedp.ModifierCtrl)
	p.sees("#keys[open]", "Next or previous part of the page")
	p.keys(kb.Escape)
	p.until(`!document.querySelector('#keys').open`)
	p.keys("2", chromedp.ModifierAlt)
	p.sees("#as", "Ben Ode")
	p.keys("k", chromedp.ModifierCtrl)
	p.keys("ops" + kb.Enter)
	at("#text")
	p.until(`!document.querySelector('.loading')`)
	for range 4 { // over the commands that the beginning of a channel offers
		p.keys(kb.Tab, chromedp.ModifierShift)
		if look[string](p, `document.activeElement.id`) == "messages" {
			break
		}
	}
	at("#messages")
	p.keys(kb.ArrowUp)
	at(".message:last-child")
	p.keys(kb.ArrowUp)
	p.until(`document.activeElement.innerText.includes('word 3')`)
	p.keys(kb.Tab)
	at(".message [aria-label='Reply in thread']")
	p.keys(kb.Enter)
	at("#thread-text")
	p.sees("#thread-messages", "word 3")
	if !look[bool](p, `(at => at('conversation').right <= at('thread').left + 1 && at('conversation').width > 350 && at('thread').width >= 280 && at('thread').right <= at('panel').left)(id => document.getElementById(id).getBoundingClientRect())`) {
		t.Error("at 1280 pixels the thread does not stand between conversation and panel")
	}
	p.keys(kb.F6)
	p.until(`document.activeElement.id === 'panel-frame'`)
	p.keys(kb.F6, chromedp.ModifierShift)
	at("#thread-text")
	p.keys(kb.Escape)
	at(".message [aria-label='Reply in thread']")
}

// longForm is a modal of 100 blocks: a heading, 33 rows of text with a button, a select and an
// input each, as asked for in round n.
func longForm(round int) string {
	blocks := []string{fmt.Sprintf(`{"type":"header","text":{"type":"plain_text","text":"Round %d"}}`, round)}
	for i := range 33 {
		change := 0
		if i == 7 {
			change = round // another question in the same place: what was answered before must not stand there
		}
		blocks = append(blocks,
			fmt.Sprintf(`{"type":"section","block_id":"row%[1]d","text":{"type":"mrkdwn","text":"*person%[1]d@acme.example*, seen in round %[2]d"},"accessory":{"type":"button","action_id":"go%[1]d","text":{"type":"plain_text","text":"Look at %[1]d"},"value":"%[1]d"}}`, i, round),
			fmt.Sprintf(`{"type":"input","block_id":"pick%[1]d","label":{"type":"plain_text","text":"What of %[1]d"},"element":{"type":"static_select","action_id":"pick","options":[{"text":{"type":"plain_text","text":"Keep"},"value":"keep"},{"text":{"type":"plain_text","text":"Remove"},"value":"remove"}]}}`, i),
			fmt.Sprintf(`{"type":"input","optional":true,"block_id":"why%[1]d-%[2]d","label":{"type":"plain_text","text":"Why %[1]d"},"element":{"type":"plain_text_input","action_id":"why","initial_value":"as of %[2]d"}}`, i, change))
	}
	return `{"type":"modal","callback_id":"long","private_metadata":"page 1","title":{"type":"plain_text","text":"Long form"},"submit":{"type":"plain_text","text":"Save"},"blocks":[` + strings.Join(blocks, ",") + `]}`
}

func pageLongForm(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	acts := make(chan slack.InteractionCallback, 20)
	round := 0
	connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		switch d := e.Data.(type) {
		case slack.SlashCommand:
			_, _ = do(t, request(t, "POST", url+"/api/views.open?token=xoxb-sim", "application/json",
				`{"trigger_id":`+quote(d.TriggerID)+`,"view":`+longForm(0)+`}`))
		case slack.InteractionCallback:
			acts <- d
			if d.Type == slack.InteractionTypeBlockActions {
				round++
				_, _ = do(t, request(t, "POST", url+"/api/views.update?token=xoxb-sim", "application/json",
					`{"view_id":`+quote(d.View.ID)+`,"hash":`+quote(d.View.Hash)+`,"view":`+longForm(round)+`}`))
			}
		}
	})
	p := openPage(t, browser, url, "UANA")
	p.say("/do it")
	p.until(`document.querySelectorAll('#modal[open] .block').length === 100`)
	if !look[bool](p, `(d => { const b = d.querySelector('.body'), f = d.querySelector('.buttons').getBoundingClientRect(), h = d.querySelector('header').getBoundingClientRect(); return b.scrollHeight > b.clientHeight * 2 && f.bottom <= innerHeight && h.top >= 0; })(document.querySelector('#modal'))`) {
		t.Error("the form does not scroll inside its frame")
	}
	// What of 20: chosen and explained; then its button is pressed, by keys.
	p.do(chromedp.Focus(chromedp.CSS("#modal [data-block='pick20']")))
	p.keys(kb.ArrowDown + kb.ArrowDown + kb.Tab + kb.End + " and more")
	p.do(chromedp.Focus(chromedp.CSS("#modal [data-block='why7-0']")))
	p.keys(kb.End + " and forgotten")
	p.do(chromedp.Focus(chromedp.CSS("#modal [data-action='go20']")))
	at := look[float64](p, `document.querySelector('#modal .body').scrollTop`)
	p.keys(kb.Enter)
	d := <-acts
	values := d.View.State.Values
	if d.Container.Type != "view" || d.Container.ViewID != d.View.ID || d.View.PrivateMetadata != "page 1" ||
		d.View.RootViewID != d.View.ID || d.View.Hash == "" || len(values) != 66 {
		t.Errorf("container %+v, view %s %q %q with %d values", d.Container, d.View.ID, d.View.PrivateMetadata,
			d.View.Hash, len(values))
	}
	if values["pick20"]["pick"].SelectedOption.Value != "remove" ||
		values["why20-0"]["why"].Value != "as of 0 and more" || values["why3-0"]["why"].Value != "as of 0" {
		t.Errorf("the values are %+v %+v", values["pick20"], values["why20-0"])
	}
	p.sees("#modal", "Round 1")
	p.until(`document.activeElement.dataset.action === 'go20'`)
	if got := look[float64](p, `document.querySelector('#modal .body').scrollTop`); got < at-2 || got > at+2 {
		t.Errorf("scrolled from %v to %v", at, got)
	}
	for css, want := range map[string]string{"[data-block='pick20']": "remove",
		"[data-block='why20-0']": "as of 0 and more", "[data-block='why7-1']": "as of 1"} {
		if got := look[string](p, `document.querySelector("#modal `+css+`").value`); got != want {
			t.Errorf("%s holds %q, want %q", css, got, want)
		}
	}
	// Typing goes on while an update comes, in a field that stays and in one that goes.
	p.do(chromedp.Focus(chromedp.CSS("#modal [data-block='why20-0']")))
	p.keys(kb.Home + "Now: ")
	view := s.Views("UANA")[0]
	_, _ = do(t, request(t, "POST", url+"/api/views.update?token=xoxb-sim", "application/json",
		`{"view_id":`+quote(view.ID)+`,"view":`+longForm(2)+`}`))
	p.sees("#modal", "Round 2")
	p.keys("still ")
	p.until(`document.activeElement.value === 'Now: still as of 0 and more'`)
	p.do(chromedp.Focus(chromedp.CSS("#modal [data-block='why7-2']")))
	_, _ = do(t, request(t, "POST", url+"/api/views.update?token=xoxb-sim", "application/json",
		`{"view_id":`+quote(view.ID)+`,"view":`+longForm(3)+`}`))
	p.until(`document.activeElement.id === 'modal-title'`)
	p.keys(kb.Enter, chromedp.ModifierCtrl)
	p.until(`document.querySelectorAll('#modal .error').length === 32 && document.activeElement.dataset.block === 'pick0'`)
	p.keys(kb.Escape)
	p.until(`!document.querySelector('#modal[open]')`)
}

func pageFilesAndMany(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	acts := make(chan slack.InteractionCallback, 20)
	var options []*slack.OptionBlockObject
	for i := range 30 {
		options = append(options, slack.NewOptionBlockObject(fmt.Sprintf("o%d", i),
			slack.NewTextBlockObject("plain_text", fmt.Sprintf("Flow %02d", i), false, false), nil))
	}
	most := 3
	many := slack.NewOptionsMultiSelectBlockElement("multi_static_select", slack.NewTextBlockObject("plain_text",
		"Choose flows", false, false), "many", options...)
	many.MaxSelectedItems, many.InitialOptions = &most, options[4:5]
	connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		switch d := e.Data.(type) {
		case slack.SlashCommand:
			text := func(s string) *slack.TextBlockObject {
				return slack.NewTextBlockObject("plain_text", s, false, false)
			}
			word := field("word", "Word")
			word.DispatchAction = true
			if _, err := a.api.OpenView(d.TriggerID, modalOf(slack.NewInputBlock("many", text("Flows"), nil, many),
				slack.NewInputBlock("proof", text("Proof"), nil,
					slack.NewFileInputBlockElement("proof").WithFileTypes("csv").WithMaxFiles(1)), word)); err != nil {
				t.Errorf("open the form: %v", err)
			}
		case slack.InteractionCallback:
			acts <- d
		}
	})
	p := openPage(t, browser, url, "UANA")
	p.say("/do it")
	p.until(`document.activeElement.getAttribute('role') === 'combobox' && document.activeElement.dataset.block === 'many'`)
	p.sees("#modal .chips", "Flow 04")
	p.keys("flow 1") // ten of them
	p.until(`document.querySelectorAll('#modal [role=option]').length === 10`)
	p.keys(kb.ArrowDown + kb.Enter) // the second
	p.sees("#modal .chips", "Flow 11")
	p.until(`document.querySelectorAll('#modal [role=option]').length === 30`) // the search is over
	p.keys(kb.ArrowDown + kb.Enter)
	p.sees("#modal .chips", "Flow 12")
	p.sees("#modal .hint", "3 of at most 3 chosen")
	p.keys(kb.ArrowDown + kb.Enter) // one too many
	p.keys(kb.Escape)
	p.until(`document.querySelector('#modal[open]') && document.querySelector('#modal .choices-list').hidden`)
	p.keys(kb.Backspace)
	p.keys(kb.ArrowLeft + kb.ArrowLeft + kb.Delete) // the first of the two that are left
	p.until(`document.querySelectorAll('#modal .chips li').length === 1`)
	if got := look[string](p, `document.querySelector('#modal .chips').innerText.trim()`); got != "Flow 11" {
		t.Errorf("left is %q", got)
	}

	dir := t.TempDir()
	for name, text := range map[string]string{"rows.csv": "a,b\n", "picture.png": "x", "more.csv": "c"} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.until(`(e => e.accept === '.csv' && !e.multiple && e.labels[0].innerText === 'Proof' && e.tabIndex === 0)(document.querySelector('#modal input[type=file]'))`)
	pick := func(name string) {
		t.Helper()
		p.do(chromedp.SetUploadFiles(chromedp.CSS("#modal input[type=file]"), []string{dir + "/" + name}))
	}
	pick("picture.png")
	p.sees("#modal .file-field .error", "picture.png is not of a type that is taken here.")
	pick("rows.csv")
	p.sees("#modal .files", "rows.csv")
	pick("more.csv")
	p.sees("#modal .file-field .error", "Only one file may be added")
	p.do(chromedp.Focus(chromedp.CSS("#modal [data-block=word]")))
	p.keys("one" + kb.Tab) // leaving a field tells nothing
	p.do(chromedp.Focus(chromedp.CSS("#modal [data-block=word]")))
	p.keys(" two" + kb.Enter)
	d := <-acts
	if d.Type != slack.InteractionTypeBlockActions || d.ActionCallback.BlockActions[0].Value != "one two" {
		t.Errorf("told was %s %+v", d.Type, d.ActionCallback.BlockActions)
	}
	for _, v := range []slack.InteractionCallback{d, submitted(p, acts)} {
		values := v.View.State.Values
		if l := values["many"]["many"].SelectedOptions; len(l) != 1 || l[0].Value != "o11" {
			t.Errorf("%s: chosen are %+v", v.Type, l)
		}
		if l := values["proof"]["proof"].Files; len(l) != 1 || l[0].Name != "rows.csv" || l[0].Size != 4 ||
			l[0].User != "UANA" {
			t.Errorf("%s: the files are %+v", v.Type, l)
		}
	}
}

// submitted presses the modal's button and answers what the app got.
func submitted(p *tab, acts <-chan slack.InteractionCallback) slack.InteractionCallback {
	p.t.Helper()
	p.until(`!document.querySelector('#modal [aria-busy]')`)
	p.click("#modal [type=submit]")
	p.until(`!document.querySelector('#modal[open]')`)
	return <-acts
}

func pageHostile(t *testing.T, browser context.Context) {
	bad := []string{`<script>window.hacked=1</script>`, `<img src=x onerror="window.hacked=2">`,
		`"><svg onload=window.hacked=3>`, `<javascript:window.hacked=4|click>`,
		`<data:text/html,<script>window.hacked=5</script>|click>`,
		`&lt;img src=x onerror=window.hacked=6&gt;`, "```<script>window.hacked=7</script>```",
		`<!date^1^{date}^javascript:window.hacked=8|x>`, `<@U"onmouseover=window.hacked=9>`}
	s, url := workspace(t, slacksim.Options{BotName: `<img src=x onerror="window.hacked=10">`})
	s.AddUser(slacksim.User{ID: "UBAD", Name: "bad", RealName: bad[1], Title: bad[0]})
	s.AddChannel(slacksim.Channel{ID: "C0BAD", Name: `x"><script>window.hacked=11</script>`,
		Members: []string{"UANA", "U0BOT", "UBAD"}})
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		if d, ok := e.Data.(slack.SlashCommand); ok {
			m := modalOf(section(strings.Join(bad, "\n")))
			m.Title.Text = `<svg onload=hacked=12>`
			_, _ = a.api.OpenView(d.TriggerID, m)
		}
	})
	p := openPage(t, browser, url, "UANA")
	p.click("#channels [data-action=C0BAD]")
	for _, text := range bad {
		must[string](t)(s.Post("UBAD", "C0BAD", text, ""))
		botSays(t, a, "C0BAD", slack.MsgOptionText(text, false), slack.MsgOptionBlocks(section(text),
			slack.NewMarkdownBlock("", text+"\n\n[x](javascript:window.hacked=13)"),
			slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionTextElement(text, nil),
				slack.NewRichTextSectionLinkElement("javascript:window.hacked=14", text, nil))),
			actions("", plainButton("a", cutTo(text, 75)))))
	}
	botSays(t, a, "C0BAD", slack.MsgOptionText("the last", false))
	p.sees(".message", "the last")
	p.click("#inspect")
	p.say("/raw x")
	p.sees("#modal", "<script>")
	p.sees("#traffic", "chat.postMessage")
	if got := look[string](p, `String(window.hacked)`); got != "undefined" {
		t.Errorf("a text ran as code: %s", got)
	}
	if n := look[int](p,
		`document.querySelectorAll('#messages script, #messages img, #modal script, #modal img, [onerror], [onload], a[href^="javascript:" i], a[href^="data:" i]').length`); n != 0 {
		t.Errorf("%d elements came out of texts", n)
	}
	if !look[bool](p, `document.querySelector('#messages').innerText.includes('<script>window.hacked=1</script>')`) {
		t.Error("the text is not shown as it was written")
	}
}

func cutTo(s string, n int) string { return s[:min(n, len(s))] }

func pageBlocks(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, ack)
	p := openPage(t, browser, url, "UANA")
	blocks := `[{"type":"header","text":{"type":"plain_text","text":"Heading :key:"}},{"type":"divider"},
	{"type":"section","fields":[{"type":"mrkdwn","text":"*Owner*\njane"},{"type":"plain_text","text":"plain *not bold*"}]},
	{"type":"section","text":{"type":"mrkdwn","text":"*b* _i_ ~s~ <@UBEN> <#C0OPS> <!subteam^S0HOLD> <!here> <https://x.example|site> <!date^0^{date_num}|never>\n> quoted\n• point"}},
	{"type":"context","elements":[{"type":"mrkdwn","text":"small"}]},
	{"type":"image","image_url":"https://pictures.example/a.png","alt_text":"A far picture"},{"type":"image","image_url":"` + url + `/icon.svg","alt_text":"A near picture"},
	{"type":"rich_text","elements":[{"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"first","style":{"bold":true}}]}]},{"type":"rich_text_preformatted","elements":[{"type":"text","text":"pre"}]},{"type":"rich_text_quote","elements":[{"type":"text","text":"q"}]}]},
	{"type":"table","rows":[[{"type":"raw_text","text":"H"}],[{"type":"raw_text","text":"cell"}]]},
	{"type":"markdown","text":"# Title\n**strong**\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |"},
	{"type":"plan","title":"x","tasks":[{"task_id":"1","title":"a task","status":"complete"}]},
	{"type":"card","title":{"type":"mrkdwn","text":"a card"},"actions":[{"type":"button","action_id":"enjoy","text":{"type":"plain_text","text":"Enjoy"}}]},
	{"type":"container","title":{"type":"plain_text","text":"a box"},"child_blocks":[{"type":"header","text":{"type":"plain_text","text":"inside"}}]},
	{"type":"data_table","caption":"scores","rows":[[{"type":"raw_text","text":"Name"}],[{"type":"raw_text","text":"Alice"}]]},
	{"type":"call"}]`
	_, res := do(t, request(t, "POST", url+"/api/chat.postMessage?token=xoxb-sim", "application/json; charset=utf-8",
		`{"channel":"C0OPS","text":"all","blocks":`+blocks+`}`))
	if res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	for css, text := range map[string]string{"h3": "Heading 🔑", ".fields": "plain *not bold*", ".section strong": "b",
		".section em": "i", ".section s": "s", ".mention": "@Ben Ode", ".section a": "site",
		".section time": "1970-01-01", "blockquote": "quoted", ".bullet": "point", ".context": "small",
		".picture a": "A far picture", "ol li strong": "first", "pre": "pre", "td": "cell",
		".markdown strong": "strong", ".markdown li": "b",
		".block-plan strong": "a task", ".block-card button": "Enjoy", ".block-container h3": "inside",
		".block-data_table caption": "scores", ".unknown": "call"} {
		p.sees(".message "+css, text)
	}
	for _, name := range []string{"#ops", "@holders", "@here"} {
		p.sees(".message .mention", name)
	}
	p.until(`[...document.images].every(i => i.src.startsWith(location.origin) && i.complete && i.naturalWidth > 0) && document.images.length === 1`)
	up, err := a.api.UploadFile(slack.UploadFileParameters{Content: "a,b\n", Filename: "rows.csv", FileSize: 4,
		Channel: "C0OPS", Title: "Rows"})
	if err != nil {
		t.Fatal(err)
	}
	p.sees(".message a.file", "Rows")
	if href := look[string](p, `document.querySelector('a.file').getAttribute('href')`); href != "/files/"+up.ID {
		t.Errorf("the file is at %s", href)
	}
	if errs := s.Messages("C0OPS"); len(errs) != 2 {
		t.Errorf("%d messages", len(errs))
	}
}

// pageTable: a column of numbers is sorted as numbers, by the keyboard as well; who hears the page hears how.
func pageTable(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	connect(t, s, url, ack)
	p := openPage(t, browser, url, "UANA")
	rows := `[{"type":"raw_text","text":"Name"},{"type":"raw_text","text":"Left"}]`
	for i := range 12 {
		rows += fmt.Sprintf(`,[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text",`+
			`"text":"user%d"}]}]},{"type":"raw_number","value":%d}]`, i, i*7%12)
	}
	do(t, request(t, "POST", url+"/api/chat.postMessage?token=xoxb-sim", "application/json; charset=utf-8",
		`{"channel":"C0OPS","text":"all","blocks":[{"type":"data_table","caption":"Who has what left","page_size":10,"rows":[`+
			rows+`]}]}`))
	shows := func(first, said string) {
		t.Helper()
		p.until(`document.querySelector('.data-table tbody th')?.innerText === ` + quote(first) +
			` && document.querySelector('.data-table [role=status]').innerText === ` + quote(said))
	}
	shows("user0", "1 to 10 of 12")
	p.click(".turning button:last-child")
	shows("user10", "11 to 12 of 12")
	p.click(".data-table thead th:nth-child(2) button")
	shows("user0", "1 to 10 of 12") // 0
	p.keys(" ")                     // the head has the focus
	shows("user5", "1 to 10 of 12") // 11
	if look[string](p, `document.querySelector('.data-table [aria-sort]').getAttribute('aria-sort')`) != "descending" {
		t.Error("how it is sorted is not said")
	}
	p.click(".data-table input")
	p.keys("user1")
	shows("user10", "1 to 3 of 3")
	p.keys("x")
	p.until(`document.querySelector('.data-table [role=status]').innerText === 'No row has that.'`)
}

func pageHome(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	var clicked atomic.Value
	connect(t, s, url, func(a *app, e socketmode.Event) {
		defer ack(a, e)
		if d, ok := e.Data.(slack.InteractionCallback); ok {
			clicked.Store(d.ActionCallback.BlockActions[0].ActionID)
			publish(a, "UANA", "Now it is pressed")
			return
		}
		publish(a, "UANA", "Welcome home")
	})
	p := openPage(t, browser, url, "UANA")
	p.click("#apps button")
	p.click("#tab-home")
	p.sees("#home", "Welcome home")
	p.click("#home [data-action=press]")
	p.sees("#home", "Now it is pressed")
	wait(t, s, func(*slacksim.Snapshot) bool { return clicked.Load() == "press" })
	p.until(`document.activeElement.dataset.action === 'press'`)
	p.click("#tab-messages")
	p.until(`document.querySelector('#home').hidden && !document.querySelector('#composer').hidden`)
}

func publish(a *app, user, text string) {
	_, _ = a.api.PublishViewContext(context.Background(), slack.PublishViewContextRequest{UserID: user,
		View: slack.HomeTabViewRequest{Type: slack.VTHomeTab,
			Blocks: slack.Blocks{BlockSet: []slack.Block{section(text), actions("b", plainButton("press", "Press"))}}}})
}

// maxNodes bounds what a long conversation may put into the page: 240 messages of about 12 elements.
const maxNodes = 5000

func pageCrowded(t *testing.T, browser context.Context) {
	s, url := workspace(t, slacksim.Options{})
	// without the app, to which nothing has to be told
	s.AddChannel(slacksim.Channel{ID: "C0BIG", Name: "big", Members: []string{"UANA", "UBEN"}})
	for i := range 5000 {
		must[string](t)(s.Post("UBEN", "C0BIG", fmt.Sprintf("message number %d", i), ""))
	}
	start := time.Now()
	p := openPage(t, browser, url, "UANA")
	p.click("#channels [data-action=C0BIG]")
	p.sees(".message", "message number 4999")
	opened := time.Since(start)
	nodes := func() int { return look[int](p, `document.querySelectorAll('*').length`) }
	if n := nodes(); n > maxNodes {
		t.Errorf("%d elements after opening", n)
	}
	start = time.Now()
	must[string](t)(s.Post("UBEN", "C0BIG", "the newest", ""))
	p.sees(".message", "the newest")
	t.Logf("5,000 messages: opened in %v, a new one shown after %v, %d elements", opened.Round(time.Millisecond),
		time.Since(start).Round(time.Millisecond), nodes())
	p.until(`document.querySelector('#messages').scrollTop + document.querySelector('#messages').clientHeight > document.querySelector('#messages').scrollHeight - 90`)
	first := func() string { return look[string](p, `document.querySelector('.message').dataset.ts`) }
	for range 6 {
		was := first()
		look[any](p, `document.querySelector('#messages').scrollTop = 0`)
		p.until(`document.querySelector('.message').dataset.ts < ` + quote(was))
	}
	if n := nodes(); n > maxNodes {
		t.Errorf("%d elements after scrolling far up", n)
	}
	if look[bool](p, `document.querySelector('#messages').innerText.includes('the newest')`) {
		t.Error("the newest message is still in the page after scrolling far up")
	}
	must[string](t)(s.Post("UBEN", "C0BIG", "unseen", ""))
	p.sees("#jump", "1 new message")
	p.click("#jump")
	p.sees(".message", "unseen")
}

func pageNarrow(t *testing.T, browser context.Context) {
	_, url := workspace(t, slacksim.Options{PanelURL: "/icon.svg", PanelTitle: "Outside"})
	p := openPage(t, browser, url, "UANA")
	p.until(`!document.querySelector('#panel').hidden`)
	p.do(chromedp.EmulateViewport(400, 800))
	p.until(`document.querySelector('#panel').hidden && getComputedStyle(document.querySelector('#sidebar')).visibility === 'hidden'`)
	p.click("#sidebar-toggle")
	p.until(`getComputedStyle(document.querySelector('#sidebar')).visibility === 'visible' && document.activeElement.dataset.action === 'UANA'`)
	p.keys(kb.Escape)
	p.until(`getComputedStyle(document.querySelector('#sidebar')).visibility === 'hidden'`)
	p.click("#panel-toggle")
	p.until(`!document.querySelector('#panel').hidden`)
	if over := look[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("the page is %d pixels too wide", over)
	}
}
