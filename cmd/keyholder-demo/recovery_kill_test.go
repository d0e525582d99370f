package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// hasty lets a recovery's cool-down be over in a second.
func hasty(yaml string) string { return quick(yaml) + "    recovery: {cooldown: 1s}\n" }

// insistForm presses a button and sends its form, as impatient people do, until the button is gone.
func (s *stage) insistForm(who, action string, fields map[string]map[string]any) {
	s.t.Helper()
	s.until(who+"'s button "+action, func() bool { return s.has(who, action) })
	s.insist(who+" sending the form of "+action, func() bool { return !s.has(who, action) }, func() {
		if v := s.slack.Views(who); len(v) > 0 {
			_, _ = s.slack.SubmitView(s.ctx, who, v[len(v)-1].ID, fields)
			return
		}
		if m, block, ok := s.button(who, action); ok {
			_, _ = s.slack.Click(s.ctx, who, m.Channel, m.TS, block, action)
		}
	})
}

// regain takes a recovery from its report to its end.
func (s *stage) regain() {
	s.t.Helper()
	report := map[string]map[string]any{"situation": field("situation", "mailbox"), "reason": field("reason", "It bounces since Friday")}
	s.insist("the report", func() bool { return s.card(oli) != "" }, func() {
		if len(s.slack.Views(oli)) == 0 {
			_, _ = s.slack.SlashCommand(s.ctx, oli, opsRoom, "/io", "recover acme")
		}
		s.waitFor(func() bool { return len(s.slack.Views(oli)) > 0 })
		if v := s.slack.Views(oli); len(v) > 0 {
			_, _ = s.slack.SubmitView(s.ctx, oli, v[len(v)-1].ID, report)
		}
	})
	s.insistPress(ana, "recovery.approve")
	s.insistPress(ben, "recovery.approve")
	s.insistPress(dee, "recovery.claim")
	s.insistForm(dee, "recovery.done", map[string]map[string]any{"evidence": field("evidence", "Ticket 4711")})
	s.insistPress(cat, "recovery.seen")
	s.insistForm(cat, "recovery.settle", map[string]map[string]any{"done": field("done", []string{"password", "sessions"})})
	s.until("the end on every card", func() bool {
		for _, who := range []string{oli, dee, ana, ben, cat, jane} {
			if !strings.Contains(s.card(who), "of Acme Production is regained") {
				return false
			}
		}
		return true
	})
}

// TestKilledAtEveryCommitARecoveryGoesOn kills the real program before and after each commit of a recovery, from the report to its end.
func TestKilledAtEveryCommitARecoveryGoesOn(t *testing.T) {
	t.Parallel()
	redis := many(t)
	calm := killable(t, redis, hasty)
	calm.killAt(isCommit, -1, pass)
	calm.begin()
	calm.regain()
	commits := calm.commits.Load()
	if t.Failed() {
		t.Fatal("it fails even when nobody kills it")
	}
	t.Logf("one recovery: %d commits", commits)
	step := int64(1)
	if testing.Short() || raceDetector && !thorough() {
		step = 4
	}
	var missed atomic.Int64
	t.Run("points", func(t *testing.T) {
		for n := int64(1); n <= commits; n += step {
			for name, what := range map[string]int{"before": loseBefore, "after": loseAfter} {
				t.Run(fmt.Sprintf("%s-%02d", name, n), func(t *testing.T) {
					t.Parallel()
					r := killable(t, redis, hasty)
					r.killAt(isCommit, n, what)
					r.begin()
					r.regain()
					if !r.killed.Load() {
						missed.Add(1)
					}
					r.stopped()
					all := r.export(r.path, r.url)
					for _, kind := range []string{"requested", "approved", "step_begun", "step_claimed", "step_done", "step_seen", "securing", "regained"} {
						if n := count(all, "recovery."+kind); n != 1 {
							t.Errorf("recovery.%s is recorded %d times, want once", kind, n)
						}
					}
				})
			}
		}
	})
	if got := missed.Load(); got > commits/2 {
		t.Errorf("%d runs ended before their kill", got)
	}
}
