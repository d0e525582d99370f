package config

import (
	"testing"
	"time"
)

func TestStarts(t *testing.T) {
	tests := []struct {
		text  string
		month time.Month
		want  string // in 2026
	}{
		{"first monday", time.October, "2026-10-05"}, {"First Monday", time.June, "2026-06-01"},
		{"last friday", time.December, "2026-12-25"},
		{"last mon", time.November, "2026-11-30"}, {"fourth sunday", time.February, "2026-02-22"},
		{"second tue", time.January, "2026-01-13"},
		{"15", time.July, "2026-07-15"}, {"1", time.July, "2026-07-01"}, {"28", time.February, "2026-02-28"},
		{"last sat", time.February, "2026-02-28"},
	}
	berlin := Review{Timezone: "Europe/Berlin"}.Location()
	for _, test := range tests {
		starts, err := ParseStarts(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if got := starts.In(2026, test.month, berlin); got.Format(time.DateOnly) != test.want || got.Hour() != 0 ||
			got.Location() != berlin {
			t.Errorf("%q in %s: got %v, want %s", test.text, test.month, got, test.want)
		}
	}
	for _, text := range []string{"", "monday", "0", "29", "-1", "1.5", "fifth monday", "first", "first moonday",
		"first monday please"} {
		if _, err := ParseStarts(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestDays(t *testing.T) {
	tests := map[string]string{"mon-fri": "0111110", "": "1111111", "sun-thu": "1111100", "fri-mon": "1100011",
		"mon, wed,friday": "0101010", "sat": "0000001", "Mon-Mon": "0100000"}
	for text, want := range tests {
		days, err := ParseDays(text)
		got := ""
		for _, on := range days {
			got += map[bool]string{true: "1", false: "0"}[on]
		}
		if err != nil || got != want {
			t.Errorf("%q: got %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{",", "mon-", "-fri", "1-5", "mon..fri", "mo", "mon-wed-fri"} {
		if days, err := ParseDays(text); err == nil {
			t.Errorf("%q was read as %v", text, days)
		}
	}
}

func TestHours(t *testing.T) {
	for text, want := range map[string][2]time.Duration{
		"09:00-17:00": {9 * time.Hour, 17 * time.Hour}, "9:30 - 24:00": {9*time.Hour + 30*time.Minute, 24 * time.Hour},
		"": {0, 24 * time.Hour},
	} {
		from, to, err := ParseHours(text)
		if err != nil || from != want[0] || to != want[1] {
			t.Errorf("%q: %v to %v, %v", text, from, to, err)
		}
	}
	for _, text := range []string{"9-17", "09:00", "17:00-09:00", "09:00-09:00", "09:00-25:00", "09:60-10:00",
		"24:01-24:02", "a:00-b:00", "09:0-10:00", "-1:00-10:00"} {
		if from, to, err := ParseHours(text); err == nil {
			t.Errorf("%q was read as %v to %v", text, from, to)
		}
	}
}

func TestAnUnknownZoneFallsBackToUTC(t *testing.T) {
	for _, zone := range []string{"", "Local", "Nowhere/City", "../etc/passwd"} {
		if (Review{Timezone: zone}).Location() != time.UTC {
			t.Errorf("%q is a zone", zone)
		}
	}
}
