package main

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// TestKilledAtEveryCommitARecoveryGoesOn kills the real program before and after each commit of a
// recovery, from the report to its end.
func TestKilledAtEveryCommitARecoveryGoesOn(t *testing.T) {
	t.Parallel()
	killedEverywhere(t, recoveryStory, false, nil)
}

// TestKilledAtEveryCommitAUseOfTheKeyGoesOn kills it around each commit of a use; the one sign-in
// in it counts once all the same.
func TestKilledAtEveryCommitAUseOfTheKeyGoesOn(t *testing.T) {
	t.Parallel()
	killedEverywhere(t, useStory, true, nil)
}

// TestKilledAtEveryCommitADrillGoesOn kills it around each commit of a drill. A letter follows
// another only where it was killed between sending it and recording that it went, and then the
// newer one's words hold.
func TestKilledAtEveryCommitADrillGoesOn(t *testing.T) {
	t.Parallel()
	killedEverywhere(t, drillStory, true, func(r *killRun, all []recorded) {
		letters, most := len(r.mail.all()), 1
		if r.killed.Load() {
			most = 2
		}
		if letters < 1 || letters > most {
			r.t.Errorf("%d letters were sent, want one, and one more at most where it was killed", letters)
		}
		if n := count(all, "drill.ended"); n != 2 { // its own record has one, and the account's
			r.t.Errorf("the end is recorded %d times", n)
		}
	})
}

// killedEverywhere plays a story once in peace, which counts its commits, and then once for a kill
// before and one for a kill after each of them. One that is half does every other of these where
// thoroughness was not asked for: their stories share each road with those of the others.
func killedEverywhere(t *testing.T, st story, half bool, more func(*killRun, []recorded)) {
	t.Helper()
	redis := many(t)
	judge := func(r *killRun) {
		r.stopped()
		all := r.export(r.path, r.url)
		r.kept(st, all)
		if more != nil {
			more(r, all)
		}
	}
	calm := killable(t, redis, st.edit)
	calm.killAt(isCommit, -1, pass)
	calm.begin()
	st.play(calm.stage)
	commits := calm.commits.Load()
	judge(calm)
	if t.Failed() {
		t.Fatal("it fails even when nobody kills it")
	}
	t.Logf("one walk: %d commits", commits)
	step := int64(1)
	if testing.Short() || raceDetector && !thorough() {
		step = 4
	}
	var missed atomic.Int64
	t.Run("points", func(t *testing.T) {
		for n := int64(1); n <= commits; n += step {
			for _, what := range []int{loseBefore, loseAfter} {
				if half && !thorough() && (n/step)%2 == int64(what)%2 {
					continue
				}
				name := map[int]string{loseBefore: "before", loseAfter: "after"}[what]
				t.Run(fmt.Sprintf("%s-%02d", name, n), func(t *testing.T) {
					t.Parallel()
					r := killable(t, redis, st.edit)
					r.killAt(isCommit, n, what)
					r.begin()
					st.play(r.stage)
					if !r.killed.Load() {
						missed.Add(1)
					}
					judge(r)
				})
			}
		}
	})
	if got := missed.Load(); got > commits/2 {
		t.Errorf("%d runs ended before their kill", got)
	}
}
