package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// toursTo waits until the panel shows that step as the one to do now.
func (p *page) toursTo(title string) {
	p.t.Helper()
	p.until("the tour's step "+title, func() bool {
		return ask[bool](p, script(
			fmt.Sprintf(`[...everything(document, 0, 0, 0)].some(({ e }) => e.getAttribute('aria-current') === 'step' && text(e.textContent).includes(%s))`, quoted(title))))
	})
}

func TestTheTourIsDoneOnThePageByMouse(t *testing.T) {
	p := open(t, start(t, options{}))
	p.toursTo("Ask for a transfer")
	p.actAs("Dee Okafor")
	p.room("integration-ops")
	p.said("/io transfer")
	p.choose("shared mailbox", aliasEmail)
	p.click("button", "^Ask for it$")
	p.until("the mark at the reason, without which nothing is taken", func() bool {
		return ask[bool](p, `Boolean(document.querySelector('[aria-invalid="true"]'))`)
	})
	p.typed("^Why", "Jane leaves on 5 December")
	p.click("button", "^Ask for it$")
	p.toursTo("See a refusal")

	p.actAs("Gus Lind")
	p.room("general")
	p.said("/io transfer")
	p.sees("guests cannot use Keyholder. Nothing was recorded")
	p.toursTo("Make the mailbox a user")

	p.actAs("Ana Silva")
	p.chat()
	p.click("button", "^I'm on it$")
	p.click("button", "^Go to the mail$")
	p.click("button", "^Sign up and accept$")
	p.click("tab", "^Tour$")
	p.toursTo("Let time pass")

	p.click("button", "^\\+1 day$")
	p.sees("1 day ahead")
	p.click("button", "^\\+1 day$")
	p.sees("2 days ahead")
	// before one's eyes, whoever one acts as
	p.sees("What was due .*Ana Silva, Ben Novak, Cat Ito: Still open: Hand Acme Production")
	p.actAs("Ben Novak")
	p.chat()
	p.sees("Still open: Hand Acme Production|1 reply")
	p.toursTo("Have two people confirm")

	p.click("button", "^Confirm$")
	p.actAs("Ana Silva")
	p.chat()
	p.click("button", "^Confirm$")
	p.until("the invitation or the cool-down", func() bool { return p.toured().Current >= 5 })
	p.click("button", "^\\+1 hour$")
	p.toursTo("Become the owner")

	p.click("button", "^Go to the mail$")
	p.click("button", "^Accept as the new owner$")
	p.click("tab", "^Tour$")
	p.toursTo("Finish")

	p.actAs("Jane Moreau")
	p.chat()
	p.sees("Acme Production now belongs to " + aliasEmail)
	p.actAs("Ana Silva")
	p.chat()
	p.click("button", "^Finish…$")
	p.click("button", "^Finish$")
	p.toursTo("Read the record")

	p.actAs("Dee Okafor")
	p.room("integration-ops")
	p.said("/io audit " + p.tourID())
	p.sees("All done\\.")
	if got := p.account().Snapshot().Owner.Email; got != aliasEmail {
		t.Errorf("the owner is %s", got)
	}
	p.quiet()
}

// farthest is the most presses of Tab between two things that somebody does one after the other.
const farthest = 28

// tabTo presses Tab until something has the focus; with a modifier, Shift+Tab.
func (p *page) tabTo(role, name string, back ...chromedp.Modifier) {
	p.t.Helper()
	p.newest()
	there := script(fmt.Sprintf(`(e => Boolean(e) && called(e, %s, %s))(focused())`, quoted(role), quoted(name)))
	p.until(fmt.Sprintf("a %s named %s", role, name), func() bool {
		return ask[bool](p, script(fmt.Sprintf("Boolean(find(%s, %s, true))", quoted(role), quoted(name))))
	})
	for range farthest + 1 {
		if ask[bool](p, there) {
			return
		}
		p.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(back...)))
	}
	p.t.Fatalf("%d presses of Tab do not lead to the %s %s; the focus is on %s\n%s", farthest, role, name, p.focus(),
		p.everything())
}

