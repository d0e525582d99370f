package loops_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
)

// script is a deliverer that does what the test says.
type script struct {
	mu    sync.Mutex
	calls []workflows.Claim
	do    func(n int, c workflows.Claim, l workflows.Lease) workflows.Outcome
}

func (s *script) Deliver(_ context.Context, c workflows.Claim, l workflows.Lease) workflows.Outcome {
	s.mu.Lock()
	s.calls = append(s.calls, c)
	n := len(s.calls)
	s.mu.Unlock()
	return s.do(n, c, l)
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func done(int, workflows.Claim, workflows.Lease) workflows.Outcome {
	return workflows.Outcome{Done: true, Place: workflows.Place{Channel: "D1", TS: "1.1", Revision: 1}}
}

// deliver runs a courier until the condition holds.
func (r *road) deliver(calls *script, cond func() bool) {
	r.t.Helper()
	cards := &script{do: done}
	c := loops.NewCourier(loops.CourierOptions{Store: r.store, Desk: r.Desk, Cards: cards, Calls: calls,
		Now: r.clock, RealNow: time.Now, Log: zerolog.Nop()})
	r.run(c.Run, cond)
}

func (r *road) run(loop func(context.Context) error, cond func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- loop(ctx) }()
	deadline := time.Now().Add(20 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			r.t.Error("waited in vain")
			break
		}
		time.Sleep(5 * time.Millisecond) // polling with a deadline: the loop under test tells nobody
	}
	cancel()
	if err := <-ended; err != nil {
		r.t.Error(err)
	}
}

// ask lets the tally call integrator.io.
func (r *road) ask(id, op string, input map[string]string) {
	r.t.Helper()
	in := map[string]string{"op": op}
	for k, v := range input {
		in[k] = v
	}
	if _, err := r.Do(context.Background(), workflows.Command{ID: "ask/" + op + r.clock().String(), Workflow: id,
		Name: "tally.call", At: r.clock(), Round: workflows.NoRound,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Input: in}); err != nil {
		r.t.Fatal(err)
	}
}

// onlyCalls lets the watch learn nothing and hands calls on.
func onlyCalls(do func(n int, c workflows.Claim, l workflows.Lease) workflows.Outcome) *script {
	n := 0
	var mu sync.Mutex
	return &script{do: func(_ int, c workflows.Claim, l workflows.Lease) workflows.Outcome {
		if c.Effect.Every > 0 {
			return workflows.Outcome{Done: true}
		}
		mu.Lock()
		n++
		now := n
		mu.Unlock()
		return do(now, c, l)
	}}
}

func TestAnAnswerThatCouldNotBeStoredIsAskedForAgain(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.ask(id, workflows.OpInviteUser, nil)
	failed := false
	r.store.before = func(c workflows.Change) error {
		if c.Answers != nil && !failed {
			failed = true
			return workflows.ErrAway
		}
		return nil
	}
	calls := onlyCalls(func(int, workflows.Claim, workflows.Lease) workflows.Outcome {
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	})
	r.deliver(calls, func() bool { return len(r.state(id).Answers) == 1 })
	if !failed {
		t.Error("the first receipt was not refused")
	}
}

func TestTryingEndsAtTheDeadlineAndSaysSo(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.ask(id, workflows.OpInviteUser, nil)
	calls := onlyCalls(func(n int, _ workflows.Claim, _ workflows.Lease) workflows.Outcome {
		if n == 2 {
			r.forward(workflows.GiveUpAfter)
		}
		return workflows.Outcome{Again: true, Err: errors.New("away")}
	})
	r.deliver(calls, func() bool { return len(r.state(id).Answers) == 1 })
	if got := r.state(id).Answers[0]; got != workflows.OpInviteUser+" "+workflows.FailedDeadline {
		t.Errorf("the machine was told %q", got)
	}
}

func TestARefusalReachesTheMachineAtOnce(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.ask(id, workflows.OpInviteOwner, nil)
	calls := onlyCalls(func(int, workflows.Claim, workflows.Lease) workflows.Outcome {
		return workflows.Outcome{Refused: true, Receipt: &workflows.Receipt{Refused: true,
			Code: workflows.RefusedPending}}
	})
	r.deliver(calls, func() bool { return len(r.state(id).Answers) == 1 })
	if got := r.state(id).Answers[0]; got != workflows.OpInviteOwner+" "+workflows.RefusedPending {
		t.Errorf("the machine was told %q", got)
	}
}

func TestAPanicInADeliveryEndsNothingElse(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	calls := &script{do: func(_ int, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
		if c.Effect.Every > 0 {
			panic("bad delivery")
		}
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	}}
	r.ask(id, workflows.OpInviteUser, nil)
	r.deliver(calls, func() bool { return len(r.state(id).Answers) == 1 })
}

