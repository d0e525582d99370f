package question

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Schedule is the one schedule of all questions: when those who have not answered are reminded, at
// half of the time and shortly before the end (a twelfth of the time, a day at most), and when those
// who look after it hear, at three quarters. Times are whole milliseconds.
func Schedule(began, closes time.Time) (reminders [2]time.Time, escalation time.Time) {
	whole := closes.Sub(began)
	at := func(left time.Duration) time.Time { return closes.Add(-left).UTC().Truncate(time.Millisecond) }
	return [2]time.Time{at(whole / 2), at(min(24*time.Hour, whole/12))}, at(whole / 4)
}

// Timers are those of the question; none when it is not open, has no end, or while it is held.
func (o Of[S]) Timers(s S) []workflows.Timer {
	q := o.at(s)
	if !q.IsOpen() {
		return nil
	}
	var out []workflows.Timer
	add := func(name string, at time.Time) { out = append(out, workflows.Timer{Name: o.named(name), At: at}) }
	// What comes after its end is the machine's.
	before := func(at time.Time) bool { return q.Ballot.Closes.IsZero() || at.Before(q.Ballot.Closes) }
	if looked := q.looked(); !looked.IsZero() && before(looked) {
		add(timerLooked, looked)
	}
	if !q.StandIns.IsZero() && before(q.StandIns) {
		add(timerStandIns, q.StandIns)
	}
	if q.Ballot.Closes.IsZero() || o.held(s) != "" || o.Calm != nil && o.Calm(s) {
		return out
	}
	reminders, escalation := Schedule(q.Began, q.Ballot.Closes)
	if n := q.reminded(); n < len(reminders) && len(q.hearing(q.Waiting)) > 0 {
		add(timerRemind, reminders[n])
	}
	if q.Escalated == nil && o.Carers != nil {
		add(timerEscalate, escalation)
	}
	return out
}

// looked is when the first of those who look at it has done so for long enough; zero: nobody does.
func (q Question) looked() time.Time {
	if len(q.Looks) == 0 {
		return time.Time{}
	}
	return q.Looks[0].At.Add(LookFor).UTC().Truncate(time.Millisecond)
}

// reminded is how many points of the schedule are behind.
func (q Question) reminded() int {
	if len(q.Reminders) == 0 {
		return 0
	}
	return q.Reminders[len(q.Reminders)-1].N
}

// Fired decides a timer of the question; mine is false for another's. Before an escalation is told
// it is counted again, which may decide the question: the outcome says so. A warning whose end is
// due as well is knowingly left out: the end itself tells.
func (o Of[S]) Fired(s S, cmd workflows.Command, f workflows.Facts) (a Answer, mine bool) {
	q := o.at(s)
	a.Outcome = approvals.Open
	over := !q.IsOpen() || !q.Ballot.Closes.IsZero() && !cmd.At.Before(q.Ballot.Closes)
	switch cmd.Timer.Name {
	case o.named(timerRemind):
		if !over {
			a.Decision = o.reminding().One(cmd, q.remind(cmd.At))
		}
		return a, true
	case o.named(timerEscalate):
		if !over && q.Escalated == nil {
			a = o.escalate(s, cmd, f)
		}
		return a, true
	case o.named(timerStandIns):
		if !over {
			a = o.Delegated(s, cmd, f)
		}
		return a, true
	case o.named(timerLooked):
		if !over && len(q.Looks) > 0 {
			a.Decision = o.lookedOn().One(cmd, lookEnd{Before: cmd.At.Add(-LookFor)})
		}
		return a, true
	}
	return a, false
}

// FactsFor reports whether a timer is one that wants facts, as it counts again: the escalation, and
// the end of a delegation.
func (o Of[S]) FactsFor(timer string) bool {
	return timer == o.named(timerEscalate) || timer == o.named(timerStandIns)
}

// remind is the reminder of now, which also answers every later point that has passed.
func (q Question) remind(at time.Time) Reminder {
	r := Reminder{N: q.reminded() + 1, To: q.hearing(q.Waiting), Given: q.Given, At: at}
	reminders, _ := Schedule(q.Began, q.Ballot.Closes)
	for r.N < len(reminders) && !reminders[r.N].After(at) {
		r.N++
	}
	return r
}

// escalate tells those who look after it, and are not asked, that answers are missing. Whoever can
// answer by now is asked.
func (o Of[S]) escalate(s S, cmd workflows.Command, f workflows.Facts) Answer {
	q := o.at(s)
	st := o.standing(q, f)
	b, t := q.judge(nil, st, f, cmd.At)
	a := q.count(nil, b, t, st, f, cmd.At)
	next := q
	next.counted(workflows.Event{At: cmd.At}, a)
	var d workflows.Decision
	if !same(q, a) {
		d = o.recounted().One(cmd, a)
	}
	if t.Outcome == approvals.Approved || t.Outcome == approvals.Refused {
		return Answer{Decision: d, Outcome: t.Outcome}
	}
	to := slices.DeleteFunc(workflows.Union(o.Carers(s)), func(who string) bool {
		return slices.Contains(next.Asked, who) || f.People[who].Standing != ""
	})
	d.Events = append(d.Events, o.escalating().Of(cmd, Escalation{To: to, Open: next.Waiting, At: cmd.At}))
	return Answer{Decision: d, Outcome: approvals.Open}
}

// same reports whether a count says nothing new.
func same(q Question, a Answered) bool {
	return len(a.Votes) == 0 && len(a.Bars) == 0 && len(a.Gone) == 0 && a.StandIns.Equal(q.StandIns) &&
		a.Given == q.Given && a.Missing == q.Missing &&
		slices.Equal(a.Unmet, q.Unmet) && slices.Equal(a.Waiting, q.Waiting) && slices.Equal(a.Able, q.Able) &&
		slices.Equal(a.Lost, q.Lost)
}

// lookEnd ends the looks that began by then.
type lookEnd struct {
	Before time.Time `json:"before"`
}
