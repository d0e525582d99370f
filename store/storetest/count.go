package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/record"
)

// CountingFor are the accounts in which is counted, on several shards.
var CountingFor = []string{"acme", "globex", "initech", "umbrella", "hooli"}

// CountsFrom is when counting begins.
var CountsFrom = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// count is a workflow that counts to ten and then is over; with each number it wants something else of the world.
type count struct {
	workflows.Head
	N int `json:"n"`
}

func (count) Title() string { return "count" }

var (
	counting = workflows.Kind[count, workflows.Opening]{Type: "count.opened",
		Tell: workflows.Told[workflows.Opening]("counts"),
		Fold: func(s *count, e workflows.Event, b workflows.Opening) { s.Open(b, "counting", e) }}
	counted = workflows.Kind[count, workflows.None]{Type: "count.counted",
		Tell: workflows.Told[workflows.None]("counted"),
		Fold: func(s *count, e workflows.Event, _ workflows.None) {
			if s.N++; s.N == 10 {
				s.End("over", e)
			}
		}}
)

// Counters are the machine that counts, and the ledger's.
func Counters() []workflows.Machine {
	return []workflows.Machine{record.Checkpoints{}, workflows.Rules[count]{Name: "count", Letter: 't', Schema: 1,
		Kinds: workflows.NewKinds[count](nil, nil, counting, counted),
		Decide: func(s count, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
			if !s.Opened() {
				return counting.One(cmd, workflows.Opening{ID: cmd.Workflow, AccountID: cmd.Account}), nil
			}
			d := counted.One(cmd, workflows.None{})
			if s.N == 6 {
				d.Calls = []workflows.Call{{Op: workflows.OpCensus, Account: cmd.Account}}
			}
			if s.N == 4 {
				d.Account = []workflows.Event{cmd.Event(workflows.LockTaken,
					workflows.Lock{Name: "count", Workflow: cmd.Workflow})}
			}
			return d, nil
		},
		View: func(s count) workflows.View {
			view := workflows.View{Cards: []workflows.Card{{Name: "card", Recipient: fmt.Sprintf("U0%d", s.N%2),
				Bulk:  s.N%2 == 0,
				Title: fmt.Sprint(s.N)}}}
			if !s.Closed() {
				view.Timers = []workflows.Timer{{Name: "late", At: s.Begun.Add(time.Duration(s.N) * time.Hour)}}
				view.Waiting = []string{fmt.Sprintf("U0%d", s.N)}
				view.Watches = []workflows.Watch{{Name: "watch", Every: time.Minute,
					Call: workflows.Call{Op: workflows.OpCensus, Account: s.AccountID, Known: fmt.Sprint(s.N)}}}
			}
			return view
		}}.Machine()}
}

// nobody is a roster and the policies of CountingFor without rules.
type nobody struct{}

func (nobody) People(context.Context, []string) (map[string]workflows.Person, error) { return nil, nil }
func (nobody) Group(context.Context, string) ([]string, error)                       { return nil, nil }
func (nobody) ByEmail(context.Context, string) (string, error)                       { return "", nil }
func (nobody) Accounts() []string                                                    { return CountingFor }
func (nobody) Policy(id string) (workflows.Policy, bool) {
	return workflows.Policy{ID: id, Owner: "jane@acme.example"}, slices.Contains(CountingFor, id)
}

// Desk decides on a store for the counting machine.
func Desk(st *store.Store) *loops.Desk {
	return loops.NewDesk(loops.DeskOptions{Store: st, Machines: Counters(), Roster: nobody{},
		Policies: nobody{},
		Now:      func() time.Time { return CountsFrom }, Log: zerolog.Nop()})
}

// Count gives the i-th command of an account, from 0 without gaps: it counts on in one workflow,
// and begins the next where that one is over.
func Count(t testing.TB, d *loops.Desk, account string, i int) {
	t.Helper()
	id := workflows.NewID('t', account, 4, account, fmt.Sprint(i/11))
	cmd := workflows.Command{ID: fmt.Sprintf("%s/%d", account, i), Workflow: id, Account: account, Name: "count.count",
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: CountsFrom.Add(time.Duration(i) * time.Second),
		Round: workflows.NoRound, Submitted: true}
	if i%11 == 0 {
		cmd.Name = "count.request"
	}
	if _, err := d.Do(context.Background(), cmd); err != nil {
		t.Errorf("count on in %s: %v", account, err)
	}
}

// Holds does what audit verify does, and answers how much it looked at.
func Holds(t testing.TB, st *store.Store) (records, events int) {
	t.Helper()
	ctx := context.Background()
	failed := func(ref workflows.Ref, err error) { t.Errorf("%s %s: %v", ref.Kind, ref.ID, err) }
	records, events, err := st.VerifyAll(ctx, failed)
	must(t, err)
	refs, err := st.Refs(ctx, "")
	must(t, err)
	must(t, record.Verify(ctx, st, Counters(), refs, func(workflows.Ref) bool { return true }, failed))
	_, err = st.VerifyLedger(ctx, nil, failed)
	must(t, err)
	return records, events
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
