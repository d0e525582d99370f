package worktime

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata",
	"America/Sao_Paulo", "Africa/Cairo", "America/St_Johns"}

func mustZone(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// everyday is the contract's default policy in a zone.
func everyday(zone string) workflows.ReviewPolicy {
	return workflows.ReviewPolicy{Every: workflows.EveryQuarter, Starts: workflows.Starts{Nth: 1, Weekday: time.Monday},
		Zone: zone, Window: 14 * oneDay, Grace: 7 * oneDay,
		Reviewers: []string{"UDEE", "UANA"}, RemindEvery: 7 * oneDay, RemindBefore: []time.Duration{3 * oneDay, oneDay,
			0}, OverdueEvery: oneDay,
		From: 9 * time.Hour, To: 17 * time.Hour, Days: [7]bool{false, true, true, true, true, true, false},
		FixWithin: 5 * oneDay, FixPrivilegedWithin: oneDay}
}

func TestPeriodOfEachLength(t *testing.T) {
	last := workflows.Starts{Nth: -1, Weekday: time.Friday}
	for _, test := range []struct {
		every                   string
		starts                  workflows.Starts
		zone, at                string
		id, begins, ends, opens string
	}{
		{"quarter", workflows.Starts{Nth: 1, Weekday: time.Monday}, "UTC", "2026-11-22T02:30:00Z", "2026q4",
			"2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-10-05T09:00:00Z"},
		{"month", last, "Europe/Berlin", "2026-10-31T12:00:00Z", "2026-10", "2026-09-30T22:00:00Z",
			"2026-10-31T23:00:00Z", "2026-10-30T08:00:00Z"},
		{"month", last, "Europe/Berlin", "2026-10-31T23:00:00Z", "2026-11", "2026-10-31T23:00:00Z",
			"2026-11-30T23:00:00Z", "2026-11-27T08:00:00Z"},
		{"month", workflows.Starts{Nth: -1, Weekday: time.Tuesday}, "UTC", "2028-02-29T23:59:59Z", "2028-02",
			"2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z", "2028-02-29T09:00:00Z"},
		{"month", workflows.Starts{Day: 28}, "UTC", "2027-02-01T00:00:00Z", "2027-02", "2027-02-01T00:00:00Z",
			"2027-03-01T00:00:00Z", "2027-02-28T09:00:00Z"},
		{"month", workflows.Starts{Nth: 1, Weekday: time.Monday}, "UTC", "2027-03-31T12:00:00Z", "2027-03",
			"2027-03-01T00:00:00Z", "2027-04-01T00:00:00Z", "2027-03-01T09:00:00Z"},
		{"month", workflows.Starts{Nth: 4, Weekday: time.Sunday}, "Asia/Kolkata", "2026-11-30T18:29:59Z", "2026-11",
			"2026-10-31T18:30:00Z", "2026-11-30T18:30:00Z", "2026-11-22T03:30:00Z"},
		{"half", workflows.Starts{Day: 1}, "America/New_York", "2026-07-01T03:59:59Z", "2026h1", "2026-01-01T05:00:00Z",
			"2026-07-01T04:00:00Z", "2026-01-01T14:00:00Z"},
		{"half", workflows.Starts{Day: 1}, "America/New_York", "2026-07-01T04:00:00Z", "2026h2", "2026-07-01T04:00:00Z",
			"2027-01-01T05:00:00Z", "2026-07-01T13:00:00Z"},
		{"year", workflows.Starts{Nth: 2, Weekday: time.Wednesday}, "Australia/Lord_Howe", "2026-12-31T12:59:59Z",
			"2026", "2025-12-31T13:00:00Z", "2026-12-31T13:00:00Z", "2026-01-13T22:00:00Z"},
		// The day on which this review was to open did not exist in Samoa, which went from the 29th
		// to the 31st.
		{"month", last, "Pacific/Apia", "2011-12-20T00:00:00Z", "2011-12", "2011-12-01T10:00:00Z",
			"2011-12-31T10:00:00Z", "2011-12-30T10:00:00Z"},
		// Clocks were put on at midnight here, so the month had no midnight to begin with.
		{"month", workflows.Starts{Day: 1}, "Asia/Amman", "2011-04-02T00:00:00Z", "2011-04", "2011-03-31T22:00:00Z",
			"2011-04-30T21:00:00Z", "2011-04-01T06:00:00Z"},
	} {
		p := everyday(test.zone)
		p.Every, p.Starts = test.every, test.starts
		got, err := CalendarOf(p).At(moment(t, test.at))
		want := Period{ID: test.id, Begins: moment(t, test.begins), Ends: moment(t, test.ends),
			Opens: moment(t, test.opens)}
		if err != nil || got != want {
			t.Errorf("%s of %s in %s:\ngot  %v, %v\nwant %v", test.every, test.at, test.zone, got, err, want)
		}
	}
}

func moment(t interface{ Fatal(...any) }, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func TestPoliciesWithoutACalendarAreErrors(t *testing.T) {
	for name, change := range map[string]func(*workflows.ReviewPolicy){
		"no length":    func(p *workflows.ReviewPolicy) { p.Every = "" },
		"no day":       func(p *workflows.ReviewPolicy) { p.Starts = workflows.Starts{} },
		"two days":     func(p *workflows.ReviewPolicy) { p.Starts.Day = 1 },
		"day 29":       func(p *workflows.ReviewPolicy) { p.Starts = workflows.Starts{Day: 29} },
		"fifth":        func(p *workflows.ReviewPolicy) { p.Starts.Nth = 5 },
		"no zone":      func(p *workflows.ReviewPolicy) { p.Zone = "Mars/Olympus" },
		"machine zone": func(p *workflows.ReviewPolicy) { p.Zone = "Local" },
	} {
		p := everyday("UTC")
		change(&p)
		if got, err := CalendarOf(p).At(time.Unix(0, 0)); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
		if got, err := CalendarOf(p).NextOpening(time.Unix(0, 0)); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// drawPolicy draws when reviews open and when people work.
func drawPolicy(t *rapid.T) workflows.ReviewPolicy {
	p := everyday(rapid.SampledFrom(zones).Draw(t, "zone"))
	p.Every = rapid.SampledFrom([]string{"month", "quarter", "half", "year"}).Draw(t, "every")
	p.Starts = workflows.Starts{Day: rapid.IntRange(1, 28).Draw(t, "day")}
	if rapid.Bool().Draw(t, "by weekday") {
		p.Starts = workflows.Starts{Nth: rapid.SampledFrom([]int{1, 2, 3, 4, -1}).Draw(t, "nth"),
			Weekday: time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday"))}
	}
	drawHours(t, &p)
	return p
}

func drawHours(t *rapid.T, p *workflows.ReviewPolicy) {
	p.From, p.To = 0, oneDay
	if rapid.Bool().Draw(t, "hours") {
		p.From = time.Duration(rapid.IntRange(0, 23*4).Draw(t, "from")) * 15 * time.Minute
		p.To = p.From + time.Duration(rapid.IntRange(1, 4*24-int(p.From/(15*time.Minute))).Draw(t,
			"length"))*15*time.Minute
	}
	p.Days = [7]bool{}
	for i := range p.Days {
		p.Days[i] = rapid.Bool().Draw(t, "works")
	}
	if rapid.IntRange(0, 3).Draw(t, "any day") == 0 {
		p.Days = [7]bool{true, true, true, true, true, true, true}
	}
}

// drawMoment draws a moment between 2010 and 2040, often near a change of clocks or the end of a
// month in the zone.
func drawMoment(t *rapid.T, loc *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(1262304000, 2208988800).Draw(t, "at"), 0)
	near := time.Duration(rapid.Int64Range(-26*3600, 26*3600).Draw(t, "near")) * time.Second
	switch rapid.IntRange(0, 3).Draw(t, "near what") {
	case 0:
		if _, end := at.In(loc).ZoneBounds(); !end.IsZero() && end.Year() < 2050 {
			return end.Add(near).UTC()
		}
	case 1:
		y, m, _ := at.Date()
		return time.Date(y, m, 1, 0, 0, 0, 0, loc).Add(near).UTC()
	case 2:
		return moment(t, "2011-12-30T10:00:00Z").Add(near)
	}
	return at.UTC()
}

func TestPeriodsTileTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		at := drawMoment(t, mustZone(t, p.Zone))
		now, err := CalendarOf(p).At(at)
		if err != nil {
			t.Fatal(err)
		}
		if at.Before(now.Begins) || !at.Before(now.Ends) {
			t.Fatalf("%v is not in %v", at, now)
		}
		if now.Opens.Before(now.Begins) || !now.Opens.Before(now.Ends) {
			t.Fatalf("opens outside: %v", now)
		}
		next, _ := CalendarOf(p).At(now.Ends)
		if !next.Begins.Equal(now.Ends) || next.ID <= now.ID {
			t.Fatalf("after %v comes %v", now, next)
		}
		for _, same := range []time.Time{now.Begins, now.Ends.Add(-1), now.Opens} {
			if got, _ := CalendarOf(p).At(same); got != now {
				t.Fatalf("%v at %v is %v", now, same, got)
			}
		}
		open, err := CalendarOf(p).NextOpening(at)
		if err != nil || !open.Opens.After(at) || open != now && open != next {
			t.Fatalf("after %v opens %v, %v", at, open, err)
		}
		if open == next && now.Opens.After(at) {
			t.Fatalf("%v was left out", now)
		}
	})
}

// The day on which a review opens is found by counting days one by one, in the calendar that the
// zone shows.
func TestReviewsOpenOnTheNamedDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		loc := mustZone(t, p.Zone)
		open, err := CalendarOf(p).NextOpening(moment(t, "2012-01-01T00:00:00Z").AddDate(rapid.IntRange(0, 25).Draw(t,
			"years"), rapid.IntRange(0, 11).Draw(t, "months"), 3))
		if err != nil {
			t.Fatal(err)
		}
		local := open.Opens.In(loc)
		y, m, d := local.Date()
		if by, bm, bd := open.Begins.In(loc).Date(); by != y || bm != m || bd != 1 {
			t.Fatalf("%v opens outside its first month", open)
		}
		want := 0
		for day, n := 1, 0; day <= 31; day++ {
			if date := time.Date(y, m, day, 12, 0, 0, 0, time.UTC); p.Starts.Day == day ||
				date.Weekday() == p.Starts.Weekday && date.Month() == m && p.Starts.Day == 0 {
				if n++; p.Starts.Nth == n || p.Starts.Nth == -1 || p.Starts.Day == day {
					want = day
				}
			}
		}
		if d != want {
			t.Fatalf("%v opens on day %d, not %d", open, d, want)
		}
	})
}

func ExampleCalendar_At() {
	p := everyday("Europe/Berlin")
	now, _ := CalendarOf(p).At(time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC))
	next, _ := CalendarOf(p).NextOpening(now.Opens)
	fmt.Println(now.ID, now.Opens)
	fmt.Println(next.ID, next.Opens)
	// Output:
	// 2026q4 2026-10-05 07:00:00 +0000 UTC
	// 2027q1 2027-01-04 08:00:00 +0000 UTC
}
