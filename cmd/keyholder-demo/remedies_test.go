package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// with changes the quick configuration by pairs of old and new text; a text that is not there is a mistake of the test.
func with(t *testing.T, pairs ...string) func(string) string {
	return func(yaml string) string {
		yaml = quick(yaml)
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(yaml, pairs[i]) {
				t.Errorf("the configuration has no %q", pairs[i])
			}
			yaml = strings.Replace(yaml, pairs[i], pairs[i+1], 1)
		}
		return yaml
	}
}

// asked starts a stage whose mailbox is a user already, and asks for the transfer.
func asked(t *testing.T, edit func(string) string, before func(*stage)) *stage {
	t.Helper()
	s := prepare(t, options{edit: edit})
	s.accepted()
	if before != nil {
		before(s)
	}
	s.bot(t)
	s.insistRequest(dee, toAlias())
	return s
}

// shows waits for a text on somebody's card.
func (s *stage) shows(who, text string) {
	s.t.Helper()
	s.until(fmt.Sprintf("%s's card to say %q", who, text), func() bool { return strings.Contains(s.card(who), text) })
}

// confirmed has two holders confirm.
func (s *stage) confirmed() {
	s.t.Helper()
	for _, who := range []string{ana, ben} {
		s.until(who+"'s button", func() bool { return s.has(who, "transfer.confirm") })
		s.insistVote(who)
	}
}

// has reports whether the person's card has a button now.
func (s *stage) has(who, action string) bool { _, _, ok := s.button(who, action); return ok }

// call speaks with integrator.io as somebody else does, past the bot.
func (s *stage) call(token, method, path string, body any) (int, map[string]any) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.ctx, method, "http://"+s.integratorListener.Addr().String()+path,
		bytes.NewReader(raw))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var doc map[string]any
	_ = json.Unmarshal(answer, &doc)
	return res.StatusCode, doc
}

// settles finishes by the checklist and waits for the end.
func (s *stage) settles(who string) {
	s.t.Helper()
	s.insistSettle(who)
}

