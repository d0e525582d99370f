package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// jumping is a machine's clock that is moved, at once or behind the next look for what is due.
type jumping struct{ off, next atomic.Int64 }

func (j *jumping) now() time.Time { return time.Now().Add(time.Duration(j.off.Load())) }

func (j *jumping) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (j *jumping) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (j *jumping) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if cmds[0].Name() == "zrangebyscore" {
			if d := j.next.Swap(0); d != 0 {
				j.off.Store(d)
			}
		}
		return err
	}
}

var jumps = []time.Duration{20 * time.Hour, -20 * time.Hour, 3 * time.Second, -3 * time.Second}

// Each round trip that loads, looks, claims or commits carries the comparison itself.
func TestAClockThatJumpsDecidesAndClaimsNothing(t *testing.T) {
	t.Run("miniredis", func(t *testing.T) { jumpsOn(t, "redis://"+miniredis.RunT(t).Addr()) })
	t.Run("redis", func(t *testing.T) { jumpsOn(t, storetest.Redis(t).URL) })
}

func jumpsOn(t *testing.T, url string) {
	j, ctx := &jumping{}, context.Background()
	s := storetest.OpenWith(t, store.Options{URL: url, Shards: 4, Log: zerolog.Nop(), RealNow: j.now, Hook: j})
	commit(t, s, grow(load(t, s, acme)))
	known := load(t, s, acme)
	commit(t, s, workflows.Change{Workflow: "t00-jump",
		Append:    []workflows.Effect{{ID: "owed", Workflow: "t00-jump", Key: "io/jump", Kind: workflows.EffectCall}},
		TimersSet: []workflows.Timer{{Workflow: "t00-jump", Name: "due", At: time.UnixMilli(1)}}})
	long := time.Now().Add(30 * time.Hour) // whatever the clock says, it is due
	refused := func(jump time.Duration, what string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrClock) || !errors.Is(err, workflows.ErrAway) {
			t.Errorf("%s away, %s is taken: %v", jump, what, err)
		}
	}
	for _, jump := range jumps {
		j.off.Store(int64(jump))
		_, err := s.Load(ctx, acme)
		refused(jump, "a click", err)
		_, err = s.ClaimEffects(ctx, long, 10)
		refused(jump, "an effect", err)
		_, err = s.ClaimTimers(ctx, long, long, 10, 10)
		refused(jump, "a timer", err)
		refused(jump, "what was decided on what this process knew", s.Commit(ctx, grow(known)))
		for what, claim := range map[string]func() error{
			"an effect": func() error { _, err := s.ClaimEffects(ctx, long, 10); return err },
			"a timer":   func() error { _, err := s.ClaimTimers(ctx, long, long, 10, 10); return err },
		} {
			j.off.Store(0)
			j.next.Store(int64(jump))
			refused(jump, what+" that was seen by the right time", claim())
		}
		j.off.Store(0)
	}
	j.off.Store(int64(time.Second))
	if got := load(t, s, acme); got.Version != known.Version {
		t.Errorf("the record has version %d, not %d", got.Version, known.Version)
	}
	if claims, err := s.ClaimEffects(ctx, long, 10); err != nil || len(claims) != 1 || claims[0].Attempts != 0 {
		t.Errorf("one second away: effects %+v, %v", claims, err)
	}
	if claims, err := s.ClaimTimers(ctx, long, long, 10, 10); err != nil || len(claims) != 1 ||
		claims[0].Attempts != 0 {
		t.Errorf("one second away: timers %+v, %v", claims, err)
	}
	commit(t, s, grow(known))
}

// A clock that jumps while something is under way lets it wait no longer than was meant.
func TestWhatIsGivenBackByAWrongClockComesBackInTime(t *testing.T) {
	t.Run("miniredis", func(t *testing.T) { givenBackOn(t, "redis://"+miniredis.RunT(t).Addr()) })
	t.Run("redis", func(t *testing.T) { givenBackOn(t, storetest.Redis(t).URL) })
}

