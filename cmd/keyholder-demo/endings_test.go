package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// invitedOwner brings a transfer to where the mailbox has to accept.
func invitedOwner(t *testing.T) *stage {
	t.Helper()
	s := asked(t, nil, nil)
	s.confirmed()
	s.until("the invitation", func() bool { return s.pending() == 1 && s.has(cat, "transfer.decline") })
	return s
}

// overWithoutChange waits for an end and fails where anything of the invitation is left or the owner has changed.
func (s *stage) overWithoutChange(word string) {
	s.t.Helper()
	for _, who := range []string{dee, ana, ben, cat} {
		s.shows(who, "✗ Acme Production was not handed to "+aliasEmail)
		s.shows(who, word)
	}
	s.until("buttons to go", func() bool {
		for _, m := range s.slack.AllMessages() {
			if m.EphemeralTo == "" && slices.ContainsFunc(buttons(m), func(b placed) bool { return !s.ofReview(b) }) {
				return false
			}
		}
		return true
	})
	if all := s.transfers(); len(all) > 0 {
		s.t.Errorf("left at integrator.io: %+v", all)
	}
	if got := s.account().Snapshot().Owner.Email; got != ownerEmail {
		s.t.Errorf("the owner is %s", got)
	}
	if got := s.slash(dee, "status acme"); !strings.Contains(got, "Owner: "+ownerEmail) || !s.nothingOpen(got) {
		s.t.Errorf("status says %q", got)
	}
	// The account is free: somebody can ask anew.
	ended := s.newest(dee)
	s.insist("a new request", func() bool { return s.newest(dee) != ended }, func() { s.ask(dee, toAlias()) })
}

// reviewing reports whether a review has opened by itself meanwhile, as one does where the days of a test pass its day.
func (s *stage) reviewing() bool {
	return slices.ContainsFunc(s.slack.Messages(opsRoom), func(m slacksim.Message) bool {
		return strings.Contains(m.Text, "Review of Acme Production")
	})
}

// ofReview reports whether a button is that of a review that has opened meanwhile.
func (s *stage) ofReview(b placed) bool {
	return strings.HasPrefix(b.ActionID, "review.") && s.reviewing()
}

// nothingOpen reports whether a status names nothing that is open, but a review that has opened meanwhile.
func (s *stage) nothingOpen(status string) bool {
	return strings.Contains(status, "Open: nothing") || s.reviewing() && !strings.Contains(status, "ransfer")
}

func TestATransferThatEndsEarlyLeavesNoInvitation(t *testing.T) {
	t.Parallel()
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { t.Parallel(); f(t) })
	}
	run("refused by one approver", func(t *testing.T) {
		s := asked(t, nil, nil)
		s.reason(ben, "transfer.refuse", "Not before the audit")
		s.shows(dee, "Refused by <@U0BEN>: “Not before the audit”")
		s.overWithoutChange("Refused")
	})
	run("declined in Slack", func(t *testing.T) {
		s := invitedOwner(t)
		s.reason(cat, "transfer.decline", "Wrong mailbox")
		s.overWithoutChange("Declined by <@U0CAT>")
	})
	run("declined at integrator.io", func(t *testing.T) {
		s := invitedOwner(t)
		s.act(integratorsim.Action{Do: "dismiss_transfer", Email: aliasEmail})
		s.overWithoutChange("Declined")
	})
	run("withdrawn", func(t *testing.T) {
		s := invitedOwner(t)
		s.reason(dee, "transfer.withdraw", "Jane stays")
		s.overWithoutChange("Cancelled by <@U0DEE>")
	})
	run("withdrawn while integrator.io is away", func(t *testing.T) {
		s := invitedOwner(t)
		for _, kind := range []integratorsim.FaultKind{integratorsim.FaultAfter, integratorsim.FaultStatus,
			integratorsim.FaultDropAfter} {
			if _, err := s.integrator.AddFault(integratorsim.Fault{Path: "/v1/transfers/**", Kind: kind}); err != nil {
				t.Fatal(err)
			}
		}
		s.reason(dee, "transfer.withdraw", "")
		s.overWithoutChange("Cancelled by <@U0DEE>")
	})
	run("cancelled in the cool-down", func(t *testing.T) {
		s := asked(t, with(t, "cooldown: 1s", "cooldown: 1h"), nil)
		s.confirmed()
		s.reason(cat, "transfer.cancel", "Too early")
		s.overWithoutChange("Cancelled by <@U0CAT>")
		s.forward(2 * time.Hour)
		s.until("the new request's confirmation", func() bool {
			return strings.Contains(s.newest(ana), "Hand Acme Production")
		})
		if got := s.invitations(); got != 0 {
			t.Errorf("%d invitations went out after the cancellation", got)
		}
	})
	run("accepted while it is being withdrawn", func(t *testing.T) {
		s := invitedOwner(t)
		var m slacksim.Message
		var block string
		s.until("the button", func() (ok bool) { m, block, ok = s.button(dee, "transfer.withdraw"); return ok })
		s.act(integratorsim.Action{Do: "accept_transfer", Email: aliasEmail})
		_, _ = s.slack.Click(s.ctx, dee, m.Channel, m.TS, block, "transfer.withdraw") // may be gone already
		s.until("the end of the race", func() bool {
			return len(s.slack.Views(dee)) > 0 || strings.Contains(s.card(dee), "now belongs to")
		})
		if v := s.slack.Views(dee); len(v) > 0 {
			_, _ = s.slack.SubmitView(s.ctx, dee, v[len(v)-1].ID, nil)
		}
		s.shows(dee, "now belongs to "+aliasEmail)
		s.settles(ben)
		s.oneInvitation()
	})
}

