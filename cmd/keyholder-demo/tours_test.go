package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// led reports whether the person acts whom a name in a step of the tour names, in the conversation that it leads to.
func (p *page) led(name string) bool {
	p.t.Helper()
	who, room, _ := strings.Cut(name, " in #")
	return ask[bool](p, fmt.Sprintf(
		`(text => text('as').includes(%s) && text('title').includes(%s))(id => document.getElementById(id).textContent)`,
		quoted("Acting as "+who), quoted(cmp.Or(room, "keyholder"))))
}

// follow presses a name in a step of the tour until it has led there.
func (p *page) follow(name string) {
	p.t.Helper()
	for range 5 {
		p.click("button", "^"+name+"$")
		for soon := time.Now().Add(2 * time.Second); time.Now().Before(soon); {
			if p.led(name) {
				return
			}
		}
	}
	p.t.Fatalf("pressing %s in the tour does not lead there", name)
}

// leads goes to a name in a step by keys, presses Enter, and goes on to where one writes in the
// conversation that it leads to.
func (p *page) leads(name string) {
	p.t.Helper()
	p.inPanel("^" + name + "$")
	p.until(name+" in the tour to lead there", func() bool { return p.led(name) })
	p.part("conversation")
	p.tabTo("textbox", "^Message")
}

// decides presses a button of a card, and goes on in the question that comes.
func (p *page) decides(button string) {
	p.t.Helper()
	p.click("button", "^"+button+"$")
	p.sure()
}

// Every tour beside the transfer's is done in the page as its steps say, all of them in one browser: one by keys alone,
// the others by mouse.
func TestTheToursAreDoneOnThePage(t *testing.T) {
	browser := open(t, start(t, options{}))
	for _, c := range []struct {
		tour string
		play func(*page)
	}{
		{tourAccess, playAnAccess}, {tourDrift, playDrift}, {tourReview, playAReview},
		{tourOffboard, playAnOffboarding},
		{tourRecovery, playARecovery}, {tourDrill, playADrill},
	} {
		t.Run(c.tour, func(t *testing.T) {
			p := browser.on(t, start(t, options{tour: c.tour}))
			c.play(p)
			p.sees("All done")
			p.sees(regexp.QuoteMeta(chosen(c.tour).end))
			for _, step := range p.toured().Steps {
				if !step.Done {
					t.Errorf("the step %q was not ticked, though its text was followed", step.Title)
				}
			}
			p.shot("tour-" + c.tour + "-done")
			p.quiet()
		})
	}
}

// The tour "Oli helps out for a week", by the names in its steps.
func playAnAccess(p *page) {
	p.toursTo("Ask for it")
	p.shot("tour-access")
	p.follow("Oli in #integration-ops")
	p.said("/io access")
	p.choose("^For whom", "Oli Brandt")
	p.choose("^Role", "Manage all")
	p.typed("^Why", "Repairs the order flow")
	p.shot("tour-access-form")
	p.click("button", "^Ask for it$")
	p.toursTo("Have somebody approve")
	p.follow("Ana")
	p.shot("tour-access-approve")
	p.click("button", "^Approve$")
	p.toursTo("Accept the invitation")
	p.click("button", "^Go to the mail$")
	p.click("button", "^Sign up and accept$")
	p.click("tab", "^Tour$")
	p.toursTo("Let six days pass")
	p.click("button", "^\\+6 days$")
	p.toursTo("Take longer")
	p.follow("Oli")
	p.click("button", "^Ask for more time$")
	p.follow("Ana")
	p.shot("tour-access-longer")
	p.click("button", "^Give more time$")
	p.toursTo("Let it end")
	p.click("button", "^\\+8 days$")
	p.toursTo("Read the record")
	p.follow("Dee in #integration-ops")
	p.said("/io audit " + p.courseID("a"))
	if _, there := p.user("oli@acme.example"); there {
		p.t.Error("Oli still has access")
	}
}