func givenBackOn(t *testing.T, url string) {
	j, ctx := &jumping{}, context.Background()
	s := storetest.OpenWith(t, store.Options{URL: url, Shards: 4, Log: zerolog.Nop(), RealNow: j.now, Hook: j})
	commit(t, s, workflows.Change{Workflow: "t00-jump",
		Append:    []workflows.Effect{{ID: "owed", Workflow: "t00-jump", Key: "io/jump", Kind: workflows.EffectCall}},
		TimersSet: []workflows.Timer{{Workflow: "t00-jump", Name: "due", At: time.UnixMilli(1)}}})
	in := func(d time.Duration) time.Time { return time.Now().Add(d) }
	// both are what can be claimed at a moment.
	both := func(jump time.Duration, what string, at time.Time, want int) []workflows.Claim {
		t.Helper()
		effects, err := s.ClaimEffects(ctx, at, 10)
		if err != nil {
			t.Fatal(err)
		}
		timers, err := s.ClaimTimers(ctx, at, at, 10, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(effects) != want || len(timers) != want {
			t.Fatalf("%s away, %s: %d effects and %d timers are due, want %d each", jump, what, len(effects),
				len(timers), want)
		}
		return append(effects, timers...)
	}
	at := in(0)
	for _, jump := range jumps {
		claims := both(jump, "at first", at, 1)
		j.off.Store(int64(jump))
		for _, c := range claims {
			if _, err := s.Extend(ctx, c, j.now()); err != nil {
				t.Fatal(err)
			}
		}
		j.off.Store(0)
		both(jump, "prolonged", in(workflows.LeaseFor/2), 0)
		claims = both(jump, "when the lease has ended", in(2*workflows.LeaseFor), 1)
		j.off.Store(int64(jump))
		for _, c := range claims {
			end := workflows.Finish{NotBefore: j.now().Add(time.Minute), Failed: true}
			if err := s.Finish(ctx, c, end); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.HoldBack(ctx, claims[0].Effect.Destination(), j.now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		j.off.Store(0)
		both(jump, "given back", in(50*time.Second), 0)
		at = in(70 * time.Second)
	}
}

// stalled is a process that stands still for three seconds between taking the time and sending, as often as it is told.
type stalled struct {
	jumping
	left atomic.Int64
	sent atomic.Bool
}

func (s *stalled) now() time.Time {
	if s.left.Load() <= 0 {
		return time.Now()
	}
	if s.sent.Swap(false) { // what is taken when the answer is there
		s.left.Add(-1)
		return time.Now()
	}
	return time.Now().Add(-3 * time.Second)
}

func (s *stalled) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		s.sent.Store(true)
		return err
	}
}

// A loaded machine is no wrong clock: what came too late for comparing was not written and is sent again.
func TestACommitThatWasUnderWayForTooLongIsSentAgain(t *testing.T) {
	h, ctx := &stalled{}, context.Background()
	s := storetest.OpenWith(t, store.Options{URL: "redis://" + miniredis.RunT(t).Addr(), Shards: 4, Log: zerolog.Nop(),
		RealNow: h.now, Hook: h})
	commit(t, s, grow(load(t, s, acme)))
	known := load(t, s, acme)
	h.left.Store(2)
	if err := s.Commit(ctx, grow(known)); err != nil {
		t.Errorf("late twice, then in time: %v", err)
	}
	if got := load(t, s, acme); got.Version != known.Version+1 {
		t.Errorf("the record has version %d, not %d", got.Version, known.Version+1)
	}
	known = load(t, s, acme)
	h.left.Store(100)
	err := s.Commit(ctx, grow(known))
	if !errors.Is(err, workflows.ErrAway) || errors.Is(err, store.ErrClock) {
		t.Errorf("always late, which says nothing of the clock: %v", err)
	}
	if sent := 100 - h.left.Load(); sent > 5 {
		t.Errorf("sent %d times", sent)
	}
	h.left.Store(0)
	if got := load(t, s, acme); got.Version != known.Version {
		t.Errorf("what came too late was stored: version %d, not %d", got.Version, known.Version)
	}
}
