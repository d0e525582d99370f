package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// toursTo waits until the panel shows that step as the one to do now.
func (p *page) toursTo(title string) {
	p.t.Helper()
	p.until("the tour's step "+title, func() bool {
		return ask[bool](p, script(fmt.Sprintf(`[...everything(document, 0, 0, 0)].some(({ e }) => e.getAttribute('aria-current') === 'step' && text(e.textContent).includes(%s))`, quoted(title))))
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
	p.until("the mark at the reason, without which nothing is taken", func() bool { return ask[bool](p, `Boolean(document.querySelector('[aria-invalid="true"]'))`) })
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
	p.sees("What was due .*Ana Silva, Ben Novak, Cat Ito: A reminder: your answer is missing") // before one's eyes, whoever one acts as
	p.actAs("Ben Novak")
	p.chat()
	p.sees("A reminder: your answer is missing|1 reply")
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

// farthest is the most presses of Tab between two things that somebody does one after the other, in either direction.
const farthest = 40

// tabTo presses Tab, or Shift+Tab where that is nearer to go, until something has the focus.
func (p *page) tabTo(role, name string, back ...chromedp.Modifier) {
	p.t.Helper()
	there := script(fmt.Sprintf(`(e => Boolean(e) && same(e, %s) && new RegExp(%s, 'i').test(nameOf(e)))(focused())`, quoted(role), quoted(name)))
	p.until(fmt.Sprintf("a %s named %s", role, name), func() bool {
		return ask[bool](p, script(fmt.Sprintf("Boolean(find(%s, %s, true))", quoted(role), quoted(name))))
	})
	for range farthest {
		if ask[bool](p, there) {
			return
		}
		p.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(back...)))
	}
	p.t.Fatalf("%d presses of Tab do not lead to the %s %s; the focus is on %s\n%s", farthest, role, name,
		ask[string](p, script(`(e => e ? roleOf(e) + ' ' + nameOf(e) + ' ' + e.outerHTML.slice(0, 200) : 'nothing')(focused())`)), p.everything())
}

// key goes somewhere by Tab and presses Enter.
func (p *page) key(role, name string) {
	p.t.Helper()
	p.tabTo(role, name)
	p.do(chromedp.KeyEvent(kb.Enter))
}

// types goes to the composer by Tab, types a line and sends it.
func (p *page) types(text string) {
	p.t.Helper()
	p.tabTo("textbox", "message")
	p.do(chromedp.KeyEvent(text + kb.Enter))
}

func TestTheTourIsDoneOnThePageByKeysAlone(t *testing.T) {
	p := open(t, start(t, options{}))
	p.key("button", "^Dee Okafor")
	p.key("button", "integration-ops")
	p.types("/io transfer")
	p.tabTo("combobox", "shared mailbox")
	p.do(chromedp.KeyEvent(kb.ArrowDown))
	p.tabTo("textbox", "^Why")
	p.do(chromedp.KeyEvent("Jane leaves on 5 December"))
	p.key("button", "^Ask for it$")
	p.ticks("ask")

	p.key("button", "^Gus Lind")
	p.key("button", "general")
	p.types("/io transfer")
	p.sees("guests cannot use Keyholder. Nothing was recorded")
	p.ticks("ask refused")

	p.key("button", "^Ana Silva")
	p.key("button", "^(Messages|keyholder)")
	p.sees("was invited as a user") // a press on a card that changes meanwhile is refused
	p.key("button", "^I'm on it$")
	p.key("button", "^Go to the mail$")
	p.key("button", "^Sign up and accept$")
	p.ticks("ask refused member")

	p.key("button", "^\\+1 day$")
	p.sees("1 day ahead")
	p.do(chromedp.KeyEvent(" "))
	p.sees("2 days ahead")
	p.key("button", "^Ben Novak")
	p.key("button", "^(Messages|keyholder)")
	p.key("button", "1 reply")
	p.sees("A reminder: your answer is missing")
	p.do(chromedp.KeyEvent(kb.Escape)) // closes the thread, and the focus goes back to where it was opened
	p.ticks("ask refused member reminded")

	p.key("button", "^Confirm$")
	p.key("button", "^Ana Silva")
	p.key("button", "^(Messages|keyholder)")
	p.key("button", "^Confirm$")
	p.until("the confirmations", func() bool { return p.toured().Steps[4].Done })
	p.key("button", "^\\+1 hour$")
	p.ticks("ask refused member reminded confirmed invited")

	p.key("button", "^Accept as the new owner$")
	p.ticks("ask refused member reminded confirmed invited owner")

	p.key("button", "^Jane Moreau")
	p.key("button", "^(Messages|keyholder)")
	p.sees("Acme Production now belongs to " + aliasEmail)
	p.key("button", "^Ana Silva")
	p.key("button", "^(Messages|keyholder)")
	p.key("button", "^Finish…$")
	p.key("button", "^Finish$")
	p.ticks("ask refused member reminded confirmed invited owner finished")

	p.key("button", "^Dee Okafor")
	p.key("button", "integration-ops")
	p.types("/io audit " + p.tourID())
	p.ticks("ask refused member reminded confirmed invited owner finished audited")
	p.sees("All done\\.")
	if got := p.account().Snapshot().Owner.Email; got != aliasEmail {
		t.Errorf("the owner is %s", got)
	}
	p.quiet()
}

// ticks waits until exactly these steps are done, and until the panel shows each of them so.
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
		return ask[bool](p, fmt.Sprintf(`(done => JSON.stringify(done) === %s)([...document.querySelector('#panel-frame').contentDocument.querySelectorAll('#tour .step.done .name')].map(e => e.firstChild.data))`, quoted(string(raw))))
	})
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
	p.until("the new role", func() bool { u, _ := p.account().Snapshot().User(0, "dee@acme.example"); return u.Role == "monitor" })
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
