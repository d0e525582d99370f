package worktime

import (
	"sort"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Kinds of reminders; those before the due time are [Before] and how long before, as a Go duration:
// "before:72h0m0s".
const (
	Weekly  = "weekly" // one of those that come every so often, whatever that is
	Before  = "before:"
	Due     = "due"
	Overdue = "overdue"
)

// Reminders of something that was opened, is due and closes at some time.
type Reminders struct {
	Hours  Hours           // of whoever is reminded; see [Hours.In]
	Every  time.Duration   // from the opening until the first of Before; 0: not
	Before []time.Duration // before it is due, 0 being that time itself
	Late   time.Duration   // how often from when it is due until it closes; 0: not

	Opened, Due, Closes time.Time
}

// RemindersOf are the reminders of a review.
func RemindersOf(p workflows.ReviewPolicy, opened, due, closes time.Time) Reminders {
	return Reminders{Hours: HoursOf(p), Every: p.RemindEvery, Before: p.RemindBefore, Late: p.OverdueEvery,
		Opened: opened, Due: due, Closes: closes}
}

// In are the same reminders for somebody in a zone.
func (r Reminders) In(zone string) Reminders {
	r.Hours = r.Hours.In(zone)
	return r
}

// Reminder is one of a series; the zero value is none.
type Reminder struct {
	At   time.Time
	Kind string // one of the kinds above
}

// Next answers the first reminder strictly after a time, none when no more come.
//
// Planned are: one Every so often from the opening until the first of Before; those of Before that
// lie after the opening; then one every Late until it closes. Each goes to the first working moment
// not before it. What must come before the due time and would not goes the other way instead, to
// the last working day before: to the beginning of that day's hours (half-way between opening and
// due where that was before the opening), or to the same time of day where days but no hours are
// set. So what is due on Monday at nine, or at midnight, has its last reminder on Friday morning,
// when something can still be done about it. Without hours and days nothing moves, and the last one
// comes at the due time itself.
//
// Nobody is reminded twice on a working day of theirs: of those that meet there the most urgent one
// stays (overdue, due, the shortest time before, weekly; of equals the earlier). Only what comes
// before the due time and what comes after it are both kept. Without hours and days, all distinct
// times are, for then durations may be as short as a second.
func (r Reminders) Next(after time.Time) Reminder {
	loc := r.Hours.location()
	if next := r.early(loc).next(after); next != (Reminder{}) {
		return next
	}
	return r.late(loc).next(after)
}

// Owed answers the next reminder of whoever takes over at a time, as [Reminders.Next]. One that was
// planned for somebody else, is due and was not sent, is owed to them as well, in their working
// hours, or at once where none are left before it closes; only their own next one on that day takes
// its place.
func (r Reminders) Owed(planned Reminder, at time.Time) Reminder {
	next := r.Next(at)
	if planned.At.IsZero() || planned.At.After(at) || !at.Before(r.Closes) {
		return next
	}
	loc := r.Hours.location()
	owed := r.Hours.next(loc, at)
	if !owed.Before(r.Closes) {
		owed = at
	}
	if !next.At.IsZero() {
		day, _ := split(shown(owed, loc))
		sameSide := next.At.After(r.Due) == owed.After(r.Due)
		sameDay := !r.Hours.Any() && sameSide && next.At.Before(wall(day.AddDate(0, 0, 1), 0, loc))
		if sameDay || !owed.Before(next.At) {
			return next
		}
	}
	return Reminder{At: owed, Kind: planned.Kind}
}

// series is some reminders of one kind: n of them, the kth (from 0) planned at k*every after first.
// They are never listed, as a policy may ask for one each second of a year.
type series struct {
	kind  string
	first time.Time
	every time.Duration
	n     int
	place func(planned time.Time) time.Time
}

func (s series) at(k int) time.Time {
	return s.place(s.first.Add(time.Duration(k) * s.every)).UTC().Truncate(time.Millisecond)
}

// from answers the first that is placed at or after a time; s.n for none.
func (s series) from(t time.Time) int {
	return sort.Search(s.n, func(k int) bool { return !s.at(k).Before(t) })
}

// side is what is planned on one side of the due time, the most urgent kind first.
type side struct {
	loc   *time.Location
	daily bool // at most one a day
	kinds []series
}

// early are the reminders up to the due time.
func (r Reminders) early(loc *time.Location) side {
	out := side{loc: loc, daily: !r.Hours.Any()}
	back := r.lastDay(loc)
	work := func(t time.Time) time.Time { return r.Hours.next(loc, t) }
	place := func(t time.Time) time.Time {
		if w := work(t); w.Before(r.Due) {
			return w
		}
		return back
	}
	until := r.Due
	for _, before := range ascending(r.Before) {
		planned := r.Due.Add(-before)
		if !planned.After(r.Opened) {
			continue
		}
		until = planned
		kind := Before + before.String()
		if before == 0 {
			kind = Due
		}
		out.kinds = append(out.kinds, series{kind: kind, first: planned, n: 1, place: place})
	}
	if r.Every > 0 {
		s := repeated(Weekly, r.Opened, r.Every, until, work)
		s.n = s.from(r.Due)
		out.kinds = append(out.kinds, s)
	}
	return out
}

// late are the reminders after the due time.
func (r Reminders) late(loc *time.Location) side {
	out := side{loc: loc, daily: !r.Hours.Any()}
	if r.Late > 0 {
		s := repeated(Overdue, r.Due, r.Late, r.Closes, func(t time.Time) time.Time { return r.Hours.next(loc, t) })
		s.n = s.from(r.Closes)
		out.kinds = append(out.kinds, s)
	}
	return out
}

// repeated is every multiple of a duration after a time and before another.
func repeated(
	kind string, after time.Time, every time.Duration, before time.Time, place func(time.Time) time.Time,
) series {
	s := series{kind: kind, first: after.Add(every), every: every, place: place}
	if room := before.Sub(after); room > 0 {
		s.n = int((room - 1) / every)
	}
	return s
}

// ascending are the durations once each, none negative, the shortest first.
func ascending(all []time.Duration) []time.Duration {
	var out []time.Duration
	for _, d := range all {
		i := sort.Search(len(out), func(i int) bool { return out[i] >= d })
		if d < 0 || i < len(out) && out[i] == d {
			continue
		}
		out = append(out[:i], append([]time.Duration{d}, out[i:]...)...)
	}
	return out
}

// lastDay is where a reminder goes that would otherwise not come before the due time. It is after
// the opening and not after the due time; without working time between the two it is the due time.
func (r Reminders) lastDay(loc *time.Location) time.Time {
	h := r.Hours
	if h.Any() || h.anyHour() && h.next(loc, r.Due).Equal(r.Due.UTC()) {
		return r.Due.UTC()
	}
	from, to := h.span()
	days := h.workdays()
	day, of := split(shown(r.Due, loc))
	if h.anyHour() {
		from = of
	}
	for ; wall(day.AddDate(0, 0, 1), 0, loc).After(r.Opened); day = day.AddDate(0, 0, -1) {
		if !days[day.Weekday()] {
			continue
		}
		begin, end := wall(day, from, loc), wall(day, to, loc)
		if !begin.Before(end) || !begin.Before(r.Due) {
			continue
		}
		if begin.After(r.Opened) {
			return begin
		}
		if end.After(r.Due) {
			end = r.Due
		}
		half := r.Opened.Add(end.Sub(r.Opened) / 2).Truncate(time.Millisecond)
		if half.After(r.Opened) && !half.Before(begin) {
			return half.UTC()
		}
	}
	return r.Due.UTC()
}

// next answers the first reminder after a time.
func (r side) next(after time.Time) Reminder {
	for {
		found := r.first(after)
		if found.At.IsZero() || !r.daily {
			return found
		}
		day, _ := split(shown(found.At, r.loc))
		end := wall(day.AddDate(0, 0, 1), 0, r.loc)
		if best := r.best(wall(day, 0, r.loc), end); best.At.After(after) {
			return best
		}
		after = end.Add(-time.Nanosecond) // that day has had its reminder
	}
}

// first answers what comes first after a time, the most urgent of what comes together.
func (r side) first(after time.Time) Reminder {
	var out Reminder
	for _, s := range r.kinds {
		k := s.from(after.Add(time.Nanosecond))
		if k < s.n && (out.At.IsZero() || s.at(k).Before(out.At)) {
			out = Reminder{At: s.at(k), Kind: s.kind}
		}
	}
	return out
}

// best answers the one reminder of a day that has some.
func (r side) best(begin, end time.Time) Reminder {
	for _, s := range r.kinds {
		if k := s.from(begin); k < s.n && s.at(k).Before(end) {
			return Reminder{At: s.at(k), Kind: s.kind}
		}
	}
	return Reminder{}
}
