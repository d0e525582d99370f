package main

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// twoAccounts adds an account that no token reads.
func twoAccounts(yaml string) string {
	return quick(yaml) + `  - id: beta
    name: Beta Trading
    region: eu
    owner: cat@acme.example
    aliases:
      - {email: beta@acme.example, holders: [U0BEN, U0CAT], custodians: [U0BEN, U0CAT]}
    admins: [U0DEE]
    review: {reviewers: [U0DEE, U0BEN], timezone: Europe/London}
    transfer: {cooldown: 1s, watch_every: 1s}
`
}

// about is somebody's newest card that speaks of something, as text.
func (s *stage) about(who, words string) string {
	all := s.slack.Messages(s.slack.DM(who))
	for i := len(all) - 1; i >= 0; i-- {
		m := all[i]
		if m.EphemeralTo == "" && m.ThreadTS == "" && strings.Contains(string(m.Metadata), "/main/") &&
			strings.Contains(m.Text, words) {
			return m.Text + "\n" + string(m.Blocks)
		}
	}
	return ""
}

// pressOn presses a button of the card whose notification holds words.
func (s *stage) pressOn(who, words, action string) {
	s.t.Helper()
	s.pressWhere(who+"'s button "+action+" on the card about "+words, who, action,
		func() (slacksim.Message, string, bool) { return s.buttonOn(who, words, action) })
}

func (s *stage) buttonOn(who, words, action string) (slacksim.Message, string, bool) {
	for _, m := range s.slack.Messages(s.slack.DM(who)) {
		for _, b := range buttons(m) {
			if b.ActionID == action && strings.Contains(m.Text+string(m.Blocks), words) {
				return m, b.BlockID, true
			}
		}
	}
	return slacksim.Message{}, "", false
}

// catWorksHere gives Cat an access in both environments of the account.
func (s *stage) catWorksHere() {
	s.t.Helper()
	s.act(integratorsim.Action{Do: "add_user", Email: "cat@acme.example", Name: "Cat Ito", Role: "manage"})
	s.act(integratorsim.Action{Do: "add_user", Environment: "Sandbox", Email: "cat@acme.example", Name: "Cat Ito",
		Role: "administrator"})
}

// dayIn is the date of so many days from now, in the demo's time.
func (s *stage) dayIn(days int) string {
	return s.clock.Now().AddDate(0, 0, days).Format(time.DateOnly)
}

// Cat leaves two accounts with three environments on a day, by the button under the answer of whatif.
func TestCatLeavesTwoAccounts(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{edit: twoAccounts})
	s.catWorksHere()
	s.bot(t)
	s.slash(cat, "delegate <@"+ana+">")
	answer, err := s.slack.SlashCommand(s.ctx, dee, opsRoom, "/io", "whatif <@"+cat+">")
	if err != nil || !strings.Contains(answer.Text, "*Beta Trading*") || !strings.Contains(answer.Text,
		"an address of one person") {
		t.Fatalf("whatif answers %+v, %v", answer, err)
	}
	s.pressWhere("the way into the form", dee, "offboard.start", func() (slacksim.Message, string, bool) {
		for _, m := range s.slack.Messages(opsRoom) {
			for _, b := range buttons(m) {
				if b.ActionID == "offboard.start" && m.TS == answer.MessageTS {
					return m, b.BlockID, true
				}
			}
		}
		return slacksim.Message{}, "", false
	})
	s.fill(dee, map[string]map[string]any{"last_day": field("last_day", s.dayIn(3)),
		"reason": field("reason", "New job")})
	s.until("the card of each account", func() bool {
		return strings.Contains(s.about(dee, "leaves Acme Production"), "Access to Sandbox") &&
			strings.Contains(s.about(dee, "leaves Beta Trading"), "The account itself, owned by cat@acme.example")
	})
	if s.about(cat, "leaves") != "" {
		t.Error("Cat has a card")
	}
	s.forward(4 * 24 * time.Hour)
	for range 2 {
		s.until("a removal to approve", func() bool {
			_, _, ok := s.buttonOn(ana, "Acme Production", "access.approve")
			return ok
		})
		before := strings.Count(s.about(dee, "leaves Acme Production"), "… Access to")
		s.pressOn(ana, "Acme Production", "access.approve")
		s.until("the removal", func() bool {
			return strings.Count(s.about(dee, "leaves Acme Production"), "… Access to") < before
		})
	}
	if _, there := s.user("cat@acme.example"); there {
		t.Error("Cat is a user of production")
	}
	s.until("the delegation to end", func() bool {
		return !strings.Contains(s.about(dee, "leaves Acme Production"), "… Delegations")
	})
	if got := s.slash(cat, "delegate off"); !strings.Contains(got, "You have no delegation") {
		t.Errorf("the delegation: %s", got)
	}
	s.pressOn(dee, "Acme Production", "offboard.done")
	s.fill(dee, map[string]map[string]any{"step": field("step", "tokens"),
		"note": field("note", "Revoked the warehouse token")})
	s.pressOn(ben, "Beta Trading", "offboard.cancel")
	s.fill(ben, map[string]map[string]any{"reason": field("reason", "She stays there")})
	s.until("that Beta is not left", func() bool {
		return strings.Contains(s.about(dee, "Beta Trading"), "does not leave Beta Trading")
	})
	s.pressOn(dee, "Acme Production", "offboard.settle")
	s.until("the end", func() bool {
		card := s.about(ana, "has left Acme Production")
		return strings.Contains(card, "and something is open") && strings.Contains(card, "the configuration") &&
			strings.Contains(card, "the key")
	})
}

