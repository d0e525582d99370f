package main

import (
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// signUp lets the mailbox accept its invitation as a user, as a holder would from the mail.
func (s *stage) signUp(email string) {
	s.t.Helper()
	s.until(email+" to be invited as a user", func() bool {
		u, ok := s.account().Snapshot().User(0, email)
		return ok && u.Status == "pending"
	})
	s.act(integratorsim.Action{Do: "sign_up", Email: email, Name: "Celigo mailbox"})
}

func (s *stage) act(a integratorsim.Action) {
	s.t.Helper()
	if _, err := s.integrator.Act(a); err != nil {
		s.t.Fatal(err)
	}
}

// acceptOwnership accepts as the new owner, at integrator.io.
func (s *stage) acceptOwnership(email string) {
	s.t.Helper()
	s.until("an invitation for "+email, func() bool { return s.pending() == 1 })
	s.act(integratorsim.Action{Do: "accept_transfer", Email: email})
}

// pending counts the account transfers that can still be accepted.
func (s *stage) pending() int {
	n := 0
	for _, tr := range s.account().Snapshot().Transfers {
		if tr.Account && tr.Status == "unapproved" && !tr.Dismissed {
			n++
		}
	}
	return n
}

// invitations counts the invitations to become owner that took effect, ever.
func (s *stage) invitations() int { return s.account().Effects("POST /v1/transfers/invite") }

// handOverOnce hands the account to the mailbox, each button pressed once, and ticks off these points at the end.
func (s *stage) handOverOnce(points ...string) {
	s.t.Helper()
	if res := s.request(dee, toAlias()); len(res.Errors) > 0 || res.Error != "" {
		s.t.Fatalf("the form was refused: %+v", res)
	}
	s.press(ana, "transfer.claim")
	s.signUp(aliasEmail)
	s.press(ana, "transfer.confirm")
	s.press(ben, "transfer.confirm")
	s.press(cat, "transfer.accept")
	s.acceptOwnership(aliasEmail)
	s.press(ben, "transfer.settle")
	s.until("the modal with the checklist", func() bool { return len(s.slack.Views(ben)) > 0 })
	all := map[string]map[string]any{"checklist": {"checklist": points}}
	if res, err := s.submit(ben, s.slack.Views(ben)[0].ID, all); err != nil || res.Error != "" ||
		len(res.Errors) > 0 {
		s.t.Fatalf("finish: %v %+v", err, res)
	}
}

func TestAnAccountIsHandedToTheMailboxThatWasNeverInvited(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.handOverOnce("custodians", "help", "mfa", "token")
	// One point is left open: it stays on the cards and on status until somebody says that it is done.
	for _, who := range []string{ben, ana} {
		s.until("what is left, on the card of "+who, func() bool {
			return strings.Contains(s.card(who), "1 point of the handover open")
		})
	}
	if got := s.slash(dee, "status acme"); !strings.Contains(got,
		"Finish the handover of Acme Production: 1 point open") {
		t.Errorf("status says %q", got)
	}
	s.press(ana, "transfer.settle")
	s.until("the modal with what is left", func() bool { return len(s.slack.Views(ana)) > 0 })
	rest := map[string]map[string]any{"checklist": {"checklist": []string{"docs"}}}
	if res, err := s.submit(ana, s.slack.Views(ana)[0].ID, rest); err != nil || res.Error != "" ||
		len(res.Errors) > 0 {
		t.Fatalf("done: %v %+v", err, res)
	}
	s.until("no button on any card", func() bool {
		for _, m := range s.slack.AllMessages() {
			if len(buttons(m)) > 0 {
				return false
			}
		}
		return true
	})
	s.until("the end on every card", func() bool {
		for _, who := range []string{dee, ana, ben, cat, jane} {
			if !strings.Contains(s.card(who), "✓ Acme Production belongs to "+aliasEmail) {
				return false
			}
		}
		return true
	})
	if got := s.invitations(); got != 1 {
		t.Errorf("%d invitations took effect, want 1", got)
	}
	if got := s.account().Snapshot().Owner.Email; got != aliasEmail {
		t.Errorf("the owner is %s", got)
	}
	for _, m := range s.slack.AllMessages() {
		if len(buttons(m)) > 0 {
			t.Errorf("a message of an ended transfer has buttons: %s", m.Text)
		}
	}
	if got := s.slash(dee, "status acme"); !strings.Contains(got, "Owner: "+aliasEmail) {
		t.Errorf("status says %q", got)
	}
}