// focus says what has the focus.
func (p *page) focus() string {
	return ask[string](p,
		script(`(e => e ? roleOf(e) + ' ' + nameOf(e) + ' ' + e.outerHTML.slice(0, 200) : 'nothing')(focused())`))
}

// key goes somewhere by Tab and presses Enter.
func (p *page) key(role, name string, back ...chromedp.Modifier) {
	p.t.Helper()
	p.tabTo(role, name, back...)
	p.do(chromedp.KeyEvent(kb.Enter))
}

// part presses F6 until the focus is in a part of the page.
func (p *page) part(id string) {
	p.t.Helper()
	for range 6 {
		if ask[bool](p, fmt.Sprintf(`document.getElementById(%s).contains(document.activeElement)`, quoted(id))) {
			return
		}
		p.do(chromedp.KeyEvent(kb.F6))
	}
	p.t.Fatalf("F6 does not lead to %s; the focus is on %s", id, p.focus())
}

// becomes goes to the people by F6, to a person by the arrows, and presses Enter.
func (p *page) becomes(name string) {
	p.t.Helper()
	p.part("sidebar")
	p.do(chromedp.KeyEvent(kb.Home))
	for range 20 {
		if ask[bool](p, script(fmt.Sprintf(`nameOf(focused()).startsWith(%s)`, quoted(name)))) {
			p.do(chromedp.KeyEvent(kb.Enter))
			p.sees("Acting as " + name)
			return
		}
		p.do(chromedp.KeyEvent(kb.ArrowDown))
	}
	p.t.Fatalf("the arrows do not lead to %s; the focus is on %s", name, p.focus())
}

// jumps goes to a conversation by Ctrl+K and its first letters; the focus is then where one writes.
func (p *page) jumps(name string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	p.tabTo("combobox", "^Jump to")
	p.do(chromedp.KeyEvent(name + kb.Enter))
	p.tabTo("textbox", "^Message")
}

// answers goes to the person's card and presses a button on it.
func (p *page) answers(name string) {
	p.t.Helper()
	p.jumps("keyholder")
	p.key("button", name, chromedp.ModifierShift) // back from where one writes to the newest card
}

// inPanel presses a button of the panel.
func (p *page) inPanel(name string) {
	p.t.Helper()
	p.part("panel")
	p.key("button", name)
}

// lookAtTour shows the tour, from another tab of the panel.
func (p *page) lookAtTour() {
	p.t.Helper()
	p.part("panel")
	p.tabTo("tab", "^(Tour|integrator.io|Meddle)$", chromedp.ModifierShift)
	p.do(chromedp.KeyEvent(kb.Home))
}

