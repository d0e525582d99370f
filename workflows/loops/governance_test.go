package loops_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/record"
)

const (
	rulesBefore = `{"owner":"jane@acme.example","approvers":["U0ANA","U0BEN"],"aliases":[{"email":"celigo@acme.example","holders":["U0ANA"],"custodians":[]}],"transfer":{"quorum":2},"review":{"reviewers_by_integration":{"A & B":["U0CAT"]}}}`
	rulesAfter  = `{"owner":"jane@acme.example","approvers":["U0BEN"],"aliases":[{"email":"celigo@acme.example","holders":["U0ANA","S0TEAM"],"custodians":[]}],"transfer":{"quorum":1},"review":{"reviewers_by_integration":{"A & B":["U0CAT"]}}}`
)

var accountRef = workflows.Ref{Kind: workflows.KindAccount, ID: "acme"}

// starts is a process that starts with some rules; n makes its command one of its own.
func (r *road) starts(d *loops.Desk, n, name, rules string) error {
	id, err := d.NewWorkflowID("governance", "acme", "governance")
	if err != nil {
		return err
	}
	_, err = d.Do(context.Background(), workflows.Command{ID: n, Workflow: id, Account: "acme", Name: name,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder},
		At:    r.clock(), Round: workflows.NoRound, Input: map[string]string{record.BlockRules: rules,
			record.BlockFile: strings.Repeat("ab", 32)}})
	return err
}

