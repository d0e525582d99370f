package loops_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
)

// A desk that knows the records loads nothing, so the commit alone can tell that the clock was
// another one when the command came, or is now. The demo's clock may be anywhere: only what it says
// beside this machine's counts.
func TestWhatAStrayClockDecidesIsNotRecorded(t *testing.T) {
	t.Parallel()
	var off atomic.Int64
	ahead := 300 * 24 * time.Hour // of the demo
	real := func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
	now := func() time.Time { return real().Add(ahead) }
	c := storetest.OpenWith(t, store.Options{URL: "redis://" + miniredis.RunT(t).Addr(),
		Shards: 4, Log: zerolog.Nop(), RealNow: real})
	desk := loops.NewDesk(loops.DeskOptions{Store: c, Machines: []workflows.Machine{small{1}},
		Roster:   knownPeople{now()},
		Policies: manyPolicies{}, Now: now, RealNow: real, Log: zerolog.Nop()})
	id := workflows.NewID('b', "acme", c.Shards(), "clock")
	do := func(what, command string, at time.Time) error {
		_, err := desk.Do(context.Background(), workflows.Command{ID: command, Workflow: id, Account: "acme",
			Name: what,
			At:   at, Round: workflows.NoRound, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: smallPeople[1]}})
		return err
	}
	if err := do("small.request", "open", now()); err != nil {
		t.Fatal(err)
	}
	if err := do("small.count", "first", now()); err != nil {
		t.Fatal(err)
	}
	stray := now().Add(20 * time.Hour) // the clock was there when the click came, and is back
	err := do("small.count", "ahead", stray)
	if !errors.Is(err, store.ErrClock) || !errors.Is(err, workflows.ErrAway) {
		t.Errorf("ahead when it came: %v", err)
	}
	for _, jump := range []time.Duration{20 * time.Hour, -20 * time.Hour} {
		if err := do("small.count", "between", now()); err != nil { // the desk knows the records again
			t.Fatal(err)
		}
		at := now()
		off.Store(int64(jump))
		if err := do("small.count", "off", at); !errors.Is(err, store.ErrClock) {
			t.Errorf("%s away at the commit: %v", jump, err)
		}
		off.Store(0)
	}
	events, err := c.Events(context.Background(), workflows.RecordRef(id), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Command == "ahead" || e.Command == "off" || e.At.After(now()) {
			t.Errorf("recorded: %s at %s", e.Command, e.At)
		}
	}
}