// The tour "Somebody invites by hand", by keys alone.
func playDrift(p *page) {
	p.toursTo("Invite somebody by hand")
	p.watching() // who is there by now is nothing new
	p.inPanel("^Go to Meddle$")
	p.key("button", "^Add user$")
	p.lookAtTour()
	p.toursTo("Have it found")
	p.leads("Dee in #integration-ops")
	p.do(chromedp.KeyEvent("/io who acme" + kb.Enter))
	p.toursTo("Ask who did it")
	p.leads("Dee")
	p.shot("tour-drift")
	p.key("button", "^Ask who did it$", chromedp.ModifierShift)
	p.toursTo("Decide")
	p.leads("Dee")
	p.key("button", "^Undo…$", chromedp.ModifierShift)
	p.key("button", "^Ask for it$") // of the question, which begins with the way back
	p.toursTo("Have it removed")
	p.leads("Ana")
	p.shot("tour-drift-remove")
	p.key("button", "^Approve$", chromedp.ModifierShift)
	p.toursTo("Read the record")
	p.leads("Dee in #integration-ops")
	p.do(chromedp.KeyEvent("/io audit " + p.courseID("f") + kb.Enter))
	if _, there := p.user("new@acme.example"); there {
		p.t.Error("whom nobody decided about still has access")
	}
}

// The tour "Who still needs it?".
func playAReview(p *page) {
	p.toursTo("Look ahead")
	p.follow("Dee in #integration-ops")
	p.said("/io review acme")
	p.toursTo("Open it today")
	p.said("/io review acme start")
	p.toursTo("Decide about each")
	p.until("the card", func() bool { return p.has(dee, "review.open") })
	p.follow("Dee")
	p.shot("tour-review")
	p.click("button", "^Go through the rows$")
	p.shot("tour-review-form")
	for _, who := range []string{aliasEmail, "lena@", "vera@"} {
		p.choose("^\\d+\\. "+who, "Keep")
	}
	p.choose("^\\d+\\. "+neverCame, "Remove")
	p.because("Asked the team")
	p.decides("Keep all without a flag")
	p.click("button", "^Go on$")
	p.keepsTokens()
	p.because("Asked the team")
	p.click("button", "^Save and close$")
	p.toursTo("Sign off")
	p.decides("Sign off…")
	p.toursTo("Take the evidence")
	if _, there := p.user(neverCame); there {
		p.t.Errorf("%s still has access", neverCame)
	}
	p.follow("Dee in #integration-ops")
	p.said("/io review " + p.courseID("r") + " export")
}

// keepsTokens chooses to keep every API token of the page of a review, once that page is shown.
func (p *page) keepsTokens() {
	p.t.Helper()
	p.until("the page of API tokens", func() bool {
		return ask[bool](p, script(`(rows => {
			for (const { e } of rows) {
				e.value = [...e.options].find(o => o.text === 'Keep').value;
				for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind, { bubbles: true }));
			}
			return rows.length > 0;
		})([...everything(document, 0, 0, 0)].filter(({ e }) => same(e, 'combobox') && e.tagName === 'SELECT' &&
			[...e.options].some(o => o.text.includes('revoke it'))))`))
	})
}

// because types the same reason into every field for one.
func (p *page) because(reason string) {
	p.t.Helper()
	ask[bool](p, script(
		fmt.Sprintf(`[...everything(document, 0, 0, 0)].filter(({ e }) => same(e, 'textbox') && /^Reason/.test(nameOf(e))).every(({ e }) => {
		e.value = %s;
		return e.dispatchEvent(new Event('input', { bubbles: true }));
	})`, quoted(reason))))
}

// The tour "Cat leaves on Friday": an offboarding from the question to its end, with the last day in between.
func playAnOffboarding(p *page) {
	p.toursTo("See what rests on her")
	p.follow("Dee in #integration-ops")
	p.said("/io whatif @cat")         // takes her from the list of those who are meant
	p.do(chromedp.KeyEvent(kb.Enter)) // and sends it
	p.toursTo("Make it a list of steps")
	p.shot("tour-offboard")
	p.click("button", "^They leave…$")
	p.shot("tour-offboard-form")
	p.date("^Last day", p.dayIn(3))
	p.typed("^Why", "New job")
	p.click("button", "^Begin$")
	p.toursTo("Let Friday come")
	p.click("button", "^\\+7 days$")
	p.toursTo("Have her access removed")
	p.follow("Ana")
	p.shot("tour-offboard-remove")
	p.click("button", "^Approve$")
	p.sees("cat@acme.example was removed") // and its card has no such button any more
	p.click("button", "^Approve$")
	p.toursTo("Say what is done")
	p.follow("Dee")
	p.click("button", "^This is done…$")
	p.choose("^What", "API tokens")
	p.typed("^How can somebody else", "Revoked the one she made")
	p.click("button", "^Say so$")
	p.toursTo("End it with what is open")
	p.decides("End it as it is")
	p.toursTo("Read the record")
	p.follow("Dee in #integration-ops")
	p.said("/io audit " + p.courseID("o"))
	if _, there := p.user(catEmail); there {
		p.t.Error("Cat still has access")
	}
}

