package worktime

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

// remindersOf lists every reminder of a review, at most a thousand.
func remindersOf(p workflows.ReviewPolicy, zone string, opened, due, closes time.Time) (at []time.Time, why []string) {
	for after := opened; len(at) < 1000; {
		next := RemindersOf(p, opened, due, closes).In(zone).Next(after)
		if next == (Reminder{}) {
			break
		}
		at, why, after = append(at, next.At), append(why, next.Kind), next.At
	}
	return at, why
}

func TestReminders(t *testing.T) {
	for name, test := range map[string]struct {
		zone        string
		opened, due string
		change      func(*workflows.ReviewPolicy)
		want        string
	}{
		"default, opened by the calendar": {"", "2027-01-04T09:00:00Z", "2027-01-18T09:00:00Z", nil,
			"Mon 01-11 09:00 weekly, Fri 01-15 09:00 due, Tue 01-19 09:00 overdue, Wed 01-20 09:00 overdue, Thu 01-21 09:00 overdue, Fri 01-22 09:00 overdue"},
		"opened by a person on a Wednesday": {"", "2026-11-25T14:30:00Z", "2026-12-09T14:30:00Z", nil,
			"Wed 12-02 14:30 weekly, Mon 12-07 09:00 before:72h0m0s, Tue 12-08 14:30 before:24h0m0s, Wed 12-09 09:00 due, " +
				"Thu 12-10 14:30 overdue, Fri 12-11 14:30 overdue, Mon 12-14 09:00 overdue, Tue 12-15 14:30 overdue"},
		"due at midnight to Monday": {"", "2026-11-24T00:00:00Z", "2026-12-07T00:00:00Z", nil,
			"Tue 12-01 09:00 weekly, Fri 12-04 09:00 due, Tue 12-08 09:00 overdue, Wed 12-09 09:00 overdue, Thu 12-10 09:00 overdue, Fri 12-11 09:00 overdue"},
		"a reviewer in New York": {"America/New_York", "2026-11-25T14:30:00Z", "2026-12-09T14:30:00Z", nil,
			"Wed 12-02 14:30 weekly, Mon 12-07 14:00 before:72h0m0s, Tue 12-08 14:30 before:24h0m0s, Wed 12-09 14:00 due, " +
				"Thu 12-10 14:30 overdue, Fri 12-11 14:30 overdue, Mon 12-14 14:00 overdue, Tue 12-15 14:30 overdue"},
		"weekly only": {"", "2026-11-25T14:30:00Z", "2026-12-09T14:30:00Z", func(p *workflows.ReviewPolicy) {
			p.RemindBefore, p.OverdueEvery = nil, 0
		},
			"Wed 12-02 14:30 weekly"},
		"nothing": {"", "2026-11-25T14:30:00Z", "2026-12-09T14:30:00Z", func(p *workflows.ReviewPolicy) {
			p.RemindEvery, p.RemindBefore, p.OverdueEvery = 0, nil, 0
		}, ""},
		"a window of a morning": {"", "2026-11-25T10:00:00Z", "2026-11-25T14:00:00Z", func(p *workflows.ReviewPolicy) {
			p.Grace = time.Hour
		},
			"Wed 11-25 12:00 due"},
		"days without hours": {"", "2026-11-23T07:00:00Z", "2026-11-29T07:00:00Z", func(p *workflows.ReviewPolicy) {
			p.From, p.To, p.Grace = 0, 0, oneDay
		},
			"Thu 11-26 07:00 before:72h0m0s, Fri 11-27 07:00 due"},
		"any time, in seconds": {"", "2026-11-22T02:30:00Z", "2026-11-22T02:30:10Z", func(p *workflows.ReviewPolicy) {
			*p = workflows.ReviewPolicy{RemindEvery: 2 * time.Second, RemindBefore: []time.Duration{3 * time.Second,
				time.Second, 0}, OverdueEvery: time.Second, Grace: 3 * time.Second}
		}, "Sun 11-22 02:30:02 weekly, Sun 11-22 02:30:04 weekly, Sun 11-22 02:30:06 weekly, Sun 11-22 02:30:07 before:3s, Sun 11-22 02:30:09 before:1s, " +
			"Sun 11-22 02:30:10 due, Sun 11-22 02:30:11 overdue, Sun 11-22 02:30:12 overdue"},
		"longer before than the window": {"", "2026-11-24T10:00:00Z", "2026-11-26T10:00:00Z",
			func(p *workflows.ReviewPolicy) { p.Grace = oneDay },
			"Wed 11-25 10:00 before:24h0m0s, Thu 11-26 09:00 due"},
		"several an hour become one a day": {"", "2026-11-23T10:00:00Z", "2026-11-25T10:00:00Z",
			func(p *workflows.ReviewPolicy) {
				p.RemindEvery, p.RemindBefore, p.OverdueEvery, p.Grace = 10*time.Minute, []time.Duration{0},
					time.Minute,
					oneDay
			}, "Mon 11-23 10:10 weekly, Tue 11-24 09:00 weekly, Wed 11-25 09:00 due, Wed 11-25 10:01 overdue, Thu 11-26 09:00 overdue"},
	} {
		p := everyday("UTC")
		if test.change != nil {
			test.change(&p)
		}
		opened, due := moment(t, test.opened), moment(t, test.due)
		at, why := remindersOf(p, test.zone, opened, due, due.Add(p.Grace))
		var got []string
		for i := range at {
			got = append(got, strings.TrimSuffix(at[i].Format("Mon 01-02 15:04:05"), ":00")+" "+why[i])
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, text, test.want)
		}
	}
}

