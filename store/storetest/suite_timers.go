package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

var timerTests = []test{
	{"a timer comes when it is due in the time of commands, whatever the real time", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, TimersSet: []workflows.Timer{w.timer("a", w.at(time.Hour)),
			w.timer("b/c@d", w.at(2*time.Hour))}})
		w.claimTimers(w.at(time.Hour-time.Millisecond), w.at(24*time.Hour))
		c := w.claimTimers(w.at(time.Hour), w.start, "a")[0]
		if c.Timer.Workflow != w.id || !c.Timer.At.Equal(w.at(time.Hour)) || !c.Until.Equal(w.at(lease)) {
			w.Errorf("claim %+v of %+v", c, *c.Timer)
		}
		w.must(w.s.DropTimer(w.ctx, c))
		w.claimTimers(w.at(2*time.Hour), w.at(time.Hour), "b/c@d")
	}},
	{"leased timers do not keep others waiting", func(w *world) {
		c := workflows.Change{Workflow: w.id}
		for i := range 30 {
			c.TimersSet = append(c.TimersSet, w.timer(fmt.Sprintf("t%02d", i), w.at(time.Duration(i)*time.Second)))
		}
		w.commit(c)
		seen := map[string]bool{}
		for range 6 {
			claims, err := w.s.ClaimTimers(w.ctx, w.at(time.Hour), w.start, 5, 5)
			w.must(err)
			if len(claims) != 5 {
				w.Fatalf("%d claimed", len(claims))
			}
			for _, c := range claims {
				if seen[c.Timer.Name] {
					w.Errorf("%s was claimed twice", c.Timer.Name)
				}
				seen[c.Timer.Name] = true
			}
		}
		w.claimTimers(w.at(time.Hour), w.at(lease-time.Millisecond))
	}},
	{"timers whose lease ended and fresh ones take no place from each other", func(w *world) {
		c := workflows.Change{Workflow: w.id}
		for i := range 10 {
			c.TimersSet = append(c.TimersSet, w.timer(fmt.Sprintf("old%d", i), w.start),
				w.timer(fmt.Sprintf("new%d", i), w.at(time.Minute)))
		}
		w.commit(c)
		if n := len(w.claimTimers(w.start, w.start, "old0", "old1", "old2", "old3", "old4", "old5", "old6", "old7",
			"old8", "old9")); n != 10 {
			w.Fatalf("%d claimed", n)
		}
		for _, max := range [][2]int{{4, 3}, {6, 0}, {0, 7}} {
			claims, err := w.s.ClaimTimers(w.ctx, w.at(time.Minute), w.at(lease), max[0], max[1])
			w.must(err)
			var got [2]int
			for _, c := range claims {
				got[c.Attempts]++
				if (c.Attempts == 1) != c.Timer.At.Equal(w.start) {
					w.Errorf("%s counts %d attempts", c.Timer.Name, c.Attempts)
				}
			}
			if got != max {
				w.Errorf("%v claimed, want %v", got, max)
			}
		}
	}},
	{"a timer whose lease ended is taken over and the old token is worth nothing", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, TimersSet: []workflows.Timer{w.timer("a", w.start)}})
		old := w.claimTimers(w.start, w.start, "a")[0]
		taken := w.claimTimers(w.start, w.at(lease), "a")[0]
		w.wantErr(w.s.DropTimer(w.ctx, old), workflows.ErrLeaseLost)
		w.wantErr(w.s.Commit(w.ctx, workflows.Change{Workflow: w.id,
			Records: []workflows.RecordChange{w.grow(w.wref, 1)}, Answers: &old}), workflows.ErrConflict)
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)},
			Answers: &taken})
		w.claimTimers(w.at(time.Hour), w.at(time.Hour))
		w.must(w.s.DropTimer(w.ctx, taken)) // gone already
	}},
	{"setting a timer again changes nothing, leased or not", func(w *world) {
		set := workflows.Change{Workflow: w.id, TimersSet: []workflows.Timer{w.timer("a", w.start)}}
		w.commit(set)
		w.commit(set)
		c := w.claimTimers(w.start, w.start, "a")[0]
		w.commit(set)
		w.claimTimers(w.start, w.at(time.Second))
		w.must(w.s.DropTimer(w.ctx, c))
		w.claimTimers(w.start, w.at(time.Hour))
	}},
	{"a timer set for another time is another generation", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, TimersSet: []workflows.Timer{w.timer("a", w.start)}})
		old := w.claimTimers(w.start, w.start, "a")[0]
		w.commit(workflows.Change{Workflow: w.id, TimersGone: []workflows.Timer{w.timer("a", w.start)},
			TimersSet: []workflows.Timer{w.timer("a", w.at(time.Minute))}})
		w.wantErr(w.s.Commit(w.ctx, workflows.Change{Workflow: w.id,
			Records: []workflows.RecordChange{w.grow(w.wref, 1)}, Answers: &old}), workflows.ErrConflict)
		w.must(w.s.DropTimer(w.ctx, old))
		w.claimTimers(w.at(30*time.Second), w.at(time.Hour))
		if c := w.claimTimers(w.at(time.Minute), w.at(time.Hour), "a")[0]; !c.Timer.At.Equal(w.at(time.Minute)) {
			w.Errorf("claimed the generation of %v", c.Timer.At)
		}
	}},
	{"a timer that is absent is ignored", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)},
			TimersGone: []workflows.Timer{w.timer("never", w.start)}})
		if v := w.load(w.wref).Version; v != 1 {
			w.Errorf("version %d", v)
		}
	}},
	{"a timer given back is due again at its time", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, TimersSet: []workflows.Timer{w.timer("a", w.start)}})
		c := w.claimTimers(w.start, w.start, "a")[0]
		until, err := w.s.Extend(w.ctx, c, w.at(time.Second))
		w.must(err)
		w.claimTimers(w.start, until.Add(-time.Millisecond))
		w.finish(c, workflows.Finish{NotBefore: w.at(2 * time.Second)})
		w.claimTimers(w.start, w.at(1999*time.Millisecond))
		w.wantErr(w.s.DropTimer(w.ctx, c), workflows.ErrLeaseLost)
		w.claimTimers(w.start, w.at(2*time.Second), "a")
	}},
}

