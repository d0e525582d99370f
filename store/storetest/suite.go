package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// Subject is what the suite looks at.
type Subject interface {
	workflows.Store
	Verify(ctx context.Context, ref workflows.Ref) error
	VerifyAll(ctx context.Context, failed func(workflows.Ref, error)) (records, events int, err error)
	Refs(ctx context.Context, kind string) ([]workflows.Ref, error)
	Erase(ctx context.Context, ref workflows.Ref, seq uint64) error
	DrawCheckpoint(ctx context.Context, at time.Time, between func() error) (workflows.Drawn, error)
	VerifyLedger(ctx context.Context, expected map[uint64]string, failed func(workflows.Ref, error)) (
		chain.Checkpoint, error)
}

var _ Subject = (*store.Store)(nil)

// Run runs the conformance suite. open answers an empty store with at least two shards; it is
// called once for each test.
func Run(t *testing.T, open func(t *testing.T) Subject) { run(t, open, 10_000) }

// RunEmbedded is Run for a server inside the test, which runs scripts many times slower than Redis,
// all the more under the race detector: its largest change is smaller.
func RunEmbedded(t *testing.T, open func(t *testing.T) Subject) { run(t, open, 3_000) }

func run(t *testing.T, open func(t *testing.T) Subject, largest int) {
	for _, group := range [][]test{recordTests, ledgerTests, indexTests, effectTests, cardTests, watchTests, holdTests,
		timerTests, crowdTests} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, open(t), largest)) })
		}
	}
}

type test struct {
	name string
	run  func(w *world)
}

// world is a store with one account and what tests say in few words. All time is made up: it begins at start.
type world struct {
	*testing.T
	s     Subject
	ctx   context.Context
	start time.Time
	id    string // a workflow of the account
	wref  workflows.Ref
	aref  workflows.Ref
	// largest is how many effects the largest change has.
	largest int
}

const account = "acme"

func newWorld(t *testing.T, s Subject, largest int) *world {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	w := &world{T: t, s: s, ctx: ctx, largest: largest, start: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	w.id = workflows.NewID('t', account, s.Shards(), "suite")
	w.wref, w.aref = workflows.Ref{Kind: workflows.KindWorkflow, ID: w.id}, workflows.Ref{Kind: workflows.KindAccount,
		ID: account}
	return w
}

// at is so long after start.
func (w *world) at(d time.Duration) time.Time { return w.start.Add(d) }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) wantErr(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("error %v, want %v", err, want)
	}
}

func (w *world) commit(c workflows.Change) {
	w.Helper()
	w.must(w.s.Commit(w.ctx, c))
}

func (w *world) load(ref workflows.Ref) workflows.Record {
	w.Helper()
	recs, err := w.s.Load(w.ctx, ref)
	w.must(err)
	return recs[0]
}

// grow is a change of a record by n events, decided on what is stored now.
func (w *world) grow(ref workflows.Ref, n int) workflows.RecordChange {
	w.Helper()
	return w.growFrom(w.load(ref), n)
}

func (w *world) growFrom(from workflows.Record, n int) workflows.RecordChange {
	rc := workflows.RecordChange{From: from, Schema: 1, Machine: "transfer", State: fmt.Appendf(nil, `{"version":%d}`,
		from.Version+uint64(n))}
	for i := range n {
		seq := from.Version + uint64(i) + 1
		rc.Events = append(rc.Events, workflows.Event{Seq: seq, Type: "grown",
			At:      w.at(time.Duration(seq) * time.Second),
			By:      workflows.Actor{Kind: workflows.ByPerson, ID: "U0ANA", Team: "T1"},
			Command: fmt.Sprintf("command-%d", seq), Body: fmt.Appendf(nil, `{"n":%d}`, seq)})
	}
	return rc
}

// call is a call effect; its key is io/<account> unless told otherwise.
func (w *world) call(id string) workflows.Effect {
	return workflows.Effect{Kind: workflows.EffectCall, ID: id, Workflow: w.id, Account: account, Key: "io/" + account,
		Made: w.start, Event: 1}
}

func (w *world) keyed(id, key string) workflows.Effect {
	e := w.call(id)
	e.Key = key
	return e
}

// cards are the cards of a lane; who tells the keys of a test's several apart.
func (w *world) cards(who string, revision uint64) workflows.Effect {
	key := "cards/" + w.id + "/" + who
	return workflows.Effect{Kind: workflows.EffectCards, ID: key, Workflow: w.id, Account: account, Key: key,
		Made: w.start, Revision: revision}
}

func (w *world) places() map[string]workflows.Place {
	w.Helper()
	places, err := w.s.Places(w.ctx, w.id)
	w.must(err)
	return places
}

func (w *world) watch(id string, every time.Duration) workflows.Effect {
	e := w.keyed(id, "watch/"+w.id+"/transfer")
	e.Kind, e.Watch, e.Every = workflows.EffectWatch, "transfer", every
	return e
}

func (w *world) timer(name string, at time.Time) workflows.Timer {
	return workflows.Timer{Workflow: w.id, Name: name, At: at}
}

// appended commits a change of effects alone.
func (w *world) appended(list ...workflows.Effect) {
	w.Helper()
	w.commit(workflows.Change{Workflow: w.id, Account: account, Append: list})
}

func (w *world) put(list ...workflows.Effect) {
	w.Helper()
	w.commit(workflows.Change{Workflow: w.id, Account: account, Put: list})
}

// claim claims up to 100 effects and compares their IDs, in any order.
func (w *world) claim(at time.Time, ids ...string) []workflows.Claim {
	w.Helper()
	claims, err := w.s.ClaimEffects(w.ctx, at, 100)
	w.must(err)
	got := map[string]int{}
	for _, c := range claims {
		got[c.Effect.ID]++
	}
	for _, id := range ids {
		got[id]--
	}
	for id, n := range got {
		if n != 0 {
			w.Fatalf("claimed %d times too often: %s (in all %d claimed, %d wanted)", n, id, len(claims), len(ids))
		}
	}
	return claims
}

func (w *world) one(at time.Time, id string) workflows.Claim {
	w.Helper()
	return w.claim(at, id)[0]
}

func (w *world) claimTimers(now, real time.Time, names ...string) []workflows.Claim {
	w.Helper()
	claims, err := w.s.ClaimTimers(w.ctx, now, real, 100, 100)
	w.must(err)
	if len(claims) != len(names) {
		w.Fatalf("%d timers claimed, want %v", len(claims), names)
	}
	for i, name := range names {
		found := false
		for _, c := range claims {
			found = found || c.Timer.Name == name
		}
		if !found {
			w.Fatalf("timer %s is not among those claimed (%d)", names[i], len(claims))
		}
	}
	return claims
}

func (w *world) finish(c workflows.Claim, f workflows.Finish) {
	w.Helper()
	w.must(w.s.Finish(w.ctx, c, f))
}

var done = workflows.Finish{Done: true}
