package roster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

func TestStandingOfUsers(t *testing.T) {
	own := slackapi.Self{Team: "T1"}
	org := slackapi.Self{Team: "T1", Enterprise: "E1"}
	for _, c := range []struct {
		name string
		me   slackapi.Self
		u    slack.User
		want string
	}{
		{"full member", own, slack.User{ID: "U1", TeamID: "T1"}, ""},
		{"administrator", own, slack.User{ID: "U1", TeamID: "T1", IsAdmin: true}, ""},
		{"Slackbot, whose is_bot is false", own, slack.User{ID: "USLACKBOT", TeamID: "T1"}, workflows.StandingBot},
		{"bot", own, slack.User{ID: "U1", TeamID: "T1", IsBot: true}, workflows.StandingBot},
		{"app user", own, slack.User{ID: "U1", TeamID: "T1", IsAppUser: true}, workflows.StandingBot},
		{"workflow bot", own, slack.User{ID: "U1", TeamID: "T1", IsWorkflowBot: true}, workflows.StandingBot},
		{"connector bot", own, slack.User{ID: "U1", TeamID: "T1", IsConnectorBot: true}, workflows.StandingBot},
		{"deactivated", own, slack.User{ID: "U1", TeamID: "T1", Deleted: true}, workflows.StandingDeactivated},
		{"guest", own, slack.User{ID: "U1", TeamID: "T1", IsRestricted: true}, workflows.StandingGuest},
		{"single-channel guest", own, slack.User{ID: "U1", TeamID: "T1", IsRestricted: true, IsUltraRestricted: true},
			workflows.StandingGuest},
		{"deactivated guest", own, slack.User{ID: "U1", TeamID: "T1", IsRestricted: true, Deleted: true},
			workflows.StandingDeactivated},
		{"invited", own, slack.User{ID: "U1", TeamID: "T1", IsInvitedUser: true}, workflows.StandingInvited},
		{"foreigner who shares a channel", own, slack.User{ID: "U1", TeamID: "T2"}, workflows.StandingForeign},
		{"stranger", own, slack.User{ID: "U1", TeamID: "T1", IsStranger: true}, workflows.StandingForeign},
		{"without a team", own, slack.User{ID: "U1"}, workflows.StandingForeign},
		{"other workspace, no organisation of ours", own, slack.User{ID: "U1", TeamID: "T2",
			Enterprise: slack.EnterpriseUser{EnterpriseID: "E1"}}, workflows.StandingForeign},
		{"other workspace of our organisation", org, slack.User{ID: "U1", TeamID: "T2",
			Enterprise: slack.EnterpriseUser{EnterpriseID: "E1"}}, ""},
		{"other organisation", org, slack.User{ID: "U1", TeamID: "T2",
			Enterprise: slack.EnterpriseUser{EnterpriseID: "E2"}}, workflows.StandingForeign},
		{"guest of our organisation", org, slack.User{ID: "U1", TeamID: "T2", IsRestricted: true,
			Enterprise: slack.EnterpriseUser{EnterpriseID: "E1"}}, workflows.StandingGuest},
	} {
		if got := standing(c.u, c.me); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPeopleAreDescribedAsSlackSeesThem(t *testing.T) {
	r := newRig(t, slacksim.Options{}, time.Now)
	r.sim.AddUser(slacksim.User{ID: "UNEW", Name: "new", Email: "New@Acme.example", EmailUnconfirmed: true})
	r.sim.Deactivate("UCAT")
	people, err := r.People(r.ctx(), []string{"UANA", "UCAT", "UGUEST", "UFOREIGN", "UNEW", "UNOBODY", "USLACKBOT",
		"not an id", "UANA"})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"UANA": "", "UCAT": workflows.StandingDeactivated,
		"UGUEST": workflows.StandingGuest, "UFOREIGN": workflows.StandingForeign,
		"UNEW": "", "UNOBODY": workflows.StandingUnknown, "USLACKBOT": workflows.StandingBot,
		"not an id": workflows.StandingUnknown} {
		p, ok := people[id]
		if !ok || p.Standing != want || p.ID != id || p.At.IsZero() {
			t.Errorf("%s: %+v", id, p)
		}
	}
	if p := people["UANA"]; p.Email != "ana@acme.example" || !p.EmailConfirmed || p.TimeZone == "" || p.Name != "ANA" ||
		p.Team != "T0ACME" {
		t.Errorf("Ana = %+v", p)
	}
	if p := people["UNEW"]; p.Email != "" || p.EmailConfirmed || p.Unconfirmed == "" {
		t.Errorf("an unconfirmed e-mail counts: %+v", p)
	}
}

func TestPeopleAreAskedForOnceAndAfresh(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	r := newRig(t, slacksim.Options{}, clock)
	r.sim.InjectFault(slacksim.Rule{Method: "users.info", Kind: slacksim.FaultLate, Delay: 100 * time.Millisecond})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := r.People(r.ctx(), []string{"UANA"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := r.calls("users.info"); n != 1 {
		t.Errorf("%d look-ups for twenty who asked at once", n)
	}
	r.sim.Deactivate("UANA")
	mu.Lock()
	now = now.Add(MaxAge)
	mu.Unlock()
	people, err := r.People(r.ctx(), []string{"UANA"})
	if err != nil || people["UANA"].Standing != workflows.StandingDeactivated {
		t.Errorf("after %v: %+v, %v", MaxAge, people, err)
	}
	if MaxAge >= workflows.FactsMaxAge {
		t.Error("people are cached for as long as facts may be old")
	}
}

func TestRosterNeverGuesses(t *testing.T) {
	for _, kind := range []slacksim.FaultKind{slacksim.FaultErrorBefore, slacksim.FaultDrop, slacksim.FaultAPIError,
		slacksim.FaultRateLimitedBare} {
		r := newRig(t, slacksim.Options{}, time.Now)
		r.sim.InjectFault(slacksim.Rule{Method: "user*", Kind: kind})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := r.People(ctx, []string{"UANA"}); !errors.Is(err, workflows.ErrAway) {
			t.Errorf("%s: people: %v", kind, err)
		}
		if _, err := r.Group(ctx, "S0OPS"); !errors.Is(err, workflows.ErrAway) {
			t.Errorf("%s: group: %v", kind, err)
		}
		if _, err := r.ByEmail(ctx, "ana@acme.example"); !errors.Is(err, workflows.ErrAway) {
			t.Errorf("%s: e-mail: %v", kind, err)
		}
		cancel()
	}
}

func TestShortRateLimitIsWaitedOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, slacksim.Options{}, time.Now)
	r.sim.InjectFault(slacksim.Rule{Method: "users.info", Kind: slacksim.FaultRateLimited, RetryAfter: time.Second,
		Times: 1})
	people, err := r.People(r.ctx(), []string{"UANA"})
	if err != nil || people["UANA"].Standing != "" {
		t.Errorf("%+v, %v", people, err)
	}
	r.sim.InjectFault(slacksim.Rule{Method: "users.info", Kind: slacksim.FaultRateLimited, RetryAfter: time.Minute})
	begun := time.Now()
	if _, err := r.People(r.ctx(), []string{"UBEN"}); err == nil || time.Since(begun) > 2*time.Second {
		t.Errorf("a minute's limit: %v after %v", err, time.Since(begun))
	}
}

func TestGroupsAndAddresses(t *testing.T) {
	r := newRig(t, slacksim.Options{}, time.Now)
	r.sim.AddUserGroup("S0OPS", "ops", []string{"UANA", "UBEN"})
	if m, err := r.Group(r.ctx(), "S0OPS"); err != nil || len(m) != 2 {
		t.Errorf("group: %v, %v", m, err)
	}
	if m, err := r.Group(r.ctx(), "S0NONE"); err != nil || len(m) != 0 {
		t.Errorf("unknown group: %v, %v", m, err)
	}
	for email, want := range map[string]string{" ANA@acme.example ": "UANA", "nobody@acme.example": ""} {
		if id, err := r.ByEmail(r.ctx(), email); err != nil || id != want {
			t.Errorf("%s: %q, %v", email, id, err)
		}
	}
	poor := newRig(t, slacksim.Options{Scopes: []string{"users:read"}}, time.Now)
	if id, err := poor.ByEmail(poor.ctx(), "ana@acme.example"); err != nil || id != "" {
		t.Errorf("without the scope: %q, %v", id, err)
	}
	if p, err := poor.People(poor.ctx(), []string{"UANA"}); err != nil || p["UANA"].Email != "" {
		t.Errorf("without the scope: %+v, %v", p, err)
	}
}