var crowdTests = []test{
	{"of 64 who commit the same version one succeeds each time", func(w *world) {
		const writers, rounds = 64, 4
		var won atomic.Int64
		for round := range rounds {
			from := w.load(w.wref)
			var all sync.WaitGroup
			for range writers {
				all.Go(func() {
					rc := w.growFrom(from, 1)
					err := w.s.Commit(w.ctx, workflows.Change{Workflow: w.id, Account: account,
						Records: []workflows.RecordChange{rc},
						Append:  []workflows.Effect{w.call(fmt.Sprintf("round-%d", round))}})
					switch {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, workflows.ErrConflict):
						w.Errorf("commit: %v", err)
					}
				})
			}
			all.Wait()
		}
		if won.Load() != rounds || w.load(w.wref).Version != rounds {
			w.Errorf("%d of %d commits succeeded; version %d", won.Load(), rounds, w.load(w.wref).Version)
		}
		w.must(w.s.Verify(w.ctx, w.wref))
		for round := range rounds {
			w.finish(w.one(w.at(time.Minute), fmt.Sprintf("round-%d", round)), done)
		}
		w.claim(w.at(time.Hour))
	}},
	{"of several couriers one gets each effect, and each key is in flight once", func(w *world) {
		const keys, depth = 40, 3
		for d := range depth {
			c := workflows.Change{Workflow: w.id, Account: account}
			for k := range keys {
				c.Append = append(c.Append, w.keyed(fmt.Sprintf("%d/%d", k, d), fmt.Sprintf("key/%d", k)))
			}
			w.commit(c)
		}
		var mu sync.Mutex
		flying, delivered := map[string]bool{}, map[string]int{}
		next := map[string]int{}
		left := atomic.Int64{}
		left.Store(keys * depth)
		courier := func() {
			for left.Load() > 0 && w.ctx.Err() == nil {
				claims, err := w.s.ClaimEffects(w.ctx, w.at(time.Second), 7)
				if err != nil {
					w.Errorf("claim: %v", err)
					return
				}
				for _, c := range claims {
					mu.Lock()
					if flying[c.Effect.Key] {
						w.Errorf("%s is in flight twice", c.Effect.Key)
					}
					if want := fmt.Sprintf("%s/%d", c.Effect.Key[len("key/"):],
						next[c.Effect.Key]); c.Effect.ID != want {
						w.Errorf("%s came, want %s", c.Effect.ID, want)
					}
					flying[c.Effect.Key] = true
					next[c.Effect.Key]++
					delivered[c.Effect.ID]++
					mu.Unlock()
				}
				for _, c := range claims {
					mu.Lock()
					delete(flying, c.Effect.Key)
					mu.Unlock()
					if err := w.s.Finish(w.ctx, c, done); err != nil {
						w.Errorf("finish: %v", err)
					}
					left.Add(-1)
				}
			}
		}
		var all sync.WaitGroup
		for range 6 {
			all.Go(courier)
		}
		all.Wait()
		if len(delivered) != keys*depth {
			w.Errorf("%d effects delivered, want %d", len(delivered), keys*depth)
		}
	}},
}
