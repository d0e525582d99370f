package loops_test

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
)

// counted counts the round trips of a desk.
type counted struct {
	*store.Store
	loads, commits atomic.Int64
}

func (c *counted) Load(ctx context.Context, refs ...workflows.Ref) ([]workflows.Record, error) {
	c.loads.Add(1)
	return c.Store.Load(ctx, refs...)
}

func (c *counted) Commit(ctx context.Context, change workflows.Change) error {
	c.commits.Add(1)
	return c.Store.Commit(ctx, change)
}

// trips answers loads and commits since it was asked last.
func (c *counted) trips() [2]int64 { return [2]int64{c.loads.Swap(0), c.commits.Swap(0)} }

// seen notes the delegations that its machine was given last.
type seen struct {
	small
	givers *[]string
}

func (s seen) Decide(st workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	*s.givers = nil
	for _, g := range f.Delegations {
		*s.givers = append(*s.givers, g.From)
	}
	return s.small.Decide(st, cmd, f)
}

// tripDesk is a process of its own on a store.
func tripDesk(st *store.Store, at time.Time) (*loops.Desk, *counted, *[]string) {
	c, givers := &counted{Store: st}, &[]string{}
	clock := func() time.Time { return at }
	return loops.NewDesk(loops.DeskOptions{Store: c, Machines: []workflows.Machine{seen{small{1}, givers}},
		Roster:   knownPeople{at},
		Policies: manyPolicies{}, Now: clock, Log: zerolog.Nop()}), c, givers
}

// knownPeople knows everybody, since a moment.
type knownPeople struct{ at time.Time }

func (k knownPeople) People(_ context.Context, ids []string) (map[string]workflows.Person, error) {
	out := map[string]workflows.Person{}
	for _, id := range ids {
		out[id] = workflows.Person{ID: id, At: k.at}
	}
	return out, nil
}
func (knownPeople) Group(context.Context, string) ([]string, error) { return nil, nil }
func (knownPeople) ByEmail(context.Context, string) (string, error) { return "", nil }

// A process that knows the workflow loads delegations alone; one that does not brings them along with what it loads.
func TestADecisionCostsFewRoundTrips(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	st := storetest.Open(t)
	a, atA, _ := tripDesk(st, at)
	b, atB, givers := tripDesk(st, at)
	cmd := workflows.Command{ID: "give", At: at, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: smallPeople[3]}}
	if _, err := b.Delegate(context.Background(), cmd, smallPeople[0], at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	give := func(d *loops.Desk, seed string, k int) {
		t.Helper()
		id, err := d.NewWorkflowID("small", "acme", seed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Do(context.Background(), workflows.Command{ID: id + "/" + smallCommands[k] + smallPeople[k],
			Workflow: id, Account: "acme",
			Name: smallCommands[k], At: at, Round: 1, Actor: workflows.Actor{Kind: workflows.ByPerson,
				ID: smallPeople[k]}}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(who string, c *counted, loads, commits int64) {
		t.Helper()
		if got := c.trips(); got != [2]int64{loads, commits} {
			t.Errorf("%s: %d loads and %d commits, want %d and %d", who, got[0], got[1], loads, commits)
		}
	}
	give(a, "one", 0)
	give(a, "two", 0)
	atA.trips()
	atB.trips()
	give(a, "one", 1)
	expect("one that is kept", atA, 1, 1)
	give(b, "one", 2)
	expect("the first of its kind, of an account that is not known", atB, 3, 1)
	give(b, "two", 1)
	expect("one that is not kept, of an account that is not known", atB, 2, 1)
	if len(*givers) != 1 || (*givers)[0] != smallPeople[3] {
		t.Errorf("what was brought along was not used: delegations of %v", *givers)
	}
	give(a, "two", 2)
	expect("one that moved on elsewhere is loaded whole, once", atA, 2, 2)
}

// That an account has no record is kept as well, and compared: once somebody wrote it, the decision is made again.
func TestAnAccountThatGetsARecordIsSeen(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	st := storetest.Open(t)
	d, trips, _ := tripDesk(st, at)
	ctx := context.Background()
	id, err := d.NewWorkflowID("small", "acme", "one")
	if err != nil {
		t.Fatal(err)
	}
	give := func(k int) {
		t.Helper()
		if _, err := d.Do(ctx, workflows.Command{ID: smallCommands[k] + smallPeople[k], Workflow: id, Account: "acme",
			Name: smallCommands[k], At: at,
			Round: 1, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: smallPeople[k]}}); err != nil {
			t.Fatal(err)
		}
	}
	give(0)
	give(1)
	ref := workflows.Ref{Kind: workflows.KindAccount, ID: "acme"}
	raw, err := json.Marshal(workflows.AccountState{ID: "acme", Owner: "jane@acme.example"})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Commit(ctx, workflows.Change{Records: []workflows.RecordChange{{From: workflows.Record{Ref: ref},
		State: raw, Schema: 1, Machine: ref.Kind,
		Events: []workflows.Event{{Seq: 1, Type: workflows.AccountSeen, At: at, Body: raw}}}}})
	if err != nil {
		t.Fatal(err)
	}
	trips.trips()
	give(2)
	if got := trips.trips(); got[1] != 2 {
		t.Errorf("%d commits, want one that met the new record and one that stored", got[1])
	}
	events, err := st.Events(ctx, workflows.RecordRef(id), 0)
	if err != nil || len(events) != 3 {
		t.Errorf("%d events (%v), want 3", len(events), err)
	}
}