// The tour "Nobody can open the mailbox", by mouse, as its steps say.
func playARecovery(p *page) {
	p.toursTo("Report that nobody gets in")
	p.actAs("Oli Brandt")
	p.room("integration-ops")
	p.said("/io recover")
	p.choose("^What happened", "mailbox")
	p.typed("^What do you know", "It bounces since Friday")
	p.click("button", "^Report it$")
	p.toursTo("Have two people approve")
	for _, who := range []string{"Ana Silva", "Ben Novak"} {
		p.actAs(who)
		p.chat()
		p.click("button", "^Approve$")
		p.sees("Let them regain the sign-in")
		p.sure()
		p.sees("1 of 2 approvals|Approved. Until")
	}
	p.toursTo("Let the time to stop it pass")
	p.shot("tour-recovery")
	p.click("button", "^\\+1 hour$")
	p.toursTo("Take it on")
	p.actAs("Dee Okafor")
	p.chat()
	p.click("button", "^I am on it$")
	p.toursTo("Be IT")
	p.click("button", "^Go to Meddle$")
	p.click("button", "^Switch the mailbox on again: celigo@acme.example$")
	p.click("button", "^Forgot password\\?$")
	p.click("tab", "^integrator.io$")
	p.click("button", "^Choose a new password$")
	p.click("tab", "^Tour$")
	p.toursTo("Say that it is done")
	p.click("button", "^It is done…$")
	p.typed("^How can somebody else see that", "Ticket 4711")
	p.click("button", "^(Send|It is done|Done|Say so)$")
	p.toursTo("Have somebody else see it")
	p.actAs("Cat Ito")
	p.chat()
	p.click("button", "^I have seen it$")
	p.sure()
	p.toursTo("Make it safe")
	p.click("button", "^It is safe…$")
	p.click("button", "^End it$")
	p.toursTo("Read the record")
	p.actAs("Dee Okafor")
	p.room("integration-ops")
	p.said("/io audit " + p.courseID("v"))
}

// The tour "The ninetieth day".
func playADrill(p *page) {
	p.toursTo("Let ninety days pass")
	p.until("the first reading of sign-ins", func() bool {
		return strings.Contains(p.slash(dee, "key acme"), "watched since")
	})
	p.click("button", "^\\+93 days$")
	p.toursTo("Open the mailbox")
	p.until("the letter", func() bool { return len(p.mail.all()) > 0 })
	words := map[string]string{}
	for _, found := range wordOfLetter.FindAllStringSubmatch(p.mail.all()[0].Text, -1) {
		words[found[1]] = found[2]
	}
	p.actAs("Ana Silva")
	p.chat()
	p.word(words["Ana Silva"])
	p.toursTo("Sign in as the owner")
	p.click("button", "^Go to Meddle$")
	p.click("button", "^Sign in as the owner$")
	p.click("tab", "^Tour$")
	p.toursTo("Give your word")
	p.shot("tour-drill")
	p.actAs("Ben Novak")
	p.chat()
	p.word(words["Ben Novak"])
	p.click("button", "^I signed in as the owner$")
	p.sure()
	p.toursTo("Say that you cannot")
	p.actAs("Cat Ito")
	p.chat()
	p.click("button", "^I cannot$")
	p.sure()
	p.toursTo("Ask who has the key")
	p.actAs("Dee Okafor")
	p.chat()
	p.sees("can be used by two people or more")
	p.room("integration-ops")
	p.said("/io key acme")
}

// date sets a date field.
func (p *page) date(name, day string) {
	p.t.Helper()
	p.find("textbox", name)
	ask[bool](p, script(
		fmt.Sprintf(`(e => { e.value = %s; for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind, { bubbles: true })); return true; })(find('textbox', %s, true).e)`, quoted(day), quoted(name))))
}
