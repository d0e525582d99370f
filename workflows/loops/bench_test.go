package loops_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
)

// small is the workflow that engines are compared by: it opens, three people decide, each of the
// four commands notifies, a timer fires. Every decision asks who the person is and what four people
// have delegated.
type small struct{ cards int }

type smallState struct {
	ID    string    `json:"id"`
	Acc   string    `json:"account"`
	Count int       `json:"count"`
	Fired bool      `json:"fired,omitempty"`
	Begun time.Time `json:"begun,omitzero"`
	// Weight makes the state as large as one of a small process.
	Weight string `json:"weight"`
}

func (s smallState) Opened() bool      { return s.ID != "" }
func (s smallState) Closed() bool      { return s.Fired && s.Count == 3 }
func (s smallState) Account() string   { return s.Acc }
func (s smallState) Title() string     { return "Small" }
func (s smallState) StageName() string { return "open" }
func (s smallState) Began() time.Time  { return s.Begun }

func (small) Name() string         { return "small" }
func (small) Letter() byte         { return 'b' }
func (small) Schema() int          { return 1 }
func (small) New() workflows.State { return smallState{} }
func (small) Decode(raw []byte) (workflows.State, error) {
	var s smallState
	err := json.Unmarshal(raw, &s)
	return s, err
}

var smallPeople = []string{"U0ANA", "U0BEN", "U0CAT", "U0DEE"}

func (small) Needs(_ workflows.State, cmd workflows.Command, _ workflows.Policy,
	_ workflows.AccountState) workflows.Needs {
	if cmd.Name == "small.count" {
		return workflows.Needs{People: []string{cmd.Actor.ID}, Delegations: smallPeople}
	}
	return workflows.Needs{}
}

func (small) Decide(s workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	kind := map[string]string{"small.request": "opened", "small.count": "counted", workflows.CmdTimer: "due"}[cmd.Name]
	return workflows.Decision{Events: []workflows.Event{cmd.Event(kind, []string{cmd.Workflow, f.Account.ID})}}, nil
}

func (small) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	s := st.(smallState)
	var body []string
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return s, err
	}
	switch e.Type {
	case "opened":
		s.ID, s.Acc, s.Begun, s.Weight = body[0], body[1], e.At, strings.Repeat("w", 600)
	case "counted":
		s.Count++
	case "due":
		s.Fired = true
	}
	return s, nil
}

func (m small) View(st workflows.State) workflows.View {
	s := st.(smallState)
	if !s.Opened() {
		return workflows.View{}
	}
	var v workflows.View
	if m.cards == 1 { // a message for each command
		for i := range s.Count + 1 {
			v.Cards = append(v.Cards, workflows.Card{Name: fmt.Sprint("n", i), Recipient: smallPeople[i], Title: "Note",
				Fallback: "Note", Lines: []string{strings.Repeat("l", 300)}})
		}
	} else { // a card for each of five, changed by each command
		for i := range m.cards {
			v.Cards = append(v.Cards, workflows.Card{Name: "main", Recipient: fmt.Sprint("U0", i),
				Title: fmt.Sprint("Count ", s.Count), Fallback: "Count", Lines: []string{strings.Repeat("l", 300)}})
		}
	}
	if !s.Fired {
		v.Timers = []workflows.Timer{{Name: "first", At: s.Begun}}
	}
	if !s.Closed() {
		v.Waiting = smallPeople
	}
	return v
}

func (small) Tell(e workflows.Event) string { return e.Type }

// manyPolicies configures every account that is asked for.
type manyPolicies struct{}

func (manyPolicies) Policy(id string) (workflows.Policy, bool) {
	return workflows.Policy{ID: id, Name: id, Owner: "jane@acme.example"}, true
}
func (manyPolicies) Accounts() []string { return nil }

// engine is desk, courier and clock on a real Redis, with a Slack that answers at once.
type engine struct {
	desk    *loops.Desk
	store   *store.Store
	courier *loops.Courier
	clock   *loops.Clock
	meter   storetest.Meter
	stop    func()
	fired   atomic.Int64
	mu      sync.Mutex
	left    map[string]int // deliveries until a workflow's last card shows its last state
	done    map[string]chan struct{}
	cards   int
}

// Deliver implements workflows.Deliverer.
func (e *engine) Deliver(_ context.Context, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
	if card := c.Effect.Card; card.Name == "n3" || card.Title == "Count 3" {
		e.settle(c.Effect.Workflow)
	}
	return workflows.Outcome{Done: true, Place: workflows.Place{Channel: "D0123456", TS: "1700000000.000100",
		Revision: c.Effect.Revision}}
}

func (e *engine) settle(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left[id]--; e.left[id] == 0 && e.done[id] != nil {
		close(e.done[id])
	}
}

// noted tells the engine of each timer that was decided.
type noted struct {
	*store.Store
	e *engine
}