func TestRemindersGrowEndAndKeepWorkingHours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		length := rapid.Custom(func(t *rapid.T) time.Duration {
			unit := rapid.SampledFrom([]time.Duration{time.Hour, 7 * time.Hour, oneDay}).Draw(t, "unit")
			return time.Duration(rapid.IntRange(1, 12).Draw(t, "n")) * unit
		})
		p.RemindEvery, p.OverdueEvery, p.RemindBefore = length.Draw(t, "every"), length.Draw(t, "overdue"),
			rapid.SliceOfN(length, 0, 4).Draw(t, "before")
		if rapid.Bool().Draw(t, "on the day") {
			p.RemindBefore = append(p.RemindBefore, 0)
		}
		zone := rapid.SampledFrom(zones).Draw(t, "reviewer's zone")
		loc := mustZone(t, zone)
		opened := drawMoment(t, loc)
		due := opened.Add(length.Draw(t, "window"))
		closes := due.Add(length.Draw(t, "grace"))
		at, why := remindersOf(p, zone, opened, due, closes)
		if len(at) == 1000 {
			t.Fatal("they do not end")
		}
		seen := map[string]bool{}
		for i := range at {
			late := why[i] == Overdue
			if !at[i].After(opened) || !at[i].Before(closes) || i > 0 && !at[i].After(at[i-1]) {
				t.Fatalf("%v between %v and %v: %v", at[i], opened, closes, at)
			}
			if late != at[i].After(due) {
				t.Fatalf("%s at %v, due %v", why[i], at[i], due)
			}
			dueItself := at[i].Equal(due)
			if !dueItself && !inside(p, loc, at[i]) {
				t.Fatalf("%s at %v is outside working hours", why[i], at[i].In(loc))
			}
			if key := at[i].In(loc).Format(time.DateOnly) + fmt.Sprint(late); !HoursOf(p).Any() && seen[key] {
				t.Fatalf("twice on a day: %v", at)
			} else {
				seen[key] = true
			}
		}
		if len(p.RemindBefore) > 0 && p.RemindBefore[len(p.RemindBefore)-1] == 0 && len(at) > 0 &&
			!strings.Contains(strings.Join(why, " "), Due) {
			t.Fatalf("no reminder on the last day: %v %v", at, why)
		}
	})
}

// Asking again from any time in between gives the same plan, so a process that was down, or asks
// twice, changes nothing.
func TestRemindersDoNotDependOnWhenTheyAreAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := everyday("Europe/Berlin")
		drawHours(t, &p)
		opened := drawMoment(t, mustZone(t, p.Zone))
		due := opened.Add(p.Window)
		at, why := remindersOf(p, "", opened, due, due.Add(p.Grace))
		for i := range at {
			before := opened
			if i > 0 {
				before = at[i-1]
			}
			asked := before.Add(time.Duration(rapid.Int64Range(0, int64(at[i].Sub(before))-1).Draw(t, "asked")))
			if got := RemindersOf(p, opened, due, due.Add(p.Grace)).Next(asked); !got.At.Equal(at[i]) ||
				got.Kind != why[i] {
				t.Fatalf("asked at %v: %+v, not %v %s", asked, got, at[i], why[i])
			}
		}
	})
}

func TestWhatIsOwedIsDueInTheWorkingHoursOfWhoeverTakesOver(t *testing.T) {
	opened := moment(t, "2026-11-23T09:00:00Z") // a Monday
	r := RemindersOf(everyday("UTC"), opened, opened.Add(14*oneDay), opened.Add(21*oneDay))
	weekly := Reminder{At: opened.Add(7 * oneDay), Kind: Weekly}
	for name, test := range map[string]struct {
		zone    string
		planned Reminder
		at      time.Time
		want    string
	}{
		"at work":                     {"UTC", weekly, weekly.At, "Mon 11-30 09:00 weekly"},
		"in Tokyo, where it is night": {"Asia/Tokyo", weekly, weekly.At, "Tue 12-01 00:00 weekly"},
		"not due yet":                 {"UTC", weekly, weekly.At.Add(-time.Second), "Mon 11-30 09:00 weekly"},
		"their own comes on that day": {"UTC", weekly, moment(t, "2026-12-04T08:00:00Z"), "Fri 12-04 09:00 due"},
		"nothing was planned":         {"UTC", Reminder{}, weekly.At, "Fri 12-04 09:00 due"},
		"no working moment is left": {"UTC", Reminder{At: moment(t, "2026-12-13T20:00:00Z"), Kind: Overdue},
			moment(t, "2026-12-14T08:59:00Z"), "Mon 12-14 08:59 overdue"},
		"it has closed": {"UTC", weekly, moment(t, "2026-12-14T09:00:00Z"), "none"},
	} {
		got := "none"
		if next := r.In(test.zone).Owed(test.planned, test.at); next != (Reminder{}) {
			got = next.At.Format("Mon 01-02 15:04 ") + next.Kind
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestManyRemindersAreNotCounted(t *testing.T) {
	p := everyday("UTC")
	p.RemindEvery, p.OverdueEvery = time.Second, time.Second
	opened := moment(t, "2026-11-23T10:00:00Z")
	due := opened.Add(100 * 365 * oneDay)
	if got := RemindersOf(p, opened, due, due.Add(oneDay)).Next(due.Add(-40 * oneDay)); got.Kind != Weekly {
		t.Errorf("got %+v", got)
	}
}
