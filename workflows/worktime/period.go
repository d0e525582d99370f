package worktime

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Period is one period of a calendar.
type Period struct {
	// ID names it: 2026-11 for a month, 2026q4, 2026h2, 2026.
	ID string `json:"id"`
	// Begins and Ends bound it, Ends not included: midnight in the calendar's zone. One period's
	// end is the next one's beginning.
	Begins time.Time `json:"begins"`
	Ends   time.Time `json:"ends"`
	// Opens is when the work of the period opens: on the very day that the calendar names, at the
	// beginning of working hours, for nobody should be woken by a card, and because people's time
	// runs from there, so that it also runs out while they work.
	Opens time.Time `json:"opens"`
}

// Calendar says into which periods time is cut, and on which day of each its work opens.
type Calendar struct {
	Every  string           `json:"every"` // one of workflows.EveryMonth and those beside it
	Starts workflows.Starts `json:"starts"`
	Hours
}

// CalendarOf is the calendar of an account's reviews.
func CalendarOf(p workflows.ReviewPolicy) Calendar {
	return Calendar{Every: p.Every, Starts: p.Starts, Hours: HoursOf(p)}
}

// errEvery says that a calendar names no length of period, as that of an account which is no longer
// configured.
var errEvery = errors.New("no length of period")

// At answers the period that runs at a time: Begins <= at < Ends. It fails when the calendar names
// no period, no day or no zone that is known.
func (c Calendar) At(at time.Time) (Period, error) {
	loc, months, err := c.read()
	if err != nil {
		return Period{}, err
	}
	return c.at(loc, months, at), nil
}

// NextOpening answers the first period whose Opens lies after a time: the running one or the one
// that follows, for a period opens before it ends. It fails as [Calendar.At] does.
func (c Calendar) NextOpening(after time.Time) (Period, error) {
	loc, months, err := c.read()
	if err != nil {
		return Period{}, err
	}
	now := c.at(loc, months, after)
	if now.Opens.After(after) {
		return now, nil
	}
	return c.at(loc, months, now.Ends), nil
}

// at finds the period by the date that clocks show; where they are put back at midnight, they show
// the last day of a period again after its end.
func (c Calendar) at(loc *time.Location, months int, at time.Time) Period {
	day, _ := split(shown(at, loc))
	n := int(day.Month()-1) / months
	found := c.period(loc, months, day.Year(), n)
	for !at.Before(found.Ends) {
		n++
		found = c.period(loc, months, day.Year(), n)
	}
	return found
}

// period is the nth period of a year, from 0; a number beyond the year means the years around it.
func (c Calendar) period(loc *time.Location, months, year, n int) Period {
	first := date(year, time.Month(1+n*months), 1)
	next := first.AddDate(0, months, 0)
	out := Period{ID: periodID(first, months), Begins: wall(first, 0, loc), Ends: wall(next, 0, loc)}
	from, _ := c.span()
	// A zone may skip a whole day, as Samoa did; should that be the last one of the period, the day
	// before it serves.
	for day := startDay(c.Starts, first); ; day = day.AddDate(0, 0, -1) {
		if out.Opens = wall(day, from, loc); out.Opens.Before(out.Ends) || !day.After(first) {
			return out
		}
	}
}

func periodID(first time.Time, months int) string {
	switch n := int(first.Month()-1) / months; months {
	case 1:
		return first.Format("2006-01")
	case 3:
		return fmt.Sprintf("%04dq%d", first.Year(), n+1)
	case 6:
		return fmt.Sprintf("%04dh%d", first.Year(), n+1)
	}
	return first.Format("2006")
}

// startDay is the day on which the work opens, in the month that begins with first.
func startDay(s workflows.Starts, first time.Time) time.Time {
	if s.Day > 0 {
		return first.AddDate(0, 0, s.Day-1)
	}
	if s.Nth < 0 {
		last := first.AddDate(0, 1, -1)
		return last.AddDate(0, 0, -((int(last.Weekday()) - int(s.Weekday) + 7) % 7))
	}
	ahead := (int(s.Weekday) - int(first.Weekday()) + 7) % 7
	return first.AddDate(0, 0, ahead+7*(s.Nth-1))
}

// monthsOf are the lengths of periods.
var monthsOf = map[string]int{workflows.EveryMonth: 1, workflows.EveryQuarter: 3, workflows.EveryHalf: 6,
	workflows.EveryYear: 12}

// read checks what a configuration may have wrong.
func (c Calendar) read() (loc *time.Location, months int, err error) {
	s := c.Starts
	byDay := s.Day >= 1 && s.Day <= 28 && s.Nth == 0
	byWeekday := s.Day == 0 && (s.Nth == -1 || s.Nth >= 1 && s.Nth <= 4) &&
		s.Weekday >= time.Sunday && s.Weekday <= time.Saturday
	months = monthsOf[c.Every]
	switch {
	case months == 0:
		return nil, 0, fmt.Errorf("find the period of %q: %w", c.Every, errEvery)
	case !byDay && !byWeekday:
		return nil, 0, fmt.Errorf("find the day on which a period opens: day %d, weekday %d of %s is none",
			s.Day, s.Nth, s.Weekday)
	}
	loc, err = location(c.Zone)
	return loc, months, err
}

// location finds a zone. "Local" is none: replicas on different machines would disagree.
func location(name string) (*time.Location, error) {
	if strings.EqualFold(name, "local") {
		return nil, errors.New("find the zone: the machine's own is none")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("find the zone: %w", err)
	}
	return loc, nil
}