func TestTheTourIsDoneOnThePageByKeysAlone(t *testing.T) {
	p := open(t, start(t, options{}))
	p.becomes("Dee Okafor")
	p.jumps("integration-ops")
	p.do(chromedp.KeyEvent("/io transfer" + kb.Enter))
	p.tabTo("combobox", "shared mailbox")
	p.do(chromedp.KeyEvent(kb.ArrowDown))
	p.tabTo("textbox", "^Why")
	p.do(chromedp.KeyEvent("Jane leaves on 5 December"))
	p.key("button", "^Ask for it$")
	p.ticks("ask")

	p.becomes("Gus Lind")
	p.jumps("general")
	p.do(chromedp.KeyEvent("/io transfer" + kb.Enter))
	p.sees("guests cannot use Keyholder. Nothing was recorded")
	p.ticks("ask refused")

	p.becomes("Ana Silva")
	p.jumps("keyholder")
	p.sees("was invited as a user") // a press on a card that changes meanwhile is refused
	p.answers("^I'm on it$")
	p.inPanel("^Go to the mail$")
	p.key("button", "^Sign up and accept$")
	p.untilTicked("ask refused member")
	p.lookAtTour()
	p.ticks("ask refused member")

	p.inPanel("^Go to the time$")
	p.key("button", "^\\+1 day$")
	p.sees("1 day ahead")
	p.do(chromedp.KeyEvent(" "))
	p.sees("2 days ahead")
	p.becomes("Ben Novak")
	p.answers("1 reply")
	p.sees("Thread keyholder.*Still open: Hand Acme Production")
	p.ticks("ask refused member reminded")
	p.do(chromedp.KeyEvent(kb.Escape)) // closes the thread; the focus is again where it was opened
	p.tabTo("button", "1 reply")

	p.key("button", "^Confirm$", chromedp.ModifierShift)
	p.becomes("Ana Silva")
	p.answers("^Confirm$")
	p.until("the confirmations", func() bool { return p.toured().Steps[4].Done })
	p.inPanel("^Go to the time$")
	p.key("button", "^\\+1 hour$", chromedp.ModifierShift)
	p.ticks("ask refused member reminded confirmed invited")

	p.key("button", "^Go to the mail$")
	p.key("button", "^Accept as the new owner$")
	p.untilTicked("ask refused member reminded confirmed invited owner")
	p.lookAtTour()
	p.ticks("ask refused member reminded confirmed invited owner")

	p.becomes("Jane Moreau")
	p.jumps("keyholder")
	p.sees("Acme Production now belongs to " + aliasEmail)
	p.becomes("Ana Silva")
	p.answers("^Finish…$")
	p.tabTo("checkbox", "second holder has signed in")
	p.do(chromedp.KeyEvent(" "))
	p.tabTo("checkbox", "Celigo support")
	p.do(chromedp.KeyEvent(" "))
	p.key("button", "^Finish$")
	p.ticks("ask refused member reminded confirmed invited owner finished")

	p.becomes("Dee Okafor")
	p.jumps("integration-ops")
	p.do(chromedp.KeyEvent("/io audit " + p.tourID() + kb.Enter))
	p.sees("Finished by @?Ana Silva: 3 points done, 3 points open")
	p.ticks("ask refused member reminded confirmed invited owner finished audited")
	p.sees("All done\\.")
	if got := p.account().Snapshot().Owner.Email; got != aliasEmail {
		t.Errorf("the owner is %s", got)
	}
	p.quiet()
}

// ticks waits until exactly these steps are done, and until each of them can be seen ticked in the panel.
func (p *page) ticks(ids string) {
	p.t.Helper()
	p.untilTicked(ids)
	var titles []string
	for _, s := range p.toured().Steps {
		if s.Done {
			titles = append(titles, s.Title)
		}
	}
	raw, err := json.Marshal(titles)
	if err != nil {
		p.t.Fatal(err)
	}
	p.until("the panel to tick "+ids, func() bool {
		return ask[bool](p, fmt.Sprintf(
			`(done => JSON.stringify(done) === %s)([...document.querySelector('#panel-frame').contentDocument.querySelectorAll('#tour .step.done .name')].filter(e => e.checkVisibility()).map(e => e.firstChild.data))`, quoted(string(raw))))
	})
}

