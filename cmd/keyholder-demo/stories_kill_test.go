package main

import "testing"

// TestKilledAtEveryCommitARecoveryGoesOn kills the real program before and after each commit of a
// recovery, from the report to its end.
func TestKilledAtEveryCommitARecoveryGoesOn(t *testing.T) {
	t.Parallel()
	killedInStory(recoveryStory, nil).everywhere(t)
}

// TestKilledAtEveryCommitAUseOfTheKeyGoesOn kills it around each commit of a use; the one sign-in
// in it counts once all the same.
func TestKilledAtEveryCommitAUseOfTheKeyGoesOn(t *testing.T) {
	t.Parallel()
	killedInStory(useStory, nil).everywhere(t)
}

// TestKilledAtEveryCommitADrillGoesOn kills it around each commit of a drill. A letter follows
// another only where it was killed between sending it and recording that it went, and then the
// newer one's words hold.
func TestKilledAtEveryCommitADrillGoesOn(t *testing.T) {
	t.Parallel()
	killedInStory(drillStory, func(r *killRun, all []recorded) {
		letters, most := len(r.mail.all()), 1
		if r.kills.Load() > 0 {
			most = 2
		}
		if letters < 1 || letters > most {
			r.t.Errorf("%d letters were sent, want one, and one more at most where it was killed", letters)
		}
		if n := count(all, "drill.ended"); n != 2 { // its own record has one, and the account's
			r.t.Errorf("the end is recorded %d times", n)
		}
	}).everywhere(t)
}

// killedInStory is a story with what is recorded of it looked at, and more where there is more.
func killedInStory(st story, more func(*killRun, []recorded)) killed {
	return killed{edit: st.edit, play: func(r *killRun) { st.play(r.stage) }, judge: func(r *killRun) {
		r.stopped()
		all := r.export(r.path, r.url)
		r.kept(st, all)
		if more != nil {
			more(r, all)
		}
	}}
}
