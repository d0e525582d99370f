package main

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// The tour "Nobody can open the mailbox", by mouse, as its steps say.
func TestTheTourOfARecoveryIsDoneOnThePage(t *testing.T) {
	p := open(t, start(t, options{tour: tourRecovery}))
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
	p.sees("All done")
	p.sees("The sign-in is back")
	p.shot("tour-recovery-done")
	p.quiet()
}

// The tour "The ninetieth day".
func TestTheTourOfADrillIsDoneOnThePage(t *testing.T) {
	s := start(t, options{tour: tourDrill})
	p := open(t, s)
	p.toursTo("Let ninety days pass")
	s.until("the first reading of sign-ins", func() bool {
		return strings.Contains(s.slash(dee, "key acme"), "watched since")
	})
	p.click("button", "^\\+93 days$")
	p.toursTo("Open the mailbox")
	s.until("the letter", func() bool { return len(s.mail.all()) > 0 })
	words := map[string]string{}
	for _, found := range wordOfLetter.FindAllStringSubmatch(s.mail.all()[0].Text, -1) {
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
	p.sees("All done")
	p.shot("tour-drill-done")
	p.quiet()
}

// sure presses the button that goes on in the question that asks once more.
func (p *page) sure() {
	p.t.Helper()
	p.until("the question once more", func() bool {
		return ask[bool](p, `Boolean(document.querySelector('#confirm[open] button:not(.deny)'))`)
	})
	ask[bool](p, `(document.querySelector('#confirm[open] button:not(.deny)').click(), true)`)
}

// word types the word of a letter into the form of a card.
func (p *page) word(word string) {
	p.t.Helper()
	p.click("button", "^Type the word…$")
	p.typed("^The word beside your name", word)
	p.click("button", "^Send$")
}

// courseID is the newest workflow with a letter.
func (s *stage) courseID(letter string) string {
	return s.tour.newest(s.slack.AllMessages(), letter, func(string) bool { return false }).id
}

func TestATourIsNeverStuck(t *testing.T) {
	off := integratorsim.State{MailboxesOff: []string{aliasEmail}}
	var tr tour
	for name, c := range map[string]struct {
		since int64
		cards []slacksim.Message
		want  string // the step to do now
		note  bool
	}{
		"nothing yet": {0, nil, "report", false},
		"asked": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"Nobody: It waits for approval until x.")}, "approved", false},
		"somebody can open it, no vote": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"Nobody: To do now: reset.")}, "claimed", false},
		"regained": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"✓ The owner's sign-in of A is regained")}, "audited", false},
		"refused": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"✗ Regaining the owner's sign-in of A was refused")}, "report", true},
		"refused, and reported again": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"✗ Regaining the owner's sign-in of A was refused"),
			tourCard(9, "v02-Y", "main", "Nobody: It waits for approval until x.")}, "approved", false},
		"over before the restart": {9, []slacksim.Message{tourCard(5, "v01-X", "main",
			"✓ The owner's sign-in of A is regained")}, "report", false},
	} {
		tr.restart(time.Unix(c.since, 0))
		v := tr.viewRecovery(c.cards, off)
		if v.Current >= len(v.Steps) || v.Steps[v.Current].ID != c.want || (v.Note != "") != c.note {
			t.Errorf("%s: step %d of %+v, note %q, want %s", name, v.Current, v.Steps, v.Note, c.want)
		}
	}
	tr.restart(time.Unix(0, 0))
	dm := func(string) string { return "" }
	for text, want := range map[string]string{
		"Can you read x?": "word", "The key of A can be used by two people or more": "status",
		"The drill of A found 3 gaps":    "status",
		"The drill of A was ended early": "status",
	} {
		v := tr.viewDrill([]slacksim.Message{tourCard(5, "e01-X", "main", text)}, dm)
		if v.Steps[v.Current].ID != want {
			t.Errorf("%s: the next is %s, want %s", text, v.Steps[v.Current].ID, want)
		}
	}
}

// Whatever tour a world is for, its configuration is without faults and its steps have a text and a way on.
func TestEveryTourCanBegin(t *testing.T) {
	for _, c := range tours {
		s := prepare(t, options{tour: c.ID})
		v := s.toured()
		if v.ID != c.ID || v.Lead == "" || v.End == "" || len(v.Others) != len(tours)-1 || v.Current != 0 {
			t.Errorf("%q begins as %+v", c.ID, v)
		}
		if owner := s.account().Snapshot().Owner.Email; (owner == aliasEmail) != (c.ID != "") {
			t.Errorf("in the world of %q %s owns the account", c.ID, owner)
		}
		for _, st := range v.Steps {
			if st.Title == "" || st.Text == "" {
				t.Errorf("%q: %+v", c.ID, st)
			}
		}
	}
}
