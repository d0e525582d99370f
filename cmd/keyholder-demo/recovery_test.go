package main

import (
	"strings"
	"testing"
	"time"
)

// report fills the form of /io recover.
func (s *stage) report(who, situation string) {
	s.t.Helper()
	s.slash(who, "recover acme")
	s.send(who, map[string]map[string]any{
		"situation": field("situation", situation), "reason": field("reason", "It bounces since Friday"),
	})
}

// send waits for somebody's form and sends it.
func (s *stage) send(who string, fields map[string]map[string]any) {
	s.t.Helper()
	s.until(who+"'s form", func() bool { return len(s.slack.Views(who)) > 0 })
	views := s.slack.Views(who)
	res, err := s.submit(who, views[len(views)-1].ID, fields)
	if err != nil || res.Error != "" || len(res.Errors) > 0 {
		s.t.Fatalf("%s sends the form: %v %+v", who, err, res)
	}
}

// approved has a recovery approved by two people, and its cool-down go by.
func (s *stage) approved(first, second string) {
	s.t.Helper()
	s.press(first, "recovery.approve")
	s.until("the first approval", func() bool { return strings.Contains(s.card(second), "1 of 2 approvals") })
	s.press(second, "recovery.approve")
	s.until("the cool-down", func() bool { return strings.Contains(s.card(second), "Approved. Until") })
	s.forward(time.Hour + time.Minute)
}

// done swears to a rung.
func (s *stage) rungDone(who string) {
	s.t.Helper()
	s.press(who, "recovery.done")
	s.send(who, map[string]map[string]any{"evidence": field("evidence", "Ticket 4711, done at ten")})
}

// secured confirms the rung and ticks the checklist.
func (s *stage) secured(by string, points ...string) {
	s.t.Helper()
	s.press(by, "recovery.seen")
	s.press(by, "recovery.settle")
	s.send(by, map[string]map[string]any{"done": field("done", points)})
	s.until("the end", func() bool {
		return strings.Contains(s.card(by), "is regained") && strings.Contains(s.card(by), "has seen it")
	})
}

// inChannel waits for words in the operations channel.
func (s *stage) inChannel(words string) {
	s.t.Helper()
	s.until("the channel: "+words, func() bool {
		for _, m := range s.slack.Messages(opsRoom) {
			if strings.Contains(m.Text, words) {
				return true
			}
		}
		return false
	})
}

func TestRecoveryOfAMailboxThatIsGone(t *testing.T) {
	s := start(t, options{})
	s.report(oli, "mailbox")
	s.inChannel("Nobody can sign in as the owner of Acme Production")
	s.until("the requester's card", func() bool {
		return strings.Contains(s.card(oli), "You reported this, so you do not decide it")
	})
	if got := s.slash(ana, "recover acme"); !strings.Contains(got, "is being regained already") {
		t.Errorf("a second report is answered with %q", got)
	}
	s.press(ben, "recovery.look")
	s.until("who looks at it", func() bool { return strings.Contains(s.card(ana), "is looking at it") })
	s.press(ben, "recovery.comment")
	s.send(ben, map[string]map[string]any{"reason": field("reason", "I called them, it is true")})
	s.until("the comment", func() bool { return strings.Contains(s.card(cat), "I called them, it is true") })
	s.press(ana, "recovery.approve")
	s.until("the cool-down", func() bool { return strings.Contains(s.card(cat), "Approved. Until") })
	s.forward(time.Hour + time.Minute)
	s.press(dee, "recovery.claim") // nobody is named for IT, so administrators are
	s.until("IT's text", func() bool { return strings.Contains(s.card(dee), "Please reactivate the mailbox") })
	s.rungDone(dee)
	s.secured(cat, "password", "second_factor")
	if got := s.card(cat); !strings.Contains(got, "Still open: the owner") || !strings.Contains(got,
		"recovery.transfer") {
		t.Errorf("the last card: %s", got)
	}
	s.inChannel("The owner's sign-in of Acme Production is regained")
}