func (r *road) accountEvents(kind string) []workflows.GovernanceChange {
	r.t.Helper()
	events, err := r.store.Events(context.Background(), accountRef, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []workflows.GovernanceChange
	for _, e := range events {
		if e.Type == kind {
			var b workflows.GovernanceChange
			if err := json.Unmarshal(e.Body, &b); err != nil {
				r.t.Fatal(err)
			}
			out = append(out, b)
		}
	}
	return out
}

// cards delivers what is due and answers the cards among it.
func (r *road) cards(d *loops.Desk) []workflows.Card {
	r.t.Helper()
	cards := &script{do: done}
	c := loops.NewCourier(loops.CourierOptions{Store: r.store, Desk: d, Cards: cards, Calls: &script{do: done},
		Now: r.clock, RealNow: time.Now,
		Log: zerolog.Nop()})
	r.run(c.Run, func() bool {
		for _, k := range r.server.Keys() {
			if strings.Contains(k, ":due:") {
				return false
			}
		}
		return true
	})
	var out []workflows.Card
	for _, c := range cards.calls {
		out = append(out, *c.Effect.Card)
	}
	return out
}

func watched(t *testing.T) *road {
	t.Helper()
	r := newRoad(t, record.Governance())
	if err := r.starts(r.Desk, "first", record.OpenGovernance, rulesBefore); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRulesSeenForTheFirstTimeAreRecordedInSilence(t *testing.T) {
	r := watched(t)
	seen := r.accountEvents(workflows.GovernanceSeen)
	if len(seen) != 1 || seen[0].Old != nil || len(seen[0].File) != 64 {
		t.Errorf("recorded %+v", seen)
	}
	if cards := r.cards(r.Desk); len(cards) > 0 {
		t.Errorf("the channel is told %+v", cards)
	}
	before := r.store.writes
	if err := r.starts(r.Desk, "again", record.LookGovernance, rulesBefore); err != nil || r.store.writes != before {
		t.Errorf("a start with the same rules: %v, %d commits", err, r.store.writes-before)
	}
}

func TestAChangeOfRulesIsRecordedAndTold(t *testing.T) {
	r := watched(t)
	if err := r.starts(r.Desk, "second", record.LookGovernance, rulesAfter); err != nil {
		t.Fatal(err)
	}
	changed := r.accountEvents(workflows.GovernanceChanged)
	if len(changed) != 1 || !strings.Contains(string(changed[0].Old), `"quorum":2`) ||
		!strings.Contains(string(changed[0].New), `"quorum":1`) {
		t.Fatalf("recorded %+v", changed)
	}
	if want := []string{"holders of celigo@acme.example", "who may confirm a transfer",
		"confirmations a transfer needs"}; !slices.Equal(changed[0].Differs, want) {
		t.Errorf("it differs in %q, want %q", changed[0].Differs, want)
	}
}

// policyWithChannel is a policy whose account has a channel.
type policyWithChannel struct{ onePolicy }

func (p policyWithChannel) Policy(id string) (workflows.Policy, bool) {
	policy, ok := p.onePolicy.Policy(id)
	policy.Channel = "C0OPS"
	return policy, ok
}

func TestTheChannelHearsWhoMayDecideBeforeAndAfter(t *testing.T) {
	r := watched(t)
	d := loops.NewDesk(loops.DeskOptions{Store: r.store, Machines: []workflows.Machine{record.Governance()},
		Roster: r, Policies: policyWithChannel{}, Now: r.clock})
	for i, rules := range []string{rulesAfter, rulesBefore} {
		if err := r.starts(d, "start"+rules, record.LookGovernance, rules); err != nil {
			t.Fatal(err)
		}
		cards := r.cards(d)
		if len(cards) != 1 || cards[0].Recipient != "C0OPS" || cards[0].Name != []string{"change-1", "change-2"}[i] {
			t.Fatalf("after change %d: %+v", i+1, cards)
		}
		text := strings.Join(slices.Concat(cards[0].Lines, cards[0].Facts), "\n")
		for _, want := range [][]string{{"before <@U0ANA> and <@U0BEN>; now <@U0BEN>",
			"now <@U0ANA> and <!subteam^S0TEAM>", "Confirmations a transfer needs*: before 2; now 1"},
			{"before <@U0BEN>; now <@U0ANA> and <@U0BEN>", "before <@U0ANA> and <!subteam^S0TEAM>; now <@U0ANA>",
				"before 1; now 2"}}[i] {
			if !strings.Contains(text, want) {
				t.Errorf("change %d does not say %q:\n%s", i+1, want, text)
			}
		}
	}
}

func TestProcessesThatStartTogetherRecordAChangeOnce(t *testing.T) {
	r := watched(t)
	var all sync.WaitGroup
	for _, n := range []string{"a", "b", "c", "d"} {
		d := r.desk(record.Governance()) // no lock in common
		all.Go(func() {
			if err := r.starts(d, n, record.LookGovernance, rulesAfter); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := r.accountEvents(workflows.GovernanceChanged); len(got) != 1 {
		t.Errorf("%d changes are recorded", len(got))
	}
}

func TestAnOwnerWhomOnlyTheConfigurationNamedCanBeCorrectedThere(t *testing.T) {
	r := watched(t)
	corrected := strings.Replace(rulesBefore, "jane@", "june@", 1)
	if err := r.starts(r.Desk, "second", record.LookGovernance, corrected); err != nil {
		t.Fatal(err)
	}
	if owner, err := r.Owner(context.Background(), "acme"); err != nil || owner != "june@acme.example" {
		t.Errorf("the owner is %s, %v", owner, err)
	}
	for email, may := range map[string]bool{"june@acme.example": true, "jane@acme.example": false} {
		who := workflows.Person{ID: "U0OTHER", Email: email, EmailConfirmed: true}
		if got := r.MayRead(context.Background(), who, "acme"); got != may {
			t.Errorf("%s may read the record: %v, though the owner on record is june@acme.example", email, got)
		}
	}
	a := workflows.AccountState{Owner: "celigo@acme.example", By: "t00-7KQ2M9XA"}
	body, _ := json.Marshal(workflows.GovernanceChange{Old: json.RawMessage(rulesBefore),
		New: json.RawMessage(corrected)})
	a, err := workflows.ApplyAccount(a, workflows.Event{Type: workflows.GovernanceChanged, Body: body})
	if err != nil || a.Owner != "celigo@acme.example" {
		t.Errorf("an owner that a decision made became %s, %v", a.Owner, err)
	}
}

func TestOnlyTheProgramGivesRules(t *testing.T) {
	r := watched(t)
	id, _ := r.NewWorkflowID("governance", "acme", "governance")
	_, err := r.Do(context.Background(), workflows.Command{ID: "x", Workflow: id, Name: record.LookGovernance,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0OLI"},
		At:    r.clock(), Input: map[string]string{record.BlockRules: rulesAfter}})
	if err == nil || len(r.accountEvents(workflows.GovernanceChanged)) > 0 {
		t.Errorf("a person's rules: %v", err)
	}
	if err := r.starts(r.Desk, "y", record.LookGovernance, `{"owner":`); err == nil {
		t.Error("what is no JSON was taken")
	}
}