func TestATransferThatRunsOutOfTimeLeavesNoInvitation(t *testing.T) {
	t.Run("nobody confirms", func(t *testing.T) { atMoments(t, nobodyConfirms) })
	t.Run("nobody accepts", func(t *testing.T) { atMoments(t, nobodyAccepts) })
	t.Run("nobody signs up", func(t *testing.T) { atMoments(t, nobodySignsUp) })
}

func nobodyConfirms(t *testing.T) {
	s := asked(t, nil, nil)
	s.press(ana, "transfer.confirm")
	s.shows(ana, "<@U0ANA> confirmed")
	s.forward(73 * time.Hour)
	s.overWithoutChange("The time is over")
}

func nobodyAccepts(t *testing.T) {
	s := invitedOwner(t)
	s.forward(121 * time.Hour)
	s.overWithoutChange("The time is over")
}

func nobodySignsUp(t *testing.T) {
	s := start(t, options{})
	s.insistRequest(dee, toAlias())
	s.until("the invitation as a user", func() bool { _, ok := s.account().Snapshot().User(0, aliasEmail); return ok })
	s.shows(ana, "was invited as a user")
	s.forward(121 * time.Hour)
	s.overWithoutChange("The time is over")
}

func TestAnInvitationIsSentAgain(t *testing.T) {
	t.Parallel()
	s := invitedOwner(t)
	first := s.transfers()[0].ID
	s.press(dee, "transfer.resend")
	s.until("a second invitation", func() bool {
		all := s.transfers()
		return len(all) == 1 && all[0].ID != first && s.pending() == 1
	})
	s.acceptOwnership(aliasEmail)
	s.settles(ben)
	if got := s.invitations(); got != 2 {
		t.Errorf("%d invitations took effect, want the first and the second", got)
	}
}

// Whoever asks for a second transfer hears of the first one before a form opens; whoever has the form
// open already, when they send it.
func TestASecondTransferOfTheAccountIsRefusedWithTheIDOfTheFirst(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	view := s.form(ana)
	s.request(dee, toAlias())
	id := s.workflowID()
	if answer := s.slash(cat, "transfer acme"); !strings.Contains(answer, id) || len(s.slack.Views(cat)) > 0 {
		t.Errorf("%d forms, and the answer %q, which does not name %s", len(s.slack.Views(cat)), answer, id)
	}
	n := len(s.private(ana))
	res, err := s.slack.SubmitView(s.ctx, ana, view.ID, toAlias())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join([]string{res.Errors["account"], res.Errors["new_owner_alias"], res.Errors["reason"]}, "")
	if text == "" {
		text = s.told(ana, n)
	}
	if !strings.Contains(text, id) {
		t.Errorf("the refusal %q does not name %s", text, id)
	}
}