func (n noted) Commit(ctx context.Context, c workflows.Change) error {
	err := n.Store.Commit(ctx, c)
	due := func(e workflows.Event) bool { return e.Type == "due" }
	if err == nil && len(c.Records) > 0 && slices.ContainsFunc(c.Records[0].Events, due) {
		n.e.fired.Add(1)
		n.e.settle(c.Workflow)
	}
	return err
}

// People implements workflows.Roster.
func (*engine) People(_ context.Context, ids []string) (map[string]workflows.Person, error) {
	out := map[string]workflows.Person{}
	for _, id := range ids {
		out[id] = workflows.Person{ID: id, At: time.Now()}
	}
	return out, nil
}

// Group implements workflows.Roster.
func (*engine) Group(context.Context, string) ([]string, error) { return nil, nil }

// ByEmail implements workflows.Roster.
func (*engine) ByEmail(context.Context, string) (string, error) { return "", nil }

// newEngine makes an engine whose loops do not run.
func newEngine(b *testing.B, url string, cards int) *engine {
	b.Helper()
	e := &engine{cards: cards, left: map[string]int{}, done: map[string]chan struct{}{}}
	e.store = storetest.OpenWith(b, store.Options{URL: url, Shards: 16, Log: zerolog.Nop(), Hook: &e.meter})
	e.desk = loops.NewDesk(loops.DeskOptions{Store: noted{e.store, e},
		Machines: []workflows.Machine{small{cards}}, Roster: e,
		Policies: manyPolicies{}, Now: time.Now, Log: zerolog.Nop(), Wake: func(w loops.Woken) {
			if w.Effects {
				e.courier.Wake(w.Shard)
			}
			if w.Timers {
				e.clock.Wake(w.Shard)
			}
		}})
	e.courier = loops.NewCourier(loops.CourierOptions{Store: e.store, Desk: e.desk, Cards: e, Calls: e,
		Now: time.Now, RealNow: time.Now,
		Log: zerolog.Nop()})
	e.clock = loops.NewClock(loops.ClockOptions{Store: e.store, Desk: e.desk, Now: time.Now, RealNow: time.Now,
		Log: zerolog.Nop()})
	return e
}

// startEngine makes an engine and starts its loops.
func startEngine(b *testing.B, url string, cards int) *engine {
	b.Helper()
	e := newEngine(b, url, cards)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = e.courier.Run(ctx) })
	running.Go(func() { _ = e.clock.Run(ctx) })
	e.stop = func() { cancel(); running.Wait() }
	return e
}

// smallCommands are the commands of a small workflow, each of the person of that number.
var smallCommands = []string{"small.request", "small.count", "small.count", "small.count"}

// command gives the k-th command of a workflow.
func (e *engine) command(id, account string, k int) error {
	_, err := e.desk.Do(context.Background(), workflows.Command{ID: fmt.Sprint(id, "/", k), Workflow: id,
		Account: account, Name: smallCommands[k],
		At: time.Now(), Round: 1, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: smallPeople[k]}})
	return err
}

// run carries one workflow from its opening to its last notification and its timer.
func (e *engine) run(n int64) error {
	account := fmt.Sprint("account-", n%64)
	id, err := e.desk.NewWorkflowID("small", account, fmt.Sprint(n))
	if err != nil {
		return err
	}
	done := make(chan struct{})
	e.mu.Lock()
	e.left[id], e.done[id] = e.cards+1, done
	e.mu.Unlock()
	for k := range smallCommands {
		if err := e.command(id, account, k); err != nil {
			return err
		}
	}
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		return fmt.Errorf("%s did not end", id)
	}
	e.mu.Lock()
	delete(e.left, id)
	delete(e.done, id)
	e.mu.Unlock()
	return nil
}

// BenchmarkSmallWorkflow prints small workflows a second beside the bare figure: their five commands, each a load and a
// script that writes as many bytes as a commit of theirs.
func BenchmarkSmallWorkflow(b *testing.B) {
	aims := map[string]float64{"everysec/32/1": 0.25, "always/32/1": 0.45, "everysec/32/5": 0.2}
	for _, fsync := range []string{"everysec", "always"} {
		server := storetest.Redis(b, "--appendfsync", fsync)
		for _, width := range []int{1, 32} {
			for _, cards := range []int{1, 5} {
				b.Run(fmt.Sprintf("%s/%d at a time/cards=%d", fsync, width, cards), func(b *testing.B) {
					empty(b, server.Addr)
					e := startEngine(b, server.URL, cards)
					defer e.stop()
					// A few first: they make connections and scripts known, and show how large a commit is.
					for i := range int64(3) {
						if err := e.run(-i); err != nil {
							b.Fatal(err)
						}
					}
					size := e.meter.Mean()
					e.meter.Reset()
					done := storetest.Comparison{What: "workflows", Width: width, Ours: e.run,
						Bare: storetest.BareCommands(b, server.Addr, "small", 5, width, size),
						Aim:  aims[fmt.Sprintf("%s/%d/%d", fsync, width, cards)]}.Run(b)
					b.ReportMetric(float64(size), "commit-bytes")
					b.ReportMetric(float64(e.meter.Trips())/float64(done), "trips") // bare makes 10
				})
			}
		}
	}
}

