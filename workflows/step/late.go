package step

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Names of timers, before a colon and the step's name.
const (
	timerLate   = "late"
	timerRemind = "remind-step"
)

func timer(name string, st Step) string { return name + ":" + st.Name }

// Timers are those of a step: when it is late, and then the next reminder.
func (o Of[S]) Timers(s S, name string) []workflows.Timer {
	st := o.at(s, name)
	if !st.IsOpen() || st.Due.IsZero() {
		return nil
	}
	if st.Late == nil {
		return []workflows.Timer{{Name: timer(timerLate, st), At: st.Due.UTC().Truncate(time.Millisecond)}}
	}
	at, due := o.nextReminder(s, st)
	if !due {
		return nil
	}
	return []workflows.Timer{{Name: timer(timerRemind, st), At: at}}
}

// nextReminder is when whoever has to act is reminded next: so long after they heard last, in the
// first working hour that any of them has.
func (o Of[S]) nextReminder(s S, st Step) (time.Time, bool) {
	people := st.Waiting()
	if st.Every <= 0 || len(people) == 0 {
		return time.Time{}, false
	}
	last := st.Late.At
	if n := len(st.Reminders); n > 0 {
		last = st.Reminders[n-1].At
	}
	earliest := last.Add(st.Every)
	first := earliest
	for i, who := range people {
		at := earliest
		if o.Work != nil {
			at = o.Work(s, who, earliest)
		}
		if i == 0 || at.Before(first) {
			first = at
		}
	}
	return first.UTC().Truncate(time.Millisecond), true
}

// Fired decides a timer of a step; mine is false for another's.
func (o Of[S]) Fired(s S, name string, cmd workflows.Command) (d workflows.Decision, mine bool) {
	st := o.at(s, name)
	switch cmd.Timer.Name {
	case timer(timerLate, st):
		if st.IsOpen() && st.Late == nil {
			d = o.late().One(cmd, told{Step: name, Notice: Notice{To: workflows.Union(st.Waiting(), st.Hearers),
				At: cmd.At}})
		}
		return d, true
	case timer(timerRemind, st):
		if st.IsOpen() && st.Late != nil {
			d = o.reminded().One(cmd, told{Step: name, Notice: Notice{To: st.Waiting(), At: cmd.At}})
		}
		return d, true
	}
	return d, false
}