// TestInBothDirections hands the account to the mailbox, on to a person, and back.
func TestInBothDirections(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{})
	s.accepted()
	s.bot(t)
	s.insistRequest(dee, toAlias())
	s.confirmed()
	s.acceptOwnership(aliasEmail)
	s.bothAddresses(ownerEmail, aliasEmail)
	s.settles(ben)

	toAna := map[string]map[string]any{"new_owner_person": {"new_owner_person": ana},
		"reason":              {"reason": "The mailbox is replaced"},
		"previous_owner_role": {"previous_owner_role": "monitor"}}
	if res := s.request(dee, toAna); res.Error != "" || len(res.Errors) > 0 {
		t.Fatalf("to a person: %+v", res)
	}
	s.insistPress(ben, "transfer.confirm")
	s.insistPress(cat, "transfer.confirm")
	s.acceptOwnership("ana@acme.example")
	s.bothAddresses(aliasEmail, "ana@acme.example")
	s.until("the agreed role", func() bool {
		u, ok := s.account().Snapshot().User(0, aliasEmail)
		return ok &&
			u.Role == "monitor"
	})
	s.target = "ana@acme.example"
	s.until("ana's checklist", func() bool { return s.has(ana, "transfer.settle") })
	s.insist("ana finishing", func() bool {
		return strings.Contains(s.newest(ana), "✓ Acme Production belongs to ana@acme.example")
	}, func() {
		if v := s.slack.Views(ana); len(v) > 0 {
			_, _ = s.slack.SubmitView(s.ctx, ana, v[len(v)-1].ID, nil)
			return
		}
		s.press(ana, "transfer.settle")
	})
	s.target = ""
	if res := s.request(dee, toAlias()); res.Error != "" || len(res.Errors) > 0 {
		t.Fatalf("back to the mailbox: %+v", res)
	}
	s.insistPress(ben, "transfer.confirm")
	s.insistPress(cat, "transfer.confirm")
	s.acceptOwnership(aliasEmail)
	s.bothAddresses("ana@acme.example", aliasEmail)
	if got := s.account().Snapshot().Owner.Email; got != aliasEmail {
		t.Errorf("the owner is %s", got)
	}
	if got := s.invitations(); got != 3 {
		t.Errorf("%d invitations took effect for three transfers", got)
	}
	s.record()
}

// bothAddresses waits for the one message that names old and new owner, in the channel, and for status to say the same.
func (s *stage) bothAddresses(from, to string) {
	s.t.Helper()
	s.until("the message naming "+from+" and "+to, func() bool {
		for _, m := range s.slack.Messages(opsRoom) {
			all := m.Text + string(m.Blocks)
			if strings.Contains(m.Text, "now belongs to "+to) && strings.Contains(all, from) {
				return true
			}
		}
		return false
	})
	if got := s.slash(dee, "status acme"); !strings.Contains(got, "Owner: "+to) {
		s.t.Errorf("status says %q, want the owner %s", got, to)
	}
}

func TestThePreviousOwnerIsToldAndRemovedLast(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{})
	s.accepted()
	s.bot(t)
	fields := toAlias()
	fields["previous_owner_role"] = map[string]any{"previous_owner_role": "remove"}
	s.insistRequest(dee, fields)
	s.confirmed()
	s.acceptOwnership(aliasEmail)
	s.until("jane to be told with both addresses", func() bool {
		for _, m := range s.slack.Messages(s.slack.DM(jane)) {
			if all := m.Text + string(m.Blocks); strings.Contains(m.Text, "now belongs to") && strings.Contains(all,
				ownerEmail) && strings.Contains(all, aliasEmail) {
				return true
			}
		}
		return false
	})
	if _, ok := s.account().Snapshot().User(0, ownerEmail); !ok {
		t.Error("the previous owner was removed before anybody finished")
	}
	s.settles(ben)
	s.until("jane to be removed", func() bool { _, ok := s.account().Snapshot().User(0, ownerEmail); return !ok })
}