func TestARefusalOfIntegratorReachesTheRequesterWithItsRemedyAndCheckAgainGoesOn(t *testing.T) {
	t.Parallel()
	t.Run("part of multiple organizations", func(t *testing.T) {
		t.Parallel()
		s := asked(t, nil, func(s *stage) {
			s.act(integratorsim.Action{Do: "join_organization", Email: aliasEmail, Company: "Other Company"})
		})
		s.confirmed()
		s.shows(dee, "part of multiple organizations")
		s.shows(dee, "The owner of that account has to remove it under Users")
		s.act(integratorsim.Action{Do: "leave_organization", Email: aliasEmail, Company: "Other Company"})
		s.press(dee, "transfer.recheck")
		s.acceptOwnership(aliasEmail)
		s.settles(ben)
		s.oneInvitation()
	})
	t.Run("a transfer somebody left pending", func(t *testing.T) {
		t.Parallel()
		var left string
		s := asked(t, nil, func(s *stage) {
			code, doc := s.call(s.info.ProductionToken, "POST", "/v1/transfers/invite",
				map[string]any{"email": "ana@acme.example", "account": true})
			left, _ = doc["_id"].(string)
			if code >= 300 || left == "" {
				t.Fatalf("leaving a transfer pending answered %d %v", code, doc)
			}
		})
		s.shows(dee, "a transfer to ana@acme.example is pending at integrator.io already")
		if s.has(ana, "transfer.confirm") || s.has(ana, "transfer.waive") {
			t.Error("what integrator.io itself would refuse can be confirmed or waived")
		}
		if code, doc := s.call(s.info.ProductionToken, "PUT", "/v1/transfers/"+left+"/cancel", nil); code >= 300 {
			t.Fatalf("cancel: %d %v", code, doc)
		}
		if code, doc := s.call(s.info.ProductionToken, "DELETE", "/v1/transfers/"+left, nil); code >= 300 {
			t.Fatalf("delete: %d %v", code, doc)
		}
		s.insist("the check again", func() bool { return s.has(ana, "transfer.confirm") }, func() {
			if m, block, ok := s.button(dee, "transfer.recheck"); ok {
				_, _ = s.slack.Click(s.ctx, dee, m.Channel, m.TS, block, "transfer.recheck")
			}
		})
		s.confirmed()
		s.acceptOwnership(aliasEmail)
		s.settles(ben)
	})
	t.Run("switched off", func(t *testing.T) {
		t.Parallel()
		s := asked(t, nil, func(s *stage) { s.act(integratorsim.Action{Do: "disable_user", Email: aliasEmail}) })
		s.shows(dee, aliasEmail+" is switched off as a user")
		if s.has(ana, "transfer.waive") {
			t.Error("a disabled user can be waived, though integrator.io refuses it")
		}
		s.act(integratorsim.Action{Do: "enable_user", Email: aliasEmail})
		s.confirmed() // the watch sees it without Check again
		s.acceptOwnership(aliasEmail)
		s.settles(ben)
		s.oneInvitation()
	})
	t.Run("switched off between confirmation and invitation", func(t *testing.T) {
		t.Parallel()
		s := asked(t, with(t, "cooldown: 1s", "cooldown: 1h"), nil)
		s.confirmed()
		s.shows(dee, "Confirmed. Until")
		s.act(integratorsim.Action{Do: "disable_user", Email: aliasEmail})
		s.forward(61 * time.Minute)
		s.shows(dee, "Earlier confirmations no longer count")
		s.shows(dee, "is switched off as a user")
		if got := s.invitations(); got != 0 {
			t.Errorf("%d invitations went out on facts that got worse", got)
		}
	})
	t.Run("no seats", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, options{})
		s.account().SetSeats(4)
		s.bot(t)
		s.insistRequest(dee, toAlias())
		s.shows(dee, "every user seat of the account is taken")
		s.account().SetSeats(20)
		s.insist("the check again", func() bool { _, ok := s.account().Snapshot().User(0, aliasEmail); return ok },
			func() {
				if m, block, ok := s.button(dee, "transfer.recheck"); ok {
					_, _ = s.slack.Click(s.ctx, dee, m.Channel, m.TS, block, "transfer.recheck")
				}
			})
		s.signUp(aliasEmail)
		s.confirmed()
		s.acceptOwnership(aliasEmail)
		s.settles(ben)
		s.oneInvitation()
	})
	t.Run("the token may not start a transfer", func(t *testing.T) {
		t.Parallel()
		s := asked(t, nil, func(s *stage) {
			if _, err := s.integrator.AddFault(integratorsim.Fault{Method: "POST", Path: "/v1/transfers/invite",
				Kind: integratorsim.FaultStatus, Status: 403, Times: 1}); err != nil {
				t.Fatal(err)
			}
		})
		s.confirmed()
		s.shows(jane, "Make account owner")
		// Jane does it in the pages; Keyholder sees it by itself.
		if code, doc := s.call(s.info.ProductionToken, "POST", "/api/transfers/invite",
			map[string]any{"email": aliasEmail, "account": true}); code >= 300 {
			t.Fatalf("invite in the pages: %d %v", code, doc)
		}
		s.shows(cat, "seen at integrator.io")
		s.acceptOwnership(aliasEmail)
		s.settles(ben)
		s.oneInvitation()
	})
	t.Run("the token may not start a transfer and the owner attests", func(t *testing.T) {
		t.Parallel()
		s := asked(t, nil, func(s *stage) {
			if _, err := s.integrator.AddFault(integratorsim.Fault{Method: "POST", Path: "/v1/transfers/invite",
				Kind: integratorsim.FaultStatus, Status: 403, Times: 1}); err != nil {
				t.Fatal(err)
			}
		})
		s.confirmed()
		s.press(jane, "transfer.attest")
		s.shows(cat, "<@U0JANE> says so")
		s.call(s.info.ProductionToken, "POST", "/api/transfers/invite", map[string]any{"email": aliasEmail,
			"account": true})
		s.acceptOwnership(aliasEmail)
		s.settles(ben)
	})
}

