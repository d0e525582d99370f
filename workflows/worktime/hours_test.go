package worktime

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

func TestWorkingMovesToTheNextWorkingMoment(t *testing.T) {
	for name, test := range map[string]struct{ policyZone, zone, at, want string }{
		"inside":                 {"UTC", "", "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z"},
		"before work":            {"UTC", "", "2026-11-23T03:00:00Z", "2026-11-23T09:00:00Z"},
		"the end is not inside":  {"UTC", "", "2026-11-23T17:00:00Z", "2026-11-24T09:00:00Z"},
		"Friday evening":         {"UTC", "", "2026-11-27T18:00:00Z", "2026-11-30T09:00:00Z"},
		"in the reviewer's zone": {"UTC", "America/New_York", "2026-11-23T09:00:00Z", "2026-11-23T14:00:00Z"},
		"unknown zone is the policy's": {"Asia/Kolkata", "Nowhere/At_All", "2026-11-23T00:00:00Z",
			"2026-11-23T03:30:00Z"},
		"no zone at all is UTC":         {"Mars/Olympus", "", "2026-11-23T00:00:00Z", "2026-11-23T09:00:00Z"},
		"the machine's zone is none":    {"Asia/Kolkata", "Local", "2026-11-23T00:00:00Z", "2026-11-23T03:30:00Z"},
		"Berlin, clocks put on":         {"Europe/Berlin", "", "2027-03-27T12:00:00Z", "2027-03-29T07:00:00Z"},
		"Berlin, clocks put back":       {"Europe/Berlin", "", "2026-10-24T12:00:00Z", "2026-10-26T08:00:00Z"},
		"New York, clocks put on":       {"America/New_York", "", "2027-03-12T22:00:00Z", "2027-03-15T13:00:00Z"},
		"New York, clocks put back":     {"America/New_York", "", "2026-10-30T21:00:00Z", "2026-11-02T14:00:00Z"},
		"Lord Howe, half an hour on":    {"Australia/Lord_Howe", "", "2026-10-03T00:00:00Z", "2026-10-04T22:00:00Z"},
		"Lord Howe, half an hour back":  {"Australia/Lord_Howe", "", "2027-04-03T00:00:00Z", "2027-04-04T22:30:00Z"},
		"Samoa's Friday never happened": {"Pacific/Apia", "", "2011-12-30T04:00:00Z", "2012-01-01T19:00:00Z"},
		"the last day of a leap year":   {"Europe/Berlin", "", "2040-12-31T17:00:00Z", "2041-01-01T08:00:00Z"},
		"a leap day is a day":           {"UTC", "", "2028-02-28T17:00:00Z", "2028-02-29T09:00:00Z"},
	} {
		if got := HoursOf(everyday(test.policyZone)).In(test.zone).Next(moment(t, test.at)); !got.Equal(moment(t,
			test.want)) || got.Location() != time.UTC {
			t.Errorf("%s: got %v, want %s", name, got, test.want)
		}
	}
}

func TestWithoutHoursAndDaysEveryMomentWorks(t *testing.T) {
	at := time.Date(2026, 11, 22, 2, 30, 0, 123, time.UTC)
	for _, p := range []workflows.ReviewPolicy{{},
		{To: oneDay, Days: [7]bool{true, true, true, true, true, true, true}}, {From: 5 * time.Hour, To: time.Hour}} {
		if got := HoursOf(p).In("Europe/Berlin").Next(at); got != at {
			t.Errorf("%+v: got %v", p, got)
		}
	}
}

// inside says what Working promises, in the plainest way.
func inside(p workflows.ReviewPolicy, loc *time.Location, at time.Time) bool {
	local := at.In(loc)
	of := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute +
		time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	any := p.Days == [7]bool{}
	return (any || p.Days[local.Weekday()]) && of >= p.From && of < p.To
}

// Working is compared with a walk in steps of a quarter of an hour, the coarsest step in which
// clocks, hours and changes of zones are whole.
func TestWorkingIsTheFirstWorkingMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		loc := mustZone(t, p.Zone)
		at := drawMoment(t, loc)
		got := HoursOf(p).Next(at)
		if got.Before(at) || !inside(p, loc, got) {
			t.Fatalf("%v became %v, which is not inside working hours in %s", at, got.In(loc), p.Zone)
		}
		step := 15 * time.Minute
		if p.Zone == "America/St_Johns" {
			step = time.Minute // clocks changed a minute past midnight there
		}
		for walk := at; walk.Before(got); walk = walk.Truncate(step).Add(step) {
			if inside(p, loc, walk) {
				t.Fatalf("%v became %v, but %v is inside", at, got.In(loc), walk.In(loc))
			}
		}
	})
}

func TestWhatMayTakeDaysCountsWorkingDays(t *testing.T) {
	for name, test := range map[string]struct {
		zone       string
		within     time.Duration
		from, want string
	}{
		"a week of work":                {"UTC", 5 * oneDay, "2026-11-23T10:15:00Z", "2026-11-30T10:15:00Z"},
		"over the weekend":              {"UTC", oneDay, "2026-11-27T22:00:00Z", "2026-11-30T22:00:00Z"},
		"from a Sunday":                 {"UTC", oneDay, "2026-11-22T22:00:00Z", "2026-11-23T22:00:00Z"},
		"less than a day":               {"UTC", 90 * time.Minute, "2026-11-27T23:00:00Z", "2026-11-28T00:30:00Z"},
		"a second":                      {"UTC", time.Second, "2026-11-28T23:00:00Z", "2026-11-28T23:00:01Z"},
		"less than nothing":             {"UTC", -time.Hour, "2026-11-28T23:00:00Z", "2026-11-28T23:00:00Z"},
		"a day and a half":              {"UTC", 36 * time.Hour, "2026-11-23T10:00:00Z", "2026-11-24T22:00:00Z"},
		"same time though clocks go on": {"Europe/Berlin", oneDay, "2027-03-26T11:00:00Z", "2027-03-29T10:00:00Z"},
		"and when they go back":         {"America/New_York", oneDay, "2026-10-30T14:00:00Z", "2026-11-02T15:00:00Z"},
		"by the zone's weekday":         {"Asia/Kolkata", oneDay, "2026-11-26T20:00:00Z", "2026-11-29T20:00:00Z"},
		"over a leap day":               {"UTC", 5 * oneDay, "2028-02-28T10:00:00Z", "2028-03-06T10:00:00Z"},
	} {
		got := HoursOf(everyday(test.zone)).Add(moment(t, test.from), test.within)
		if !got.Equal(moment(t, test.want)) {
			t.Errorf("%s: got %v, want %s", name, got, test.want)
		}
	}
}

func TestTheWorkingDayBefore(t *testing.T) {
	for _, test := range []struct{ zone, at, want string }{
		{"UTC", "2026-11-24T09:00:00Z", "2026-11-23T09:00:00Z"},
		{"UTC", "2026-11-30T09:00:00Z", "2026-11-27T09:00:00Z"},
		{"UTC", "2026-11-29T09:00:00Z", "2026-11-27T09:00:00Z"},
		{"Europe/Berlin", "2027-03-29T07:00:00Z", "2027-03-26T08:00:00Z"}, // clocks were put on in between
	} {
		if got := HoursOf(everyday(test.zone)).DayBefore(moment(t, test.at)); !got.Equal(moment(t, test.want)) {
			t.Errorf("before %s in %s: %v", test.at, test.zone, got)
		}
	}
}