func TestAFreshWorldBeginsAtTheSameAddress(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	started, done := make(chan *demo, 2), make(chan error, 1)
	go func() {
		done <- worlds(ctx, options{listen: "127.0.0.1:0", integratorListen: "127.0.0.1:0", seed: 3, edit: quick},
			func(d *demo) { started <- d })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the worlds ended with %v", err)
		}
	})
	world := func() *stage {
		t.Helper()
		select {
		case d := <-started:
			s := &stage{demo: d, t: t, ctx: ctx, edit: quick}
			s.until("the bot to connect", func() bool { return s.slack.Connections() > 0 })
			return s
		case err := <-done:
			done <- err
			t.Fatalf("no world: %v", err)
		case <-time.After(patience):
			t.Fatal("no world begins")
		}
		return nil
	}
	s := world()
	p := open(t, s)
	s.request(dee, toAlias())
	s.press(ana, "transfer.claim")
	s.signUp(aliasEmail)
	s.press(ana, "transfer.confirm")
	s.press(ben, "transfer.confirm")
	s.until("the invitation", func() bool { return s.toured().Steps[5].Done })
	s.acceptOwnership(aliasEmail)
	s.press(ana, "transfer.settle")
	s.until("the modal", func() bool { return len(s.slack.Views(ana)) > 0 })
	if _, err := s.slack.SubmitView(s.ctx, ana, s.slack.Views(ana)[0].ID, nil); err != nil {
		t.Fatal(err)
	}
	s.until("the end", func() bool { return s.toured().Steps[7].Done })
	p.click("button", "^Restart$")
	p.sees("The mailbox owns the account already")
	p.click("button", "^Start a fresh world…$")
	p.sees("Everything that happened here is gone then")
	p.click("button", "^Keep this one$")
	p.click("button", "^Start a fresh world…$")
	if got := s.account().Snapshot().Owner.Email; got != aliasEmail {
		t.Errorf("nobody said yes, and %s owns the account", got)
	}
	p.click("button", "^Yes, start afresh$")
	next := world()
	p.stage = next
	if next.slackListener.Addr().String() != s.slackListener.Addr().String() {
		t.Errorf("the address moved from %s to %s", s.slackListener.Addr(), next.slackListener.Addr())
	}
	p.toursTo("Ask for a transfer")
	p.until("a tour without ticks and notes", func() bool {
		return !p.shows("owns the account already") && !p.shows("Asked: hand")
	})
	if got := next.account().Snapshot().Owner.Email; got != ownerEmail || ticked(next.toured()) != "" {
		t.Errorf("in the fresh world %s owns the account, and done is %q", got, ticked(next.toured()))
	}
	next.request(dee, toAlias()) // the bot of this world remembers nothing, and works
	next.untilTicked("ask")

	p.sees("More to try")
	p.click("button", "^Nobody can open the mailbox…$")
	p.sees("Everything that happened here is gone then")
	p.shot("tour-choice")
	p.click("button", "^Yes, start afresh$")
	p.stage = world()
	p.toursTo("Report that nobody gets in")
	if got := p.account().Snapshot().Owner.Email; got != aliasEmail || !p.integrator.MailboxOff(aliasEmail) {
		t.Errorf("in the world of the tour %s owns the account", got)
	}
	p.sees("Jane leaves…")
}

func TestMeddlingIsSeenAtIntegratorAndKeepsTheFocus(t *testing.T) {
	p := open(t, start(t, options{faults: true, seed: 7}))
	p.sees("misbehave on purpose \\(seed 7\\)")
	p.click("tab", "^Meddle$")
	p.key("button", "^One error more in New orders$")
	errors := func() int { return p.account().Snapshot().Environments[0].Integrations[0].Flows[0].Errors }
	p.until("four errors", func() bool { return errors() == 4 })
	p.until("four errors in the panel", func() bool { return p.shows("4\\s*\\+ New orders") })
	p.do(chromedp.KeyEvent(kb.Enter)) // the button was drawn anew, and still has the focus
	p.until("five errors", func() bool { return errors() == 5 })
	p.choose("^User$", "dee@acme.example")
	p.choose("^New role$", "monitor")
	p.click("button", "^Change role$")
	p.until("the new role", func() bool {
		u, _ := p.account().Snapshot().User(0, "dee@acme.example")
		return u.Role == "monitor"
	})
	p.click("button", "^Take the rights away$")
	p.until("a token without rights", func() bool { return p.account().Snapshot().Tokens[0].LostRights })
	p.click("button", "^Give the rights back$")
	p.until("a token with rights", func() bool { return !p.account().Snapshot().Tokens[0].LostRights })
	p.click("textbox", "^E-mail$")
	p.do(chromedp.KeyEvent(kb.End + ".br"))
	p.click("button", "^Add user$")
	p.until("the new user", func() bool { _, ok := p.account().Snapshot().User(0, "new@acme.example.br"); return ok })
	p.click("tab", "^integrator.io$")
	p.sees("new@acme.example.br monitor invited")
}
