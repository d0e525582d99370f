package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a container without a zone database must judge review.timezone as a laptop does
)

// Location is the zone of Timezone, UTC when it is not known (which Load has called a fault).
func (r Review) Location() *time.Location {
	loc, err := loadZone(r.Timezone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// loadZone refuses "Local": replicas on different machines would open a review at different times.
func loadZone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, errors.New("no fixed zone")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load zone: %w", err)
	}
	return loc, nil
}

// Starts is a day of a month: the Nth weekday (-1 the last), or a day by its number.
type Starts struct {
	// Nth is 1 to 4, or -1 for the last; 0 when Day is used.
	Nth     int
	Weekday time.Weekday
	// Day is 1 to 28; 0 when Nth is used.
	Day int
}

var ordinals = map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}

// ParseStarts reads "first monday" (first, second, third, fourth, last; any weekday) or the number of a day, 1 to 28.
func ParseStarts(text string) (Starts, error) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 1 {
		if n, err := strconv.Atoi(words[0]); err == nil && n >= 1 && n <= 28 {
			return Starts{Day: n}, nil
		}
	}
	if len(words) == 2 {
		nth, ok := ordinals[words[0]]
		weekday, known := weekdayNamed(words[1])
		if ok && known {
			return Starts{Nth: nth, Weekday: weekday}, nil
		}
	}
	return Starts{}, errors.New("is not a day of a month")
}

// In is midnight of that day in the given month and zone.
func (s Starts) In(year int, month time.Month, loc *time.Location) time.Time {
	if s.Day > 0 {
		return time.Date(year, month, s.Day, 0, 0, 0, 0, loc)
	}
	if s.Nth < 0 {
		last := time.Date(year, month+1, 0, 0, 0, 0, 0, loc)
		back := (int(last.Weekday()) - int(s.Weekday) + 7) % 7
		return time.Date(year, month, last.Day()-back, 0, 0, 0, 0, loc)
	}
	first := time.Date(year, month, 1, 0, 0, 0, 0, loc)
	ahead := (int(s.Weekday) - int(first.Weekday()) + 7) % 7
	return time.Date(year, month, 1+ahead+7*(s.Nth-1), 0, 0, 0, 0, loc)
}

// weekdayNamed reads a weekday by its English name or the first three letters of it.
func weekdayNamed(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		full := strings.ToLower(d.String())
		if name == full || name == full[:3] {
			return d, true
		}
	}
	return 0, false
}

// ParseDays reads "mon-fri", "sun-thu" or "mon,wed,fri". Empty is every day. The result is indexed by time.Weekday.
func ParseDays(text string) ([7]bool, error) {
	var days [7]bool
	if strings.TrimSpace(text) == "" {
		return [7]bool{true, true, true, true, true, true, true}, nil
	}
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		first, ok := weekdayNamed(strings.TrimSpace(from))
		last := first
		if ok && isRange {
			last, ok = weekdayNamed(strings.TrimSpace(to))
		}
		if !ok {
			return days, errors.New("is not a range or list of weekdays")
		}
		for d := first; ; d = (d + 1) % 7 {
			days[d] = true
			if d == last {
				break
			}
		}
	}
	return days, nil
}

// ParseHours reads "09:00-17:00" as lengths of time after midnight. Empty is the whole day, 0 to 24 h.
func ParseHours(text string) (from, to time.Duration, err error) {
	if strings.TrimSpace(text) == "" {
		return 0, 24 * time.Hour, nil
	}
	a, b, ok := strings.Cut(text, "-")
	from, okFrom := clockTime(strings.TrimSpace(a))
	to, okTo := clockTime(strings.TrimSpace(b))
	if !ok || !okFrom || !okTo {
		return 0, 0, errors.New("is not a span of the day")
	}
	if from >= to {
		return 0, 0, errors.New("ends before it begins")
	}
	return from, to, nil
}

func clockTime(text string) (time.Duration, bool) {
	h, m, ok := strings.Cut(text, ":")
	if !ok || len(m) != 2 || len(h) < 1 || len(h) > 2 {
		return 0, false
	}
	hours, errH := strconv.ParseUint(h, 10, 8)
	minutes, errM := strconv.ParseUint(m, 10, 8)
	if errH != nil || errM != nil || minutes > 59 || hours > 24 || (hours == 24 && minutes > 0) {
		return 0, false
	}
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute, true
}
