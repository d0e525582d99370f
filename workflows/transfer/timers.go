package transfer

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Names of timers.
const (
	timerSlow   = "slow"   // integrator.io has not answered the first reading
	timerExpire = "expire" // the stage's own end
	timerCool   = "cool"   // the cool-down is over
	timerDoubt  = "doubt"  // a reading got worse; it is read again before it decides
	timerRemind = "remind" // somebody has not answered
)

// slowAfter is when people are told that integrator.io does not answer.
const slowAfter = 10 * time.Second

// doubtFor is how long after a reading that got worse the account is read again: what integrator.io
// shows may lag behind.
const doubtFor = 2 * time.Second

// maxReminders is how often one stage reminds.
const maxReminders = 2

// timers says what the state waits for by the clock.
func (s State) timers() []workflows.Timer {
	if s.Closed() {
		return nil
	}
	var out []workflows.Timer
	add := func(name string, at time.Time) {
		out = append(out, workflows.Timer{Name: name, At: at.UTC().Truncate(time.Millisecond)})
	}
	if s.Stage == Cooling && !s.Cooled {
		add(timerCool, s.Until)
		if s.Doubt == "" {
			return out
		}
	}
	if s.Doubt != "" && !s.Reading {
		add(timerDoubt, s.DoubtAt.Add(doubtFor))
	}
	if s.Reading && !s.Slow {
		add(timerSlow, s.ReadingSince.Add(slowAfter))
	}
	if s.Ending != nil {
		return out // the withdrawal answers, or fails at its deadline
	}
	if (s.Stage != Cooling || s.Cooled) && s.Stage != Finishing {
		add(timerExpire, s.Until)
	}
	if s.Stage == Confirming {
		out = append(out, asks.Timers(s)...)
	}
	if at, ok := s.nextReminder(); ok {
		add(timerRemind, at)
	}
	return out
}

// nextReminder says when to remind next: at half of the stage's time and shortly before its end,
// never twice for the same moment.
func (s State) nextReminder() (time.Time, bool) {
	switch s.Stage {
	case Finishing:
		last := s.Since
		if n := len(s.Reminders); n > 0 && s.Reminders[n-1].At.After(last) {
			last = s.Reminders[n-1].At
		}
		return last.Add(remindOpenEvery), true
	case Preparing, Accepting, Settling:
	default:
		return time.Time{}, false
	}
	sent, last := 0, s.Since
	for _, r := range s.Reminders {
		if r.Stage == s.Stage && r.At.After(s.Since) {
			sent, last = sent+1, r.At
		}
	}
	if sent >= maxReminders || len(s.in().owing(s)) == 0 {
		return time.Time{}, false
	}
	whole := s.Until.Sub(s.Since)
	left := whole / 2
	if sent > 0 {
		left = min(24*time.Hour, whole/4)
	}
	at := s.Until.Add(-left)
	if sent > 0 && !at.After(last) {
		return time.Time{}, false // the first one came so late that a second would follow at once
	}
	return at, true
}

// fired decides a timer.
func fired(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Stage == Confirming {
		if a, mine := asks.Fired(s, cmd, f); mine {
			return answered(s, cmd, f, a)
		}
	}
	switch cmd.Timer.Name {
	case timerSlow:
		return evSlow.One(cmd, workflows.None{}), nil
	case timerCool:
		d := evCooled.One(cmd, workflows.None{})
		d.Calls = []workflows.Call{inspectCall(s.AccountID, s.Frozen, s.Target)}
		return d, nil
	case timerDoubt:
		return s.again(cmd), nil
	case timerRemind:
		return evReminded.One(cmd, Reminder{N: len(s.Reminders) + 1, To: s.in().owing(s), Stage: s.Stage,
			Until: s.Until, At: cmd.At, Round: s.Round}), nil
	case timerExpire:
		return s.in().expire(s, cmd)
	}
	return workflows.Decision{}, nil
}