func TestOpenErrorsComeAndGoThroughTheCoolDownAndTheInvitationStillGoesOut(t *testing.T) {
	t.Parallel()
	flow := func(s *stage) (string, func(int)) {
		id := s.info.Flows["New orders"]
		return id, func(n int) {
			if err := s.account().Production().SetErrors(id, n); err != nil {
				t.Error(err)
			}
		}
	}
	quiet := func(s *stage) {
		for _, id := range s.info.Flows {
			if err := s.account().Production().SetErrors(id, 0); err != nil {
				t.Error(err)
			}
		}
	}
	block := with(t, "on_errors: warn", "on_errors: block", "cooldown: 1s", "cooldown: 30m")
	t.Run("mended", func(t *testing.T) {
		t.Parallel()
		s := asked(t, block, quiet)
		s.confirmed()
		_, errors := flow(s)
		errors(2)
		s.forward(31 * time.Minute)
		s.shows(dee, "a check holds it up")
		errors(5)
		errors(0)
		s.until("the invitation", func() bool { return s.pending() == 1 })
		s.acceptOwnership(aliasEmail)
		s.settles(ben)
		s.oneInvitation()
		if got := votes(s.record()); len(got) != 2 {
			t.Errorf("recorded votes are of %v: a volatile check must not cost votes", got)
		}
	})
	t.Run("waived", func(t *testing.T) {
		t.Parallel()
		s := asked(t, block, nil) // the demo begins with open errors
		s.shows(dee, "4 open errors")
		if s.has(dee, "transfer.waive") || s.has(ana, "transfer.confirm") {
			t.Error("an administrator can waive, or a blocked transfer be confirmed")
		}
		s.reason(ana, "transfer.waive", "They are of a test flow")
		s.shows(ana, "waived by <@U0ANA>: “They are of a test flow”")
		s.confirmed()
		_, errors := flow(s)
		errors(50)
		s.forward(31 * time.Minute)
		s.until("the invitation, whatever the count", func() bool { return s.pending() == 1 })
	})
}

// reason presses a button that asks why, and answers.
func (s *stage) reason(who, action, why string) {
	s.t.Helper()
	// A card that changes under the finger is explained, and pressed again.
	s.insist("the form that asks why", func() bool { return len(s.slack.Views(who)) > 0 }, func() {
		s.press(who, action)
	})
	v := s.slack.Views(who)
	res, err := s.slack.SubmitView(s.ctx, who, v[len(v)-1].ID, map[string]map[string]any{"reason": {"reason": why}})
	if err != nil || res.Error != "" || len(res.Errors) > 0 {
		s.t.Fatalf("%s gives a reason for %s: %v %+v", who, action, err, res)
	}
}

func TestWithoutATokenPeopleAttestAndNobodyAttestsBoth(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{edit: with(t, "    token_env: ACME_IO_TOKEN\n", "",
		"{name: Sandbox, token_env: ACME_SANDBOX_TOKEN}", "{name: Sandbox}")})
	s.bot(t)
	if got := s.slash(dee, "status acme"); !strings.Contains(got, "Make account owner") {
		t.Errorf("status without a token does not tell the page steps: %q", got)
	}
	s.request(dee, toAlias())
	s.confirmed()
	s.shows(jane, "Make account owner")
	s.press(jane, "transfer.attest")
	s.shows(cat, "whoever accepted says so")
	s.press(cat, "transfer.attest")
	s.shows(dee, "<@U0CAT> says so")
	s.settles(ben)
	if got := s.slash(dee, "status"); !strings.Contains(got, "Owner: "+aliasEmail) {
		t.Errorf("status says %q", got)
	}
	if calls := s.integrator.Log(); len(calls) > 0 {
		t.Errorf("without a token integrator.io was called: %+v", calls)
	}

	// Back to a person: the mailbox's holders are the present owner now, and Ana may not attest both ends.
	s.request(dee, map[string]map[string]any{"new_owner_person": {"new_owner_person": ana},
		"reason": {"reason": "back"}})
	s.insistPress(ben, "transfer.confirm")
	s.insistPress(cat, "transfer.confirm")
	s.insistPress(ana, "transfer.attest")
	n := len(s.private(ana))
	s.until("the acceptance to be asked for", func() bool {
		return strings.Contains(s.newest(ana), "whoever accepted says so")
	})
	m, _, _ := s.button(ana, "transfer.decline")
	id, block := "", ""
	for _, b := range buttons(m) {
		id, block = b.Value, b.BlockID
	}
	if s.has(ana, "transfer.attest") {
		t.Error("whoever attested the invitation is offered to attest the acceptance")
	}
	if _, err := s.slack.ClickForged(s.ctx, forged(ana, m, block, "transfer.attest", id)); err != nil {
		t.Fatal(err)
	}
	if text := s.told(ana, n); !strings.Contains(text, "somebody else must say that it was accepted") {
		t.Errorf("ana is told %q", text)
	}
}