func TestRecoveryOfAPersonLeadsToATransferToTheMailbox(t *testing.T) {
	s := start(t, options{})
	s.report(dee, "person")
	s.press(jane, "recovery.can") // the present owner is in this Slack
	s.until("everybody hears it", func() bool { return strings.Contains(s.card(cat), "I can open the mailbox") })
	s.rungDone(jane)
	s.secured(ana, "password", "second_factor", "sessions", "forwarding", "tokens")
	s.press(ana, "recovery.transfer")
	s.until("the form of a transfer", func() bool {
		for _, v := range s.slack.Views(ana) {
			if v.CallbackID == "transfer.request" && strings.Contains(string(v.Blocks), "could not be signed in as") {
				return true
			}
		}
		return false
	})
}

func TestRecoveryOfAPasswordThatNothingBringsBackEndsInATicket(t *testing.T) {
	s := start(t, options{})
	s.report(oli, "password")
	s.press(ben, "recovery.can")
	s.press(ben, "recovery.blocked")
	s.send(ben, map[string]map[string]any{"reason": field("reason", "The mail never comes")})
	for _, who := range []string{ana, ben, dee} {
		s.until("it waits for approval again", func() bool {
			return strings.Contains(s.card(who), "The mail never comes") && !strings.Contains(s.card(who), "To do now")
		})
	}
	s.approved(ana, ben)
	s.press(dee, "recovery.blocked")
	s.send(dee, map[string]map[string]any{"reason": field("reason", "The domain is sold")})
	s.until("the ticket", func() bool { return strings.Contains(s.card(cat), "Send this ticket to Celigo support") })
	s.press(cat, "recovery.next")
	s.until("the ticket on the last card", func() bool {
		got := s.card(oli)
		// names: support knows no IDs of Slack
		return strings.Contains(got, "could not be regained here") && strings.Contains(got,
			"by Ben Novak: The mail never comes") &&
			strings.Contains(got, "The domain is sold") &&
			strings.Contains(got, "two forms of identity")
	})
	s.inChannel("could not be regained here")
	if _, _, ok := s.button(oli, "recovery.cancel"); ok {
		t.Error("the last card has a button")
	}
}

func TestRecoveryOfASecondFactorByTheAdministratorsPages(t *testing.T) {
	s := start(t, options{})
	s.report(ana, "second_factor")
	s.approved(ben, cat)
	s.rungDone(dee)
	s.until("somebody else has to see it", func() bool {
		return strings.Contains(s.card(dee), "Somebody else has to see it")
	})
	if _, _, ok := s.button(dee, "recovery.seen"); ok {
		t.Error("whoever did it may confirm it")
	}
	s.secured(ben, "second_factor")
	s.until("the lock is given back", func() bool {
		return strings.Contains(s.slash(dee, "status acme"), "Open: nothing.")
	})
}

func TestAQuietApproverFetchesTheirCard(t *testing.T) {
	s := start(t, options{edit: func(yaml string) string {
		return strings.Replace(quick(yaml), "    admins: [U0DEE]",
			"    admins: [U0DEE]\n    quiet: [U0OLI]\n    recovery: {approvers: [[U0ANA, U0BEN], [U0OLI, U0DEE]]}", 1)
	}})
	s.report(cat, "mailbox")
	s.until("ana's card", func() bool { return s.has(ana, "recovery.approve") })
	if got := s.card(oli); got != "" {
		t.Errorf("oli is quiet and got %q", got)
	}
	var id string
	s.until("mine", func() bool {
		got := s.slash(oli, "mine")
		i := strings.Index(got, "/io mine v")
		if i < 0 {
			return false
		}
		id = strings.Fields(strings.Trim(got[i+len("/io mine "):], "`"))[0]
		id = strings.Trim(id, "`")
		return true
	})
	if got := s.slash(oli, "mine "+id); !strings.Contains(got, "on its way") {
		t.Fatalf("oli reads %q", got)
	}
	s.press(ben, "recovery.approve")
	s.press(oli, "recovery.approve")
	s.until("the cool-down", func() bool { return strings.Contains(s.card(oli), "Approved. Until") })
}
