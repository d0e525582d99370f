package loops_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/record"
)

// road is a desk on a store of its own, with a clock that only the test moves.
type road struct {
	*loops.Desk
	t      *testing.T
	store  *faultyStore
	server *miniredis.Miniredis
	mu     sync.Mutex
	now    time.Time
	stale  time.Duration // how old the roster's answers are
	bad    map[string]string
	// look, where set, runs before each look-up of people; an error is the answer.
	look func(ctx context.Context, ids []string) error
}

var epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func newRoad(t *testing.T, machines ...workflows.Machine) *road {
	t.Helper()
	server := miniredis.RunT(t)
	st, err := store.Open(context.Background(), store.Options{URL: "redis://" + server.Addr(), Shards: 4,
		Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	r := &road{t: t, server: server, store: &faultyStore{Store: st}, now: epoch, bad: map[string]string{}}
	if machines == nil {
		machines = []workflows.Machine{tally{}}
	}
	r.Desk = r.desk(machines...)
	return r
}

func (r *road) desk(machines ...workflows.Machine) *loops.Desk {
	return loops.NewDesk(loops.DeskOptions{Store: r.store, Machines: machines, Roster: r, Policies: onePolicy{},
		Now: r.clock, Log: zerolog.Nop()})
}

func (r *road) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *road) forward(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// People implements workflows.Roster.
func (r *road) People(ctx context.Context, ids []string) (map[string]workflows.Person, error) {
	if r.look != nil {
		if err := r.look(ctx, ids); err != nil {
			return nil, err
		}
	}
	out := map[string]workflows.Person{}
	for _, id := range ids {
		out[id] = workflows.Person{ID: id, Standing: r.bad[id], At: r.clock().Add(-r.stale)}
	}
	return out, nil
}

// Group implements workflows.Roster.
func (*road) Group(context.Context, string) ([]string, error) { return []string{"U0ANA"}, nil }

// ByEmail implements workflows.Roster.
func (*road) ByEmail(context.Context, string) (string, error) { return "", nil }

type onePolicy struct{}

func (onePolicy) Policy(id string) (workflows.Policy, bool) {
	return workflows.Policy{ID: "acme", Name: "Acme", Owner: "jane@acme.example", Admins: []string{"U0DEE"},
		Approvers: []string{"S0GROUP"}}, id == "acme"
}
func (onePolicy) Accounts() []string { return []string{"acme"} }

// faultyStore loses or delays what the test tells it to.
type faultyStore struct {
	*store.Store
	mu sync.Mutex
	// before and after run around each commit; an error of before means that nothing was stored,
	// one of after that it was.
	before, after func(workflows.Change) error
	loads, writes int
	// unconfirmed: no replica says that it has what was read.
	unconfirmed bool
}

// fail sets what runs before each commit.
func (f *faultyStore) fail(before func(workflows.Change) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

func (f *faultyStore) Confirm(context.Context, workflows.Ref) error {
	if f.unconfirmed {
		return fmt.Errorf("no replica: %w", workflows.ErrUnclear)
	}
	return nil
}

func (f *faultyStore) Load(ctx context.Context, refs ...workflows.Ref) ([]workflows.Record, error) {
	f.mu.Lock()
	f.loads++
	f.mu.Unlock()
	return f.Store.Load(ctx, refs...)
}

func (f *faultyStore) Commit(ctx context.Context, c workflows.Change) error {
	f.mu.Lock()
	f.writes++
	before, after := f.before, f.after
	f.mu.Unlock()
	if before != nil {
		if err := before(c); err != nil {
			return err
		}
	}
	if err := f.Store.Commit(ctx, c); err != nil {
		return err
	}
	if after != nil {
		return after(c)
	}
	return nil
}

// open opens a tally and answers its ID.
func (r *road) open(seed string) string {
	r.t.Helper()
	id, err := r.NewWorkflowID("tally", "acme", "T0", seed)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.Do(context.Background(), workflows.Command{ID: "open/" + seed, Workflow: id, Account: "acme",
		Name: "tally.request", At: r.clock(),
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0DEE"}, Round: workflows.NoRound}); err != nil {
		r.t.Fatal(err)
	}
	return id
}

func (r *road) click(id, who, command string) (workflows.Reply, error) {
	return r.Do(context.Background(), workflows.Command{ID: command, Workflow: id, Name: "tally.count", At: r.clock(),
		Round: 1,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: who}})
}

func (r *road) state(id string) tallyState {
	r.t.Helper()
	recs, err := r.store.Store.Load(context.Background(), workflows.Ref{Kind: workflows.KindWorkflow, ID: id})
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := tally{}.Decode(recs[0].State)
	if err != nil {
		r.t.Fatal(err)
	}
	return s.(tallyState)
}

func TestAClickCostsTwoRoundTrips(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	if _, err := r.click(id, "U0ANA", "c1"); err != nil {
		t.Fatal(err)
	}
	r.store.loads, r.store.writes = 0, 0
	if _, err := r.click(id, "U0BEN", "c2"); err != nil {
		t.Fatal(err)
	}
	// Workflow and account are kept from the click before, and compared by the commit; the load is
	// of the clicker's delegations.
	if r.store.loads != 1 || r.store.writes != 1 {
		t.Errorf("%d loads and %d commits, want 1 and 1", r.store.loads, r.store.writes)
	}
}

func TestManyClicksAtOnceAreEachCountedOnce(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	// Two desks, as in two processes, so that no lock in memory keeps them apart.
	desks := []*loops.Desk{r.Desk, r.desk(tally{})}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			_, err := desks[i%2].Do(context.Background(), workflows.Command{ID: fmt.Sprint("c", i), Workflow: id,
				Name: "tally.count", At: r.clock(), Round: 1,
				Actor: workflows.Actor{Kind: workflows.ByPerson, ID: fmt.Sprint("U", i)}})
			if err != nil {
				t.Errorf("click %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if s := r.state(id); s.Count != 40 {
		t.Errorf("counted %d of 40", s.Count)
	}
}

func TestACommitThatWasStoredButNotAnsweredCountsOnce(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	lost := false
	r.store.after = func(workflows.Change) error {
		if lost {
			return nil
		}
		lost = true
		return fmt.Errorf("the answer was lost: %w", workflows.ErrUnclear)
	}
	reply, err := r.click(id, "U0ANA", "c1")
	if err != nil || reply.Text != "counted" {
		t.Fatalf("reply %+v, error %v: the desk should have found its own event", reply, err)
	}
	if s := r.state(id); s.Count != 1 {
		t.Errorf("counted %d", s.Count)
	}
}

func TestACommitThatWasNotStoredIsSaidToBeUnclear(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.store.before = func(workflows.Change) error { return fmt.Errorf("no answer: %w", workflows.ErrUnclear) }
	if _, err := r.click(id, "U0ANA", "c1"); !errors.Is(err, workflows.ErrUnclear) {
		t.Fatalf("error %v", err)
	}
	if s := r.state(id); s.Count != 0 {
		t.Errorf("counted %d", s.Count)
	}
}

func TestAFormSentTwiceOpensOneWorkflow(t *testing.T) {
	r := newRoad(t)
	a, b := r.open("view-1"), r.open("view-1")
	if a != b {
		t.Fatalf("%s and %s", a, b)
	}
	if open, _ := r.OpenOf(context.Background(), "acme"); len(open) != 1 || open[0].ID != a {
		t.Errorf("open: %+v", open)
	}
}

func TestAFormSentAgainByAPersonNamesWhatWasAsked(t *testing.T) {
	r := newRoad(t)
	id := r.open("view-1")
	events, err := r.store.Events(context.Background(), workflows.Ref{Kind: workflows.KindWorkflow, ID: id}, 0)
	if err != nil || len(events) == 0 {
		t.Fatalf("events of %s: %v", id, err)
	}
	again := workflows.Command{ID: events[0].Command, Workflow: id, Account: "acme", Name: "tally.request",
		At: r.clock(), Round: workflows.NoRound, Submitted: true}
	for kind, want := range map[string]string{workflows.ByPerson: id, workflows.ByKeyholder: ""} {
		again.Actor = workflows.Actor{Kind: kind, ID: "UANA"}
		reply, err := r.Do(context.Background(), again)
		if err != nil || reply.Link != want || !strings.Contains(reply.Text, want) {
			t.Errorf("%s: %+v, %v", kind, reply, err)
		}
	}
}

func TestATakenIDIsNotOpenedOver(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	_, err := r.Do(context.Background(), workflows.Command{ID: "another", Workflow: id, Account: "acme",
		Name: "tally.request", At: r.clock(), Round: workflows.NoRound})
	if err == nil {
		t.Fatal("a second opening of the same ID was taken")
	}
}

func TestFactsThatAreTooOldDecideNothing(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.stale = workflows.FactsMaxAge + time.Second
	if _, err := r.click(id, "U0ANA", "c1"); !errors.Is(err, workflows.ErrStaleFacts) {
		t.Fatalf("error %v", err)
	}
	if s := r.state(id); s.Count != 0 {
		t.Error("it was counted")
	}
}

func TestForgedIDsAreNoWorkflows(t *testing.T) {
	r := newRoad(t)
	for _, id := range []string{"", "y", "y00-", "y99-AAAAAAAA", "t00-7KQ2M9XA", "y0x-AAAA", strings.Repeat("y", 500),
		"y00-../../x", "y00-AA\x00AA"} {
		if _, err := r.click(id, "U0ANA", "c"); !errors.Is(err, workflows.ErrNoWorkflow) {
			t.Errorf("%q: error %v", id, err)
		}
	}
}

func TestTimeNeverRunsBackwardsInAWorkflow(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.forward(-time.Hour)
	if _, err := r.click(id, "U0ANA", "c1"); err != nil {
		t.Fatal(err)
	}
	story, err := r.Story(context.Background(), id)
	if err != nil || len(story) != 2 || story[1].At.Before(story[0].At) {
		t.Errorf("story %+v, %v", story, err)
	}
}

func TestAStateOfAnOlderSchemaIsFoldedAnew(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	if _, err := r.click(id, "U0ANA", "c1"); err != nil {
		t.Fatal(err)
	}
	newer := r.desk(tally{schema: 2})
	if _, err := newer.Do(context.Background(), workflows.Command{ID: "c2", Workflow: id, Name: "tally.count",
		At: r.clock(), Round: 1,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0BEN"}}); err != nil {
		t.Fatal(err)
	}
	if s := r.state(id); s.Count != 2 {
		t.Errorf("counted %d after the upgrade", s.Count)
	}
	if _, err := r.click(id, "U0CAT", "c3"); err == nil {
		t.Error("an older program wrote over a newer state")
	}
}

func TestARefusedClickShowsTheCardAgain(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	cards := &script{do: done}
	deliver := func(cond func() bool) {
		c := loops.NewCourier(loops.CourierOptions{Store: r.store, Desk: r.Desk, Cards: cards,
			Calls: &script{do: done}, Now: r.clock, RealNow: time.Now,
			Log: zerolog.Nop()})
		r.run(c.Run, cond)
	}
	deliver(func() bool { _, ok, _ := r.store.Place(context.Background(), id, "main", "U0ANA"); return ok })
	_, err := r.Do(context.Background(), workflows.Command{ID: "c1", Workflow: id, Name: "tally.count", At: r.clock(),
		Round: 0,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0ANA"}})
	var refused *workflows.Refusal
	if !errors.As(err, &refused) || refused.Code != "old" {
		t.Fatalf("error %v", err)
	}
	deliver(func() bool { return cards.count() == 2 })
	if c := cards.calls[1]; c.Effect.Card == nil || c.Effect.Card.Recipient != "U0ANA" || c.Place.TS != "1.1" {
		t.Errorf("delivered %+v: the card should be shown again where it stands", c)
	}
	if s := r.state(id); s.Count != 0 {
		t.Error("it was counted")
	}
}

func TestDelegationsAreRecordedReplacedAndEnded(t *testing.T) {
	r := newRoad(t)
	ctx := context.Background()
	by := func(who string) workflows.Command {
		return workflows.Command{ID: "d/" + who + r.clock().String(), At: r.clock(),
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: who}}
	}
	r.bad["U0GUS"] = workflows.StandingGuest
	for what, c := range map[string]struct {
		to    string
		until time.Time
	}{"oneself": {"U0ANA", time.Time{}}, "a guest": {"U0GUS", time.Time{}},
		"the past": {"U0BEN", epoch.Add(-time.Hour)}, "too long": {"U0BEN", epoch.AddDate(1, 0, 0)}} {
		var refused *workflows.Refusal
		if _, err := r.Delegate(ctx, by("U0ANA"), c.to, c.until); !errors.As(err, &refused) {
			t.Errorf("%s was taken: %v", what, err)
		}
	}
	for _, to := range []string{"U0BEN", "U0CAT", ""} {
		if _, err := r.Delegate(ctx, by("U0ANA"), to, epoch.Add(24*time.Hour)); err != nil {
			t.Fatalf("to %q: %v", to, err)
		}
		r.forward(time.Second)
	}
	events, err := r.store.Events(ctx, workflows.Ref{Kind: workflows.KindPerson, ID: "U0ANA"}, 0)
	if err != nil || len(events) != 3 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func TestWhoMayReadTheRecord(t *testing.T) {
	r := newRoad(t)
	for who, want := range map[string]bool{"U0DEE": true, "U0ANA": true, "U0OLI": false} {
		if got := r.MayRead(context.Background(), workflows.Person{ID: who}, "acme"); got != want {
			t.Errorf("%s: %v", who, got)
		}
	}
	owner := workflows.Person{ID: "U0JANE", Email: "jane@acme.example"}
	if r.MayRead(context.Background(), owner, "acme") {
		t.Error("an unconfirmed address opened the record")
	}
	owner.EmailConfirmed = true
	if !r.MayRead(context.Background(), owner, "acme") || r.MayRead(context.Background(), owner, "other") {
		t.Error("the owner reads their account and no other")
	}
}

func TestStatesThatWereTamperedWithAreNamed(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	if _, err := r.click(id, "U0ANA", "c1"); err != nil {
		t.Fatal(err)
	}
	ref := workflows.Ref{Kind: workflows.KindWorkflow, ID: id}
	var named []string
	machine := tally{}
	verify := func() {
		named = nil
		all := func(workflows.Ref) bool { return true }
		err := record.Verify(context.Background(), r.store.Store, []workflows.Machine{machine}, []workflows.Ref{ref},
			all,
			func(ref workflows.Ref, err error) {
				if !errors.Is(err, record.ErrDiffers) {
					t.Error(err)
				}
				named = append(named, ref.ID)
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	if verify(); len(named) > 0 {
		t.Fatalf("a good state is named: %v", named)
	}
	// After an upgrade: the state has the same fields as before, under another number, until the
	// workflow goes on, if ever.
	machine = tally{schema: 2}
	if verify(); len(named) > 0 {
		t.Errorf("what an older version stored is named: %v", named)
	}
	machine = tally{}
	recs, _ := r.store.Load(context.Background(), ref)
	forged := workflows.Event{Seq: recs[0].Version + 1, Type: "called", At: r.clock(), Command: "x",
		Body: []byte(`"x"`)}
	if err := r.store.Store.Commit(context.Background(),
		workflows.Change{Workflow: id, Records: []workflows.RecordChange{{From: recs[0],
			State: []byte(`{"id":"forged"}`), Schema: 1, Machine: "tally",
			Events: []workflows.Event{forged}}}}); err != nil {
		t.Fatal(err)
	}
	if verify(); !slices.Equal(slices.Compact(named), []string{id}) {
		t.Errorf("named %v", named)
	}
}
