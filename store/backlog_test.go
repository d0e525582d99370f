package store_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

// What waits is told with its age and its destination, also while it is claimed; a watch never
// waits, and what is done is gone.
func TestWhatWaitsIsToldUntilItIsDone(t *testing.T) {
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	m := miniredis.RunT(t)
	m.SetTime(now)
	s, err := open(t, store.Options{URL: "redis://" + m.Addr(), RealNow: func() time.Time { return now }})
	must(t, err)
	ctx := t.Context()
	const id = "t00-waits"
	call := func(n string, made time.Time) workflows.Effect {
		return workflows.Effect{Kind: workflows.EffectCall, ID: id + "/1/" + n, Workflow: id, Account: "acme",
			Key: "io/acme", Made: made}
	}
	commit(t, s, workflows.Change{Workflow: id,
		Append: []workflows.Effect{call("0", now.Add(-time.Hour)), call("1", now)},
		Put: []workflows.Effect{{Kind: workflows.EffectWatch, Workflow: id, Account: "acme",
			Key: "watch/" + id + "/x", Watch: "x", Every: time.Minute}},
		TimersSet: []workflows.Timer{{Workflow: id, Name: "late", At: now.Add(-time.Minute)},
			{Workflow: id, Name: "early", At: now.Add(time.Minute)}}})
	want := func(when string, length, timers int) {
		t.Helper()
		b, err := s.Backlog(ctx, now)
		must(t, err)
		got := 0
		for _, q := range b.Queues {
			got += q.Length
			if q.Destination != "io/acme" || !q.Since.Equal(now.Add(-time.Hour)) {
				t.Errorf("%s: %+v", when, q)
			}
		}
		if got != length || b.LateTimers != timers || timers > 0 && !b.Latest.Equal(now.Add(-time.Minute)) {
			t.Errorf("%s: %d effects and %d timers since %s wait, not %d and %d", when, got, b.LateTimers, b.Latest,
				length, timers)
		}
	}
	want("at first", 2, 1)
	timers, err := s.ClaimTimers(ctx, now, now, 10, 10)
	must(t, err)
	want("while the timer is claimed", 2, 1)
	must(t, s.DropTimer(ctx, timers[0]))
	want("once the timer is done", 2, 0)
}
