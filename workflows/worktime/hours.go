package worktime

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// oneDay is a day on the clock. Days of the calendar are counted by date, for they have 23 to 25 hours.
const oneDay = 24 * time.Hour

// Working answers the first moment, not before at, inside the policy's working days and hours as clocks show them in the zone. An unknown or empty
// zone is taken as the policy's own, and that one, if unknown too, as UTC. Without days or hours every moment is a working one. UTC, as are all
// answers of this package.
func Working(p workflows.ReviewPolicy, zone string, at time.Time) time.Time {
	return working(p, zoneOr(p, zone), at)
}

// working goes from one change of the zone's offset to the next, since within such a stretch clocks simply run: it stays right when clocks skip the
// beginning of work, show an hour twice, or leave out a day.
func working(p workflows.ReviewPolicy, loc *time.Location, at time.Time) time.Time {
	from, to := hours(p)
	days := workdays(p)
	for {
		clock := shown(at, loc)
		day, of := split(clock)
		if days[day.Weekday()] && of >= from && of < to {
			return at.UTC()
		}
		if !days[day.Weekday()] || of >= to {
			day = day.AddDate(0, 0, 1)
		}
		for !days[day.Weekday()] {
			day = day.AddDate(0, 0, 1)
		}
		at, _ = toward(at, day.Add(from), loc)
	}
}

// FixDue answers until when what a review decided must be carried out, counted from a time: FixWithin, or FixPrivilegedWithin for privileged access.
// Whole days are working days in the policy's zone, ending at the same time of day; what is left, shorter than a day, is added as it is.
func FixDue(p workflows.ReviewPolicy, privileged bool, from time.Time) time.Time {
	within := p.FixWithin
	if privileged {
		within = p.FixPrivilegedWithin
	}
	within = max(within, 0)
	if within < oneDay {
		return from.Add(within).UTC()
	}
	loc, days := zoneOr(p, ""), workdays(p)
	day, of := split(shown(from, loc))
	for n := within / oneDay; n > 0; {
		if day = day.AddDate(0, 0, 1); days[day.Weekday()] {
			n--
		}
	}
	return wall(day, of, loc).Add(within % oneDay)
}

// zoneOr finds a zone, else the policy's, else UTC.
func zoneOr(p workflows.ReviewPolicy, zone string) *time.Location {
	for _, name := range []string{zone, p.Zone} {
		if name == "" {
			continue
		}
		if loc, err := location(name); err == nil {
			return loc
		}
	}
	return time.UTC
}

// hours are the policy's working hours after midnight; none, or none that make sense, is the whole day.
func hours(p workflows.ReviewPolicy) (from, to time.Duration) {
	if p.From < 0 || p.To > oneDay || p.From >= p.To {
		return 0, oneDay
	}
	return p.From, p.To
}

// workdays are the policy's working days; none is every day.
func workdays(p workflows.ReviewPolicy) [7]bool {
	if p.Days == ([7]bool{}) {
		return [7]bool{true, true, true, true, true, true, true}
	}
	return p.Days
}

// anyTime reports whether the policy calls every moment a working one.
func anyTime(p workflows.ReviewPolicy) bool {
	return anyHour(p) && workdays(p) == workdays(workflows.ReviewPolicy{})
}

// anyHour reports whether working days have no hours.
func anyHour(p workflows.ReviewPolicy) bool {
	from, to := hours(p)
	return from == 0 && to == oneDay
}

// Dates, and what clocks show, are kept as times in UTC that read the same.

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// shown is what clocks show at a moment.
func shown(at time.Time, loc *time.Location) time.Time {
	_, offset := at.In(loc).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// split takes what clocks show into date and time of day.
func split(clock time.Time) (day time.Time, of time.Duration) {
	y, m, d := clock.Date()
	day = date(y, m, d)
	return day, clock.Sub(day)
}

// wall answers the first moment at which clocks show that time of that date or a later one: where clocks skip it, the moment of the skip.
func wall(day time.Time, of time.Duration, loc *time.Location) time.Time {
	want := day.Add(of)
	at := want.Add(-16 * time.Hour) // no offset was ever that large, so clocks have not got there yet
	for {
		var there bool
		if at, there = toward(at, want, loc); there {
			return at
		}
	}
}

// toward goes from a moment to the first one at which clocks show want or more, but no further than the zone's next change of offset; there says
// whether it got there.
func toward(at, want time.Time, loc *time.Location) (reached time.Time, there bool) {
	_, offset := at.In(loc).Zone()
	_, end := at.In(loc).ZoneBounds()
	if !end.IsZero() && !end.After(at) {
		// Go 1.26 takes a year that a zone's rule goes on into for one of 365 days: on the last day of a leap year after 2037 the stretch "ends" before
		// it. Offsets change on whole minutes there, so within this minute there is one.
		end = at.Truncate(time.Minute).Add(time.Minute)
	}
	reached = want.Add(-time.Duration(offset) * time.Second)
	if reached.Before(at) {
		reached = at
	}
	if end.IsZero() || reached.Before(end) {
		return reached.UTC(), true
	}
	return end.UTC(), false
}

// DayBefore is the same time of day as at, on the working day before it, as clocks in the policy's zone show them.
func DayBefore(p workflows.ReviewPolicy, at time.Time) time.Time {
	loc, days := zoneOr(p, ""), workdays(p)
	day, of := split(shown(at, loc))
	for day = day.AddDate(0, 0, -1); !days[day.Weekday()]; {
		day = day.AddDate(0, 0, -1)
	}
	return wall(day, of, loc)
}
