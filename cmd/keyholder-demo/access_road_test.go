package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// benForADay asks that Ben may manage for a day.
func benForADay() map[string]map[string]any {
	return map[string]map[string]any{
		"person": field("person", ben), "change": field("change", "change"), "role": field("role", "manage"),
		"for": field("for", "1d"), "reason": field("reason", "Repairs the order flow")}
}

func (s *stage) roleOf(email string) string {
	u, ok := s.user(email)
	if !ok {
		return "absent"
	}
	return u.Role
}

func TestAccessWithoutATokenIsDoneInThePagesAndAttested(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{edit: with(t, "    token_env: ACME_IO_TOKEN\n", "",
		"{name: Sandbox, token_env: ACME_SANDBOX_TOKEN}", "{name: Sandbox}")})
	s.bot(t)
	s.askAccess(dee, benForADay())
	s.insistPress(ana, "access.approve")
	s.shows(dee, "Then press “It is done”")
	s.press(dee, "access.attest")
	s.shows(ben, "<@U0DEE> says so")
	s.forward(25 * time.Hour)
	s.shows(cat, "please end it in integrator.io") // the button of the first question may still stand on her card
	s.insistPress(cat, "access.attest")
	s.shows(ben, "It has ended")
	if calls := s.integrator.Log(); len(calls) > 0 {
		t.Errorf("without a token integrator.io was called: %+v", calls)
	}
}

func TestAccessWithATokenThatMayOnlyReadIsDoneByPeople(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	for _, method := range []string{"PUT", "POST", "DELETE"} {
		if _, err := s.integrator.AddFault(integratorsim.Fault{Method: method, Path: "/v1/ashares/**", Times: -1,
			Kind: integratorsim.FaultStatus, Status: 403}); err != nil {
			t.Fatal(err)
		}
	}
	s.askAccess(dee, benForADay())
	s.press(ana, "access.approve")
	s.shows(dee, "refused it to Keyholder's token")
	s.shows(dee, "Then press “It is done”")
	s.act(integratorsim.Action{Do: "change_role", Email: "ben@acme.example", Role: "manage"})
	s.shows(ben, "has access to Acme Production for a time") // noticed, though nobody said so
	s.shows(ben, "seen at integrator.io")
	if got := s.roleOf("ben@acme.example"); got != "manage" {
		t.Errorf("the role is %s", got)
	}
}

func TestWhoAnswersInTimeForFiveThousandUsers(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{})
	env := s.account().Production()
	users := 5000
	if raceDetector {
		users = 1000 // the detector makes both ends many times slower; the pages are the same
	}
	for i := range users {
		env.AddUser(integratorsim.User{Email: fmt.Sprintf("user%04d@acme.example", i), Name: fmt.Sprint("User ", i),
			Role: "monitor", LastSignIn: s.clock.Now()})
	}
	s.bot(t)
	var got string
	// A page is a table, sent beside the acknowledgement, which would not hold it. The simulator shows
	// operation_timeout to whoever waits longer than Slack's 3 s, and refuses what is over its limits.
	asks := func(text, page string) {
		s.insist(page, func() bool { return strings.Contains(got, page) }, func() {
			s.slash(dee, text)
			all := s.private(dee)
			got = all[len(all)-1].Text
		})
	}
	asks("who acme", "Page 1 of")
	if !strings.Contains(got, "Owner: "+ownerEmail) ||
		!strings.Contains(got, ", administrator*\n• dee@acme.example\n") {
		t.Errorf("the first page lacks the owner or the administrator: %.600q", got)
	}
	asks(fmt.Sprint("who acme ", users/125), fmt.Sprintf("Page %d of", users/125))
	if n := len(got); n > 12_000 {
		t.Errorf("a page has %d bytes", n)
	}
}

// TestKilledAtEveryCommitAnAccessGoesOn kills the real program before and after each commit of an
// access for a time, from the request to its restored end.
func TestKilledAtEveryCommitAnAccessGoesOn(t *testing.T) {
	t.Parallel()
	k := killed{edit: brief, play: func(r *killRun) { r.lend() }, judge: func(r *killRun) {
		if writes := r.account().Effects("PUT /v1/ashares/{id}"); writes != 2 {
			r.t.Errorf("the access was written %d times, want twice: given and restored", writes)
		}
	}}
	k.everywhere(t)
}

// TestAccessInBadWeather lends access while both services misbehave: it is given once and restored once all the same.
func TestAccessInBadWeather(t *testing.T) {
	t.Parallel()
	for seed := range seeds(4, 2) {
		t.Run(fmt.Sprintf("seed-%d", seed+1), func(t *testing.T) {
			t.Parallel()
			s := prepare(t, options{seed: uint64(seed + 1), faults: true, edit: brief})
			s.bot(t)
			s.lend()
			if writes := s.account().Effects("PUT /v1/ashares/{id}"); writes != 2 {
				t.Errorf("the access was written %d times, want twice: given and restored", writes)
			}
		})
	}
}

// brief makes an access for a time last seconds.
func brief(yaml string) string {
	return quick(yaml) + "    access: {for: [3s, always], default_for: 3s, notice: [1s], drift_every: 1h}\n"
}

// lend lets Ben manage for three seconds, as impatient people do, and waits until he has his former role again.
func (s *stage) lend() {
	s.t.Helper()
	fields := benForADay()
	fields["for"] = field("for", "3s")
	asked := func() bool { return strings.Contains(s.card(ben), "ben@acme.example") }
	s.insist("the request", asked, func() {
		if len(s.slack.Views(dee)) == 0 {
			_, _ = s.slack.SlashCommand(s.ctx, dee, opsRoom, "/io", "access acme")
		}
		if views := s.slack.Views(dee); len(views) > 0 {
			_, _ = s.slack.SubmitView(s.ctx, dee, views[len(views)-1].ID, fields)
		}
	})
	voted := func() bool { return strings.Contains(s.card(ben), "<@U0ANA> approved") }
	s.insist("Ana's approval", voted, func() {
		if m, block, ok := s.button(ana, "access.approve"); ok {
			_, _ = s.slack.Click(s.ctx, ana, m.Channel, m.TS, block, "access.approve")
		}
	})
	s.until("the end", func() bool { return strings.Contains(s.card(ben), "It has ended") })
	if got := s.roleOf("ben@acme.example"); got != "monitor" {
		s.t.Errorf("the role is %s, want the former one", got)
	}
}
