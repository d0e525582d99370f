package worktime

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// oneDay is a day on the clock. Days of the calendar are counted by date, for they have 23 to 25
// hours.
const oneDay = 24 * time.Hour

// Hours are when people work, as clocks show it in a zone. Without hours each working day is one as
// a whole; without days each day is a working day.
type Hours struct {
	Zone string        `json:"timezone"` // IANA name; one that is not known is taken for UTC
	From time.Duration `json:"from"`     // after midnight; from 0 to 24 h, or none that make sense, is the whole day
	To   time.Duration `json:"to"`
	Days [7]bool       `json:"days"` // by time.Weekday
}

// HoursOf are the working hours of an account. They stand in its section of reviews, and serve all
// that reminds people.
func HoursOf(p workflows.ReviewPolicy) Hours {
	return Hours{Zone: p.Zone, From: p.From, To: p.To, Days: p.Days}
}

// In are the same hours for somebody in a zone; an empty or unknown one changes nothing.
func (h Hours) In(zone string) Hours {
	if zone == "" {
		return h
	}
	if _, err := location(zone); err == nil {
		h.Zone = zone
	}
	return h
}

// Any reports whether every moment is a working one.
func (h Hours) Any() bool { return h.anyHour() && h.workdays() == Hours{}.workdays() }

// Next answers the first working moment that is not before at.
func (h Hours) Next(at time.Time) time.Time { return h.next(h.location(), at) }

// next goes from one change of the zone's offset to the next, since within such a stretch clocks
// simply run: it stays right when clocks skip the beginning of work, show an hour twice, or leave
// out a day.
func (h Hours) next(loc *time.Location, at time.Time) time.Time {
	from, to := h.span()
	days := h.workdays()
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

// On answers when work begins on a date, as 2026-12-24, a working day or not; false where that is no
// date.
func (h Hours) On(day string) (time.Time, bool) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}, false
	}
	from, _ := h.span()
	return wall(at, from, h.location()), true
}

// Add answers until when something has to be done that may take so long from a time. Whole days are
// working days, ending at the same time of day; what is left, shorter than a day, is added as it
// is. Less than nothing is nothing.
func (h Hours) Add(from time.Time, within time.Duration) time.Time {
	within = max(within, 0)
	if within < oneDay {
		return from.Add(within).UTC()
	}
	loc, days := h.location(), h.workdays()
	day, of := split(shown(from, loc))
	for n := within / oneDay; n > 0; {
		if day = day.AddDate(0, 0, 1); days[day.Weekday()] {
			n--
		}
	}
	return wall(day, of, loc).Add(within % oneDay)
}

// DayBefore is the same time of day as at, on the working day before it.
func (h Hours) DayBefore(at time.Time) time.Time {
	loc, days := h.location(), h.workdays()
	day, of := split(shown(at, loc))
	for day = day.AddDate(0, 0, -1); !days[day.Weekday()]; {
		day = day.AddDate(0, 0, -1)
	}
	return wall(day, of, loc)
}

// location is the zone, UTC where there is none of that name.
func (h Hours) location() *time.Location {
	if loc, err := location(h.Zone); err == nil {
		return loc
	}
	return time.UTC
}

// span is when work begins and ends, after midnight.
func (h Hours) span() (from, to time.Duration) {
	if h.From < 0 || h.To > oneDay || h.From >= h.To {
		return 0, oneDay
	}
	return h.From, h.To
}

func (h Hours) workdays() [7]bool {
	if h.Days == ([7]bool{}) {
		return [7]bool{true, true, true, true, true, true, true}
	}
	return h.Days
}

// anyHour reports whether working days have no hours.
func (h Hours) anyHour() bool {
	from, to := h.span()
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

// wall answers the first moment at which clocks show that time of that date or a later one: where
// clocks skip it, the moment of the skip.
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

// toward goes from a moment to the first one at which clocks show want or more, but no further than
// the zone's next change of offset; there says whether it got there.
func toward(at, want time.Time, loc *time.Location) (reached time.Time, there bool) {
	_, offset := at.In(loc).Zone()
	_, end := at.In(loc).ZoneBounds()
	if !end.IsZero() && !end.After(at) {
		// Go 1.26 takes a year that a zone's rule goes on into for one of 365 days: on the last day
		// of a leap year after 2037 the stretch "ends" before it. Offsets change on whole minutes
		// there, so within this minute there is one.
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