func TestCallsOfAnAccountAreDeliveredInOrder(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	want := []string{workflows.OpInviteUser, workflows.OpInviteOwner, workflows.OpWithdraw, workflows.OpSetRole}
	for _, op := range want {
		r.ask(id, op, nil)
		r.forward(time.Millisecond)
	}
	calls := onlyCalls(func(n int, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
		if n == 1 {
			return workflows.Outcome{Again: true, After: time.Millisecond} // a failure must not let the next one pass
		}
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	})
	r.deliver(calls, func() bool { return len(r.state(id).Answers) == len(want) })
	for i, op := range want {
		if got := r.state(id).Answers[i]; got != op+" ok" {
			t.Errorf("answer %d is %q, want %s", i, got, op)
		}
	}
}

func TestAWatchIsSilentUntilItLearnsSomething(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	version := r.version(id)
	calls := &script{do: func(n int, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
		if n < 3 {
			return workflows.Outcome{Done: true}
		}
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true,
			User: &workflows.User{Status: "accepted", Role: "monitor"}}}
	}}
	r.deliver(calls, func() bool { return len(r.state(id).Answers) == 1 })
	if got := r.version(id); got != version+1 {
		t.Errorf("three looks made %d events, want 1", got-version)
	}
	if calls.count() < 3 {
		t.Errorf("%d looks", calls.count())
	}
}

func (r *road) version(id string) uint64 {
	recs, err := r.store.Store.Load(context.Background(), workflows.Ref{Kind: workflows.KindWorkflow, ID: id})
	if err != nil {
		r.t.Fatal(err)
	}
	return recs[0].Version
}

func TestOneWorkflowTellsAnother(t *testing.T) {
	r := newRoad(t)
	a, b := r.open("a"), r.open("b")
	r.ask(a, workflows.OpTell, map[string]string{"id": b, "command": "tally.told"})
	calls := onlyCalls(func(int, workflows.Claim, workflows.Lease) workflows.Outcome {
		t.Error("what is told within Keyholder was sent to integrator.io")
		return workflows.Outcome{Done: true}
	})
	r.deliver(calls, func() bool { return len(r.state(b).Answers) == 1 })
	if got := r.state(b).Answers; !slices.Equal(got, []string{"told by keyholder"}) {
		t.Errorf("told %v", got)
	}
}

func TestATimerFiresOnceWhenItIsDue(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	clock := loops.NewClock(loops.ClockOptions{Store: r.store, Desk: r.Desk, Now: r.clock, RealNow: time.Now,
		Log: zerolog.Nop()})
	looks := 0
	r.run(clock.Run, func() bool { looks++; return looks > 60 })
	if s := r.state(id); s.Due != 0 {
		t.Fatal("it fired early")
	}
	r.forward(time.Hour)
	looks = 0
	r.run(clock.Run, func() bool { looks++; return r.state(id).Due > 0 && looks > 60 })
	if s := r.state(id); s.Due != 1 {
		t.Errorf("fired %d times", s.Due)
	}
}

func TestATimerStaysDueWhileNothingCanBeStored(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.forward(time.Hour)
	tries := 0
	r.store.before = func(workflows.Change) error {
		tries++
		return workflows.ErrAway
	}
	clock := loops.NewClock(loops.ClockOptions{Store: r.store, Desk: r.Desk, Now: r.clock, RealNow: r.later(),
		Log: zerolog.Nop()})
	looks := 0
	r.run(clock.Run, func() bool { looks++; return looks > 120 })
	if tries == 0 {
		t.Fatal("it was never tried")
	}
	r.store.before = nil
	r.run(clock.Run, func() bool { return r.state(id).Due == 1 })
}

// later is a real clock that runs twenty times faster: a lease ends within the test, and is long enough to be
// held on a busy machine.
func (r *road) later() func() time.Time {
	begun := time.Now()
	return func() time.Time { return begun.Add(20 * time.Since(begun)) }
}

func TestBeingAskedToWaitDoesNotLengthenTheBackOff(t *testing.T) {
	r := newRoad(t)
	id := r.open("a")
	r.ask(id, workflows.OpInviteUser, nil)
	attempts := -1
	calls := onlyCalls(func(n int, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
		if n <= 2 {
			return workflows.Outcome{Again: true, After: time.Millisecond, Limited: true}
		}
		attempts = c.Attempts
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true}}
	})
	r.deliver(calls, func() bool { return len(r.state(id).Answers) == 1 })
	if attempts != 0 {
		t.Errorf("two 429s count as %d failed attempts", attempts)
	}
}
