package worktime

import (
	"sort"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Kinds of reminders; those before the due time are [RemindBefore] and how long before, as a Go duration: "before:72h0m0s".
const (
	RemindWeekly  = "weekly"
	RemindBefore  = "before:"
	RemindDue     = "due"
	RemindOverdue = "overdue"
)

// NextReminder answers the first reminder strictly after a time, for a reviewer in a zone (an unknown one is the policy's own), of a review that was
// opened, is due and closes at these times. why is one of the kinds above; ok is false when no more reminders come.
//
// Planned are: every RemindEvery from the opening until the first of RemindBefore; those of RemindBefore that lie after the opening; then every
// OverdueEvery until the review closes. Each goes to the first working moment ([Working]) not before it. What must come before the due time and
// would not goes the other way instead, to the last working day before: to the beginning of that day's hours (half-way between opening and due where
// that was before the opening), or to the same time of day where days but no hours are set. So a review that is due on Monday at nine, or at
// midnight, has its last reminder on Friday morning, when something can still be done about it. Without hours and days nothing moves, and the last
// one comes at the due time itself.
//
// Nobody is reminded twice on a working day of theirs: of those that meet there the most urgent one stays (overdue, due, the shortest time before,
// weekly; of equals the earlier). Only what comes before the due time and what comes after it are both kept. Without hours and days, all
// distinct times are, for then durations may be as short as a second.
func NextReminder(p workflows.ReviewPolicy, zone string, opened, due, closes, after time.Time) (at time.Time, why string, ok bool) {
	loc := zoneOr(p, zone)
	if at, why, ok = early(p, loc, opened, due).next(after); ok {
		return at, why, true
	}
	return late(p, loc, due, closes).next(after)
}

// series is some reminders of one kind: n of them, the kth (from 0) planned at k*every after first. They are never listed, as a policy may
// ask for one each second of a year.
type series struct {
	why   string
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

// reminders are what is planned on one side of the due time, the most urgent kind first.
type reminders struct {
	loc   *time.Location
	daily bool // at most one a day
	kinds []series
}

// early are the reminders up to the due time.
func early(p workflows.ReviewPolicy, loc *time.Location, opened, due time.Time) reminders {
	r := reminders{loc: loc, daily: !anyTime(p)}
	back := lastDay(p, loc, opened, due)
	place := func(t time.Time) time.Time {
		if w := working(p, loc, t); w.Before(due) {
			return w
		}
		return back
	}
	until := due
	for _, before := range ascending(p.RemindBefore) {
		planned := due.Add(-before)
		if !planned.After(opened) {
			continue
		}
		until = planned
		why := RemindBefore + before.String()
		if before == 0 {
			why = RemindDue
		}
		r.kinds = append(r.kinds, series{why: why, first: planned, n: 1, place: place})
	}
	if p.RemindEvery > 0 {
		s := repeated(RemindWeekly, opened, p.RemindEvery, until, func(t time.Time) time.Time { return working(p, loc, t) })
		s.n = s.from(due)
		r.kinds = append(r.kinds, s)
	}
	return r
}

// late are the reminders after the due time.
func late(p workflows.ReviewPolicy, loc *time.Location, due, closes time.Time) reminders {
	r := reminders{loc: loc, daily: !anyTime(p)}
	if p.OverdueEvery > 0 {
		s := repeated(RemindOverdue, due, p.OverdueEvery, closes, func(t time.Time) time.Time { return working(p, loc, t) })
		s.n = s.from(closes)
		r.kinds = append(r.kinds, s)
	}
	return r
}

// repeated is every multiple of a duration after a time and before another.
func repeated(why string, after time.Time, every time.Duration, before time.Time, place func(time.Time) time.Time) series {
	s := series{why: why, first: after.Add(every), every: every, place: place}
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

// lastDay is where a reminder goes that would otherwise not come before the due time. It is after the opening and not after the due time; without
// working time between the two it is the due time.
func lastDay(p workflows.ReviewPolicy, loc *time.Location, opened, due time.Time) time.Time {
	if anyTime(p) || anyHour(p) && working(p, loc, due).Equal(due.UTC()) {
		return due.UTC()
	}
	from, to := hours(p)
	days := workdays(p)
	day, of := split(shown(due, loc))
	if anyHour(p) {
		from = of
	}
	for ; wall(day.AddDate(0, 0, 1), 0, loc).After(opened); day = day.AddDate(0, 0, -1) {
		if !days[day.Weekday()] {
			continue
		}
		begin, end := wall(day, from, loc), wall(day, to, loc)
		if !begin.Before(end) || !begin.Before(due) {
			continue
		}
		if begin.After(opened) {
			return begin
		}
		if end.After(due) {
			end = due
		}
		if half := opened.Add(end.Sub(opened) / 2).Truncate(time.Millisecond); half.After(opened) && !half.Before(begin) {
			return half.UTC()
		}
	}
	return due.UTC()
}

// next answers the first reminder after a time.
func (r reminders) next(after time.Time) (at time.Time, why string, ok bool) {
	for {
		at, why, ok = r.first(after)
		if !ok || !r.daily {
			return at, why, ok
		}
		day, _ := split(shown(at, r.loc))
		end := wall(day.AddDate(0, 0, 1), 0, r.loc)
		if at, why = r.best(wall(day, 0, r.loc), end); at.After(after) {
			return at, why, true
		}
		after = end.Add(-time.Nanosecond) // that day has had its reminder
	}
}

// first answers what comes first after a time, the most urgent of what comes together.
func (r reminders) first(after time.Time) (at time.Time, why string, ok bool) {
	for _, s := range r.kinds {
		k := s.from(after.Add(time.Nanosecond))
		if k < s.n && (!ok || s.at(k).Before(at)) {
			at, why, ok = s.at(k), s.why, true
		}
	}
	return at, why, ok
}

// best answers the one reminder of a day that has some.
func (r reminders) best(begin, end time.Time) (at time.Time, why string) {
	for _, s := range r.kinds {
		if k := s.from(begin); k < s.n && s.at(k).Before(end) {
			return s.at(k), s.why
		}
	}
	return time.Time{}, ""
}

// Owed is the next reminder, as [NextReminder], for somebody in a zone who takes over while the one planned for at was not sent: it is owed to
// them as well, in their working hours, or at once where none are left before the end; only their own next one on that day takes its place.
func Owed(p workflows.ReviewPolicy, zone string, opened, due, closes, planned time.Time, kind string, after time.Time) (at time.Time, why string, ok bool) {
	at, why, ok = NextReminder(p, zone, opened, due, closes, after)
	if planned.IsZero() || planned.After(after) || !after.Before(closes) {
		return at, why, ok
	}
	loc := zoneOr(p, zone)
	owed := working(p, loc, after)
	if !owed.Before(closes) {
		owed = after
	}
	day, _ := split(shown(owed, loc))
	sameDay := !anyTime(p) && at.Before(wall(day.AddDate(0, 0, 1), 0, loc))
	if ok && (sameDay || !owed.Before(at)) {
		return at, why, ok
	}
	return owed, kind, true
}
