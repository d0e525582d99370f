package loops_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
)

// asking is a tally whose timers need to know who a person is: one named after the workflow.
type asking struct{ tally }

func (asking) Needs(s workflows.State, cmd workflows.Command, _ workflows.Policy,
	_ workflows.AccountState) workflows.Needs {
	if cmd.Name == workflows.CmdTimer {
		return workflows.Needs{People: []string{s.(tallyState).ID}}
	}
	return workflows.Needs{}
}

func (r *road) timekeeper() *loops.Clock { return r.clockOf(r.Desk, time.Now) }

func (r *road) clockOf(d *loops.Desk, real func() time.Time) *loops.Clock {
	return loops.NewClock(loops.ClockOptions{Store: r.store, Desk: d, Now: r.clock, RealNow: real,
		Log: zerolog.Nop()})
}

// opened opens n tallies, whose first timers come due an hour later, in the order of their opening.
func (r *road) opened(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = r.open(fmt.Sprint("w", i))
		r.forward(time.Millisecond)
	}
	return ids
}

func (r *road) fired(ids []string) int {
	n := 0
	for _, id := range ids {
		n += r.state(id).Due
	}
	return n
}

func TestOneHangingLookUpHoldsUpNobodyElsesTimer(t *testing.T) {
	r := newRoad(t, asking{})
	ids := r.opened(300)
	hung := ids[:150] // the first due: far more than there are hands
	r.look = func(ctx context.Context, who []string) error {
		if slices.Contains(hung, who[0]) {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	r.forward(time.Hour)
	begun := time.Now()
	r.run(r.timekeeper().Run, func() bool { return r.fired(ids[150:]) == 150 })
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("the timers of others came after %s: they waited for look-ups that hang", took)
	}
	if n := r.fired(hung); n != 0 {
		t.Errorf("%d timers were decided without knowing who", n)
	}
}

func TestTimersThatCannotBeDecidedDoNotStarveFreshOnes(t *testing.T) {
	r := newRoad(t, asking{})
	ids := r.opened(80)
	r.forward(time.Hour)
	// All were claimed by a process that died long ago: their leases have ended.
	if claims, err := r.store.ClaimTimers(context.Background(), r.clock(), time.Now().Add(-time.Hour), 200,
		200); err != nil || len(claims) != 80 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	stuck := make(chan struct{})
	r.look = func(ctx context.Context, who []string) error {
		if !slices.Contains(ids, who[0]) {
			return nil
		}
		select {
		case <-stuck:
		case <-ctx.Done():
		}
		return workflows.ErrAway
	}
	r.forward(-time.Hour)
	fresh := []string{r.open("fresh-a"), r.open("fresh-b")}
	r.forward(2 * time.Hour)
	begun := time.Now()
	r.run(r.timekeeper().Run, func() bool { return r.fired(fresh) == 2 })
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("fresh timers came after %s", took)
	}
	close(stuck)
}

func TestTimersOfOneWorkflowAreDecidedOneAfterAnother(t *testing.T) {
	r := newRoad(t, asking{})
	id := r.open("a")
	c := workflows.Change{Workflow: id}
	for i := range 20 { // of other generations: each is asked about and dropped
		c.TimersSet = append(c.TimersSet, workflows.Timer{Workflow: id, Name: "first",
			At: epoch.Add(time.Duration(i) * time.Second)})
	}
	if err := r.store.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order []time.Time
	at := 0
	r.store.before = func(c workflows.Change) error {
		mu.Lock()
		defer mu.Unlock()
		at++
		defer func() { at-- }()
		if at > 1 {
			t.Error("two timers of one workflow at once")
		}
		for _, gone := range c.TimersGone {
			order = append(order, gone.At)
		}
		return nil
	}
	r.forward(30 * time.Minute)
	r.run(r.timekeeper().Run, func() bool { mu.Lock(); defer mu.Unlock(); return len(order) == 20 })
	if !slices.IsSortedFunc(order, func(a, b time.Time) int { return a.Compare(b) }) {
		t.Errorf("decided in the order %v", order)
	}
}

func TestNoMoreTimersAreDecidedAtOnceThanThereAreHands(t *testing.T) {
	r := newRoad(t, asking{})
	ids := r.opened(300)
	var mu sync.Mutex
	at, most := 0, 0
	r.look = func(context.Context, []string) error {
		mu.Lock()
		at++
		most = max(most, at)
		mu.Unlock()
		time.Sleep(2 * time.Millisecond) // a look-up takes its time
		mu.Lock()
		at--
		mu.Unlock()
		return nil
	}
	r.forward(time.Hour)
	r.run(r.timekeeper().Run, func() bool { return r.fired(ids) == len(ids) })
	if most < 8 || most > 72 {
		t.Errorf("%d timers were decided at once", most)
	}
}

func TestAClickDoesNotWaitForALookUpThatHangsElsewhere(t *testing.T) {
	r := newRoad(t, tally{})
	ids := r.opened(200)
	ctx, cancel := context.WithCancel(context.Background())
	var hung, hanging sync.WaitGroup
	hanging.Add(100)
	r.look = func(ctx context.Context, who []string) error {
		if who[0] == "U0HANG" {
			hanging.Done()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	for _, id := range ids[:100] {
		hung.Go(func() {
			_, _ = r.Do(ctx, workflows.Command{ID: "hang", Workflow: id, Name: "tally.count", At: r.clock(), Round: 1,
				Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0HANG"}})
		})
	}
	hanging.Wait()
	for _, id := range ids[100:] {
		short, end := context.WithTimeout(ctx, 2*time.Second)
		if _, err := r.Do(short, workflows.Command{ID: "c", Workflow: id, Name: "tally.count", At: r.clock(), Round: 1,
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0ANA"}}); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		end()
	}
	cancel()
	hung.Wait()
}