// leaving takes Cat's leaving from the form to its end, with what the test of killing cannot do by itself left out.
func (s *stage) leaving() {
	s.t.Helper()
	form := map[string]map[string]any{"person": field("person", cat), "reason": field("reason", "New job"),
		"steps": field("steps", []string{"access", "delegations", "tokens"})}
	s.insist("the form", func() bool { return s.about(dee, "leaves Acme Production") != "" }, func() {
		if len(s.slack.Views(dee)) == 0 {
			_, _ = s.slack.SlashCommand(s.ctx, dee, opsRoom, "/io", "offboard <@"+cat+">")
		}
		s.waitFor(func() bool { return len(s.slack.Views(dee)) > 0 })
		if v := s.slack.Views(dee); len(v) > 0 {
			_, _ = s.slack.SubmitView(s.ctx, dee, v[len(v)-1].ID, form)
		}
	})
	for i := range 2 {
		done := func() bool {
			card := s.about(dee, "leaves Acme Production")
			return card == "" || strings.Contains(card, "steps done") && 2-strings.Count(card, "… Access to") > i
		}
		s.insist("a removal", done, func() {
			if m, block, ok := s.buttonOn(ana, "Remove cat@acme.example", "access.approve"); ok {
				_, _ = s.slack.Click(s.ctx, ana, m.Channel, m.TS, block, "access.approve")
			}
		})
	}
	s.insistForm(ana, "offboard.done", map[string]map[string]any{"step": field("step", "tokens")})
	s.until("the end on every card", func() bool {
		for _, who := range []string{dee, ana, ben} {
			if !strings.Contains(s.about(who, "has left Acme Production"), "All of it is done") {
				return false
			}
		}
		return true
	})
}

// TestKilledAtEveryCommitAnOffboardingGoesOn kills the real program before and after each commit of
// an offboarding, from the form to its end.
func TestKilledAtEveryCommitAnOffboardingGoesOn(t *testing.T) {
	t.Parallel()
	k := killed{edit: quick, before: func(r *killRun) { r.catWorksHere() }, play: func(r *killRun) {
		r.leaving()
	}, judge: func(r *killRun) {
		r.stopped()
		all := r.export(r.path, r.url)
		for kind, want := range map[string]int{"requested": 1, "planned": 1, "day": 1, "asked": 2, "gone": 2,
			"step_begun": 3, "step_done": 1, "done": 1} {
			if n := count(all, "offboard."+kind); n != want {
				r.t.Errorf("offboard.%s is recorded %d times, want %d", kind, n, want)
			}
		}
	}}
	k.everywhere(t)
}

// A token that nobody knows is found once the list has been read twice, and Keyholder knows its own by its name.
func TestATokenThatNobodyKnowsIsFound(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{edit: named})
	s.bot(t)
	s.until("the own token to be known", func() bool {
		return strings.Contains(s.slash(dee, "key acme"),
			"Keyholder's own token “Keyholder”: of the account, does not end by itself")
	})
	if got := s.slash(oli, "docs"); !strings.Contains(got, "*API tokens in production:*") {
		t.Errorf("the documentation does not count tokens:\n%s", got)
	}
	made, err := s.integrator.Act(integratorsim.Action{Do: "make_token", Name: "Night job", Role: "full"})
	if err != nil {
		t.Fatal(err)
	}
	s.slash(dee, "who acme")
	s.pressOn(dee, "A new API token with full access in production: “Night job”", "access.ask")
	s.inChannel("Whose is the API token “Night job” of Acme Production")
	s.act(integratorsim.Action{Do: "revoke_token", Token: made.ID})
	s.slash(dee, "who acme")
	s.until("the finding to be over", func() bool { return strings.Contains(s.all(dee), "It is revoked or gone") })
}