// empty takes everything out of a server.
func empty(b *testing.B, addr string) {
	b.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	if err := c.FlushAll(context.Background()).Err(); err != nil {
		b.Fatal(err)
	}
}

// crowd stores n open small workflows of so many accounts, each with a timer at a time, 500 with each commit, and lists
// them as open and waiting as their own commits would have.
func (e *engine) crowd(b *testing.B, addr string, n, accounts int, at time.Time) {
	b.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	const batch = 500
	for i := 0; i*batch < n; i++ {
		account := fmt.Sprint("crowd", i%accounts)
		var change workflows.Change
		var listed []redis.Z
		for k := range min(batch, n-i*batch) {
			id, err := e.desk.NewWorkflowID("small", account, fmt.Sprint(i, "/", k))
			if err != nil {
				b.Fatal(err)
			}
			change.Workflow = id
			change.Records = append(change.Records, crowded(id, account, at))
			change.TimersSet = append(change.TimersSet, workflows.Timer{Workflow: id, Name: "first", At: at})
			listed = append(listed, redis.Z{Score: float64(at.UnixMilli()), Member: id})
		}
		if err := e.store.Commit(context.Background(), change); err != nil {
			b.Fatal(err)
		}
		for _, list := range append([]string{"open:" + account}, waitingKeys()...) {
			key := fmt.Sprintf("kh:{%02d}:%s", workflows.ShardOf(account, e.store.Shards()), list)
			if err := c.ZAdd(context.Background(), key, listed...).Err(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// crowded is the record of a small workflow that is open.
func crowded(id, account string, at time.Time) workflows.RecordChange {
	body, _ := json.Marshal([]string{id, account})
	state, _ := json.Marshal(smallState{ID: id, Acc: account, Begun: at, Weight: strings.Repeat("w", 600)})
	return workflows.RecordChange{From: workflows.Record{Ref: workflows.RecordRef(id)}, State: state, Schema: 1,
		Machine: "small",
		Events:  []workflows.Event{{Seq: 1, Type: "opened", At: at, Command: id, Body: body}}}
}

func waitingKeys() (keys []string) {
	for _, p := range smallPeople {
		keys = append(keys, "waiting:"+p)
	}
	return keys
}

// BenchmarkTimers decides 100,000 timers that are all due at once. It takes turns with bare loads and scripts, and ends
// when all are decided or after 20 s.
func BenchmarkTimers(b *testing.B) {
	const due, bounds = 100_000, 20 * time.Second
	server := storetest.Redis(b)
	e := newEngine(b, server.URL, 1)
	e.crowd(b, server.Addr, due, 64, time.Now().Add(-time.Minute).Truncate(time.Millisecond))
	e.meter.Reset()
	slice := func() time.Duration {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		begun := time.Now()
		_ = e.clock.Run(ctx)
		return time.Since(begun)
	}
	took := slice() // the bare side must know how large a commit is
	plain := storetest.BareCommands(b, server.Addr, "timer", 1, 32, e.meter.Mean())
	var bare storetest.Sprint
	for e.fired.Load() < due && took < bounds {
		if err := bare.Run(plain, 32, 500*time.Millisecond); err != nil {
			b.Fatal(err)
		}
		took += slice()
	}
	ours := float64(e.fired.Load()) / took.Seconds()
	b.ReportMetric(ours, "timers/s")
	b.ReportMetric(6000, "aim-timers/s")
	b.ReportMetric(float64(e.fired.Load()), "timers")
	b.ReportMetric(bare.Rate(), "bare/s")
	b.ReportMetric(ours/bare.Rate(), "of-bare")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkManyOpen opens a workflow and decides once, a pair of commits, on a server with 100,000
// open ones of the same account, beside the same on an empty server, in turns: the ratio says what
// it costs that they are there. "bare" is the empty one here.
func BenchmarkManyOpen(b *testing.B) {
	decide := func(e *engine, width int) func(i int64) error {
		return func(i int64) error {
			id, err := e.desk.NewWorkflowID("small", "crowd0", fmt.Sprint("new", width, "/", i))
			for k := 0; k < 2 && err == nil; k++ {
				err = e.command(id, "crowd0", k)
			}
			return err
		}
	}
	var both [2]*engine
	var addrs [2]string
	for i, open := range []int{0, 100_000} {
		server := storetest.Redis(b)
		both[i], addrs[i] = newEngine(b, server.URL, 1), server.Addr
		both[i].crowd(b, server.Addr, open, 1, time.Now().Add(24*time.Hour).Truncate(time.Millisecond))
	}
	for _, width := range []int{1, 32} {
		b.Run(fmt.Sprintf("%d at a time", width), func(b *testing.B) {
			storetest.Comparison{What: "pairs", Width: width, Ours: decide(both[1], width),
				Bare: decide(both[0], width), Aim: 0.95}.Run(b)
		})
	}
}
