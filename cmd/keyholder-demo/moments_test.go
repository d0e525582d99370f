package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// No test depends on the day on which it runs: the time of a stage begins at a moment that the test
// chose. Only a process of its own, which has no clock but the machine's, makes its surroundings
// share that one (realTime).
//
// What a calendar decides is tried at each of a table of moments. KEYHOLDER_MOMENTS=all tries them
// all, and the name of one of them lets every test begin there.

// moment is a time at which calendars are worth a look.
type moment struct {
	name string
	at   string // RFC 3339
	// always says that it belongs to every run, for what went wrong there once.
	always bool
}

// moments are in a year that is far ahead, so that no real clock has passed them. The reviews of
// the demo's account open on the first Monday of a quarter, from nine in UTC.
var moments = []moment{
	{"monday-at-nine", "2035-11-26T09:00:00Z", true},
	{"tuesday-at-work", "2035-05-15T10:00:00Z", false},
	{"wednesday-before-work", "2035-05-16T08:59:30Z", false},
	{"thursday-at-night", "2035-05-17T23:59:30Z", false},
	{"friday-last-minute", "2035-05-18T16:59:30Z", false},
	{"saturday", "2035-05-19T12:00:00Z", false},
	{"sunday", "2035-05-20T03:00:00Z", false},
	{"clocks-forward-in-new-york", "2035-03-11T06:59:00Z", false},
	{"clocks-back-in-new-york", "2035-11-04T05:59:00Z", false},
	{"clocks-forward-in-berlin", "2035-03-25T00:59:00Z", false},
	{"clocks-back-in-berlin", "2035-10-28T00:59:00Z", false},
	{"leap-day", "2036-02-29T11:00:00Z", false},
	{"before-a-leap-day", "2036-02-28T23:59:00Z", false},
	{"new-years-eve", "2032-12-31T16:30:00Z", true}, // a Friday; the quarter's review opens on the Monday after it
	{"day-before-the-first-monday", "2035-09-30T16:30:00Z", false},
}

// ordinary is when a stage begins, unless its test chose another moment.
var ordinary = chosenMoment()

func chosenMoment() time.Time {
	name := os.Getenv("KEYHOLDER_MOMENTS")
	i := slices.IndexFunc(moments, func(m moment) bool { return m.name == name })
	switch {
	case i >= 0:
		return moments[i].time()
	case name != "" && name != "all":
		panic("KEYHOLDER_MOMENTS is neither all nor the name of a moment: " + name)
	}
	return moments[1].time()
}

func (m moment) time() time.Time {
	at, err := time.Parse(time.RFC3339, m.at)
	if err != nil {
		panic(err)
	}
	return at
}

// realTime is for stages around a process, whose time is the machine's.
func realTime() time.Time { return time.Now() }

// atMoments runs a test at the moments of this run, side by side with each other and with other
// tests: every stage that it makes begins at the moment that the name of its test holds.
func atMoments(t *testing.T, test func(t *testing.T)) {
	t.Parallel()
	chosen := os.Getenv("KEYHOLDER_MOMENTS")
	for _, m := range moments {
		if chosen == "all" || chosen == m.name || chosen == "" && m.always {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				test(t)
			})
		}
	}
}

// beginning is when a test's stages begin.
func beginning(t testing.TB) time.Time {
	for part := range strings.SplitSeq(t.Name(), "/") {
		if i := slices.IndexFunc(moments, func(m moment) bool { return m.name == part }); i >= 0 {
			return moments[i].time()
		}
	}
	return ordinary
}