func TestWordsOfTheCommand(t *testing.T) {
	t.Parallel()
	s := asked(t, nil, nil)
	id := s.workflowID()
	s.until("ana's button", func() bool { return s.has(ana, "transfer.confirm") })
	says := func(who, text string, want ...string) {
		t.Helper()
		got := s.slash(who, text)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s types %q and reads %q, want %q in it", who, text, got, w)
			}
		}
	}
	says(dee, "", "/io status", "/io transfer", "/io audit")
	says(dee, "help", "/io delegate")
	says(dee, "status", "Owner: "+ownerEmail, id)
	says(dee, "owner acme", "Owner: "+ownerEmail)
	says(oli, "status nope", "There is no account", "/io status")
	says(oli, "status acm", "Did you mean `acme`")
	says(ana, "mine", id)
	says(oli, "mine", "Nothing waits for you")
	says(ana, "audit "+id, "Jane leaves on 5 December")
	says(ana, "audit "+strings.ToLower(id), "Jane leaves on 5 December")
	says(oli, "audit "+id, "none of them")
	says(ana, "audit t00-2222222222222222", "nothing under that ID")
	says(ana, "audit ../../etc/passwd", "not an ID")
	says(dee, "transfr", "Did you mean", "/io transfer")
	says(dee, "docs", "Owner:", ownerEmail)
	says(dee, "offboard somebody", "Who leaves?", "/io offboard @person")
	says(oli, "offboard <@"+cat+">", "for the accounts that are theirs")
	if got, err := s.slack.SlashCommand(s.ctx, gus, "C0GENERAL", "/io", "status"); err != nil ||
		!strings.Contains(got.Text, "uest") {
		t.Errorf("a guest reads %q (%v)", got.Text, err)
	}
	if got, err := s.slack.SlashForged(s.ctx, foreign, opsRoom, "/io", "status", nil); err != nil ||
		!strings.Contains(got.Text, "another Slack workspace") {
		t.Errorf("somebody of another workspace reads %q (%v)", got.Text, err)
	}

	// Ben lets Oli decide in his place, and both cannot count for the one seat.
	says(ben, "delegate @oli 3d", "Recorded", "<@U0OLI>")
	says(ben, "delegate @gus 3d", "othing was recorded")
	says(ben, "delegate @ben", "othing was recorded")
	s.press(oli, "transfer.confirm")
	s.shows(oli, "in place of <@U0BEN>")
	n := len(s.private(oli))
	m, block, ok := s.button(oli, "transfer.refuse")
	if ok {
		if _, err := s.slack.ClickForged(s.ctx, forged(oli, m, block, "transfer.confirm", id)); err != nil {
			t.Fatal(err)
		}
		if text := s.told(oli, n); !strings.Contains(text, "othing") && !strings.Contains(text, "already") {
			t.Errorf("oli's second click is answered %q", text)
		}
	}
	s.press(ana, "transfer.confirm")
	s.until("the invitation", func() bool { return s.pending() == 1 })
	got := votes(s.record())
	if len(got) != 2 {
		t.Errorf("recorded votes are of %v", got)
	}
	says(ben, "delegate off", "ended")
}

// TestGarbageFromTheSocketChangesNothing sends what no Slack would send; the bot answers what it can and goes on.
func TestGarbageFromTheSocketChangesNothing(t *testing.T) {
	t.Parallel()
	s := asked(t, nil, nil)
	id := s.workflowID()
	s.until("ana's button", func() bool { return s.has(ana, "transfer.confirm") })
	before := s.version(id)
	for _, raw := range []string{`{`, `[]`, `null`, `7`, `"x"`, `{}`, `{"type":7}`, `{"type":"interactive"}`,
		`{"type":"interactive","envelope_id":"e1"}`,
		`{"type":"interactive","envelope_id":"e2","payload":null}`,
		`{"type":"interactive","envelope_id":"e3","payload":{"type":"block_actions","actions":"x"}}`,
		`{"type":"interactive","envelope_id":"e4","payload":{"type":"block_actions","user":{"id":["U0ANA"]},"actions":[{}]}}`,
		`{"type":"interactive","envelope_id":"e5","payload":{"type":"view_submission","view":{"state":{"values":[]}}}}`,
		`{"type":"slash_commands","envelope_id":"e6","payload":{"command":"/io","text":7}}`,
		`{"type":"events_api","envelope_id":"e7","payload":{"event":[]}}`, `{"type":"hello"`, "\x00\xff",
		strings.Repeat("[", 100_000),
		`{"type":"slash_commands","envelope_id":"e8","payload":{"command":"/io","text":"` + strings.Repeat("x", 1<<20) +
			`"}}`} {
		if !s.slack.SendRaw([]byte(raw)) {
			s.until("the bot to come back", func() bool { return s.slack.Connections() > 0 })
		}
	}
	for _, payload := range []map[string]any{{}, {"type": "block_actions"},
		{"type": "block_actions", "user": map[string]any{"id": ana, "team_id": teamID},
			"actions": []any{map[string]any{"action_id": "transfer.confirm"}}},
		{"type": "view_submission", "user": map[string]any{"id": ana}}, {"type": "unheard"}} {
		s.until("the bot to be there", func() bool { return s.slack.Connections() > 0 })
		_, _ = s.slack.SendInteractive(s.ctx, payload)
	}
	if after := s.version(id); after != before {
		t.Errorf("garbage moved the record from version %d to %d", before, after)
	}
	s.insistVote(ana)
	s.insistVote(ben)
	s.until("the invitation", func() bool { return s.pending() == 1 })
}
