package workflows_test

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
)

// small is the workflow that engines are compared by: it opens, three people decide, each of the four commands notifies, a timer fires.
// Every decision asks who the person is and what four people have delegated.
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

func (small) Needs(_ workflows.State, cmd workflows.Command, _ workflows.Policy, _ workflows.AccountState) workflows.Needs {
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
			v.Cards = append(v.Cards, workflows.Card{Name: fmt.Sprint("n", i), Recipient: smallPeople[i], Title: "Note", Fallback: "Note", Lines: []string{strings.Repeat("l", 300)}})
		}
	} else { // a card for each of five, changed by each command
		for i := range m.cards {
			v.Cards = append(v.Cards, workflows.Card{Name: "main", Recipient: fmt.Sprint("U0", i), Title: fmt.Sprint("Count ", s.Count), Fallback: "Count", Lines: []string{strings.Repeat("l", 300)}})
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
	desk  *workflows.Desk
	store *store.Store
	stop  func()
	mu    sync.Mutex
	left  map[string]int // deliveries until a workflow's last card shows its last state
	done  map[string]chan struct{}
	cards int
}

// Deliver implements workflows.Deliverer.
func (e *engine) Deliver(_ context.Context, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
	if card := c.Effect.Card; card.Name == "n3" || card.Title == "Count 3" {
		e.settle(c.Effect.Workflow)
	}
	return workflows.Outcome{Done: true, Place: workflows.Place{Channel: "D0123456", TS: "1700000000.000100", Revision: c.Effect.Revision}}
}

func (e *engine) settle(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left[id]--; e.left[id] == 0 {
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

func startEngine(b *testing.B, url string, cards int) *engine {
	b.Helper()
	st := storetest.OpenWith(b, store.Options{URL: url, Shards: 16, Log: zerolog.Nop()})
	e := &engine{store: st, cards: cards, left: map[string]int{}, done: map[string]chan struct{}{}}
	var courier *workflows.Courier
	var clock *workflows.Clock
	e.desk = workflows.NewDesk(workflows.DeskOptions{Store: noted{st, e}, Machines: []workflows.Machine{small{cards}}, Roster: e, Policies: manyPolicies{},
		Now: time.Now, Log: zerolog.Nop(), Wake: func(w workflows.Woken) {
			if w.Effects {
				courier.Wake(w.Shard)
			}
			if w.Timers {
				clock.Wake(w.Shard)
			}
		}})
	courier = workflows.NewCourier(workflows.CourierOptions{Store: st, Desk: e.desk, Cards: e, Calls: e, Now: time.Now, RealNow: time.Now, Log: zerolog.Nop()})
	clock = workflows.NewClock(workflows.ClockOptions{Store: st, Desk: e.desk, Now: time.Now, RealNow: time.Now, Log: zerolog.Nop()})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = courier.Run(ctx) })
	running.Go(func() { _ = clock.Run(ctx) })
	e.stop = func() { cancel(); running.Wait() }
	return e
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
	for i, name := range []string{"small.request", "small.count", "small.count", "small.count"} {
		_, err := e.desk.Do(context.Background(), workflows.Command{ID: fmt.Sprint(n, "/", i), Workflow: id, Account: account, Name: name, At: time.Now(), Round: 1,
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: smallPeople[i]}})
		if err != nil {
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

// together runs op n times, so many at a time, and answers how many a second.
func together(b *testing.B, n int64, width int, op func(i int64) error) float64 {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for range width {
		all.Go(func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				if err := op(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(n) / time.Since(begun).Seconds()
}

// bareWorkflow is what the workflow cannot do without: for each of its five commands a load and a script that writes as many bytes.
func bareWorkflow(c *redis.Client) func(i int64) error {
	script := redis.NewScript(`redis.call('HSET', KEYS[1], 'state', ARGV[1], 'version', '1') redis.call('RPUSH', KEYS[2], ARGV[2]) redis.call('HSET', KEYS[3], 'e', ARGV[3]) return 1`)
	state, event, rest := strings.Repeat("s", 800), strings.Repeat("e", 400), strings.Repeat("r", 300)
	return func(i int64) error {
		ctx := context.Background()
		keys := []string{fmt.Sprint("bare:", i), fmt.Sprint("bare:e:", i), fmt.Sprint("bare:q:", i)}
		for range 5 {
			if err := c.HMGet(ctx, keys[0], "state", "version").Err(); err != nil {
				return err
			}
			if err := script.Run(ctx, c, keys, state, event, rest).Err(); err != nil {
				return err
			}
		}
		return nil
	}
}

// BenchmarkSmallWorkflow prints workflows a second, and as a part of the bare figure of the same run.
func BenchmarkSmallWorkflow(b *testing.B) {
	for _, fsync := range []string{"everysec", "always"} {
		server := storetest.Redis(b, "--appendfsync", fsync)
		for _, width := range []int{1, 32} {
			for _, cards := range []int{1, 5} {
				b.Run(fmt.Sprintf("%s/%d at a time/cards=%d", fsync, width, cards), func(b *testing.B) {
					c := redis.NewClient(&redis.Options{Addr: server.Addr, PoolSize: width + 4})
					defer c.Close()
					if err := c.FlushAll(context.Background()).Err(); err != nil {
						b.Fatal(err)
					}
					e := startEngine(b, server.URL, cards)
					defer e.stop()
					n := int64(300 * width)
					if width > 1 {
						n = 6000
					}
					for b.Loop() {
						bare := together(b, n, width, bareWorkflow(c))
						got := together(b, n, width, e.run)
						b.ReportMetric(got, "workflows/s")
						b.ReportMetric(bare, "bare/s")
						b.ReportMetric(got/bare, "of-bare")
						b.ReportMetric(0, "ns/op")
						if b.N >= 1 {
							break
						}
					}
				})
			}
		}
	}
}
