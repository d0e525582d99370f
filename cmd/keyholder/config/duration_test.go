package config

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurations(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		show string
	}{
		{"0s", 0, "0s"}, {"0", 0, "0s"}, {"1s", time.Second, "1s"}, {"1m", time.Minute, "1m"},
		{"90s", 90 * time.Second, "1m30s"},
		{"72h", 72 * time.Hour, "3d"}, {"3d", 72 * time.Hour, "3d"}, {"1d12h", 36 * time.Hour, "1d12h"},
		{"36h", 36 * time.Hour, "1d12h"},
		{"1.5d", 36 * time.Hour, "1d12h"}, {".5d", 12 * time.Hour, "12h"}, {"1d0h1m", 24*time.Hour + time.Minute,
			"1d1m"},
		{"-1d12h", -36 * time.Hour, "-1d12h"}, {"+2h", 2 * time.Hour, "2h"}, {"1500ms", 1500 * time.Millisecond,
			"1.5s"},
		{"1h1ns", time.Hour + 1, "1h1ns"}, {"1m0.5s", time.Minute + time.Second/2, "1m500ms"},
	}
	for _, test := range tests {
		got, err := ParseDuration(test.text)
		if err != nil || got.Std() != test.want || got.String() != test.show {
			t.Errorf("%q: got %v (%s), %v; want %v (%s)", test.text, got.Std(), got, err, test.want, test.show)
		}
	}
}

func TestWhatIsNoDuration(t *testing.T) {
	for _, text := range []string{"", "-", "d", "5", "1w", "3 days", "1d-1h", "--1h", "1d1d", "12h1d", "1dh", " 1h",
		"1h ", "1e3s", "NaNd", "0x1d", "999999999999d", "106752d", "106751d24h", "-106752d", "２d", "always"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q was read as %s", text, got)
		}
	}
}

func TestDurationComesBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(rapid.Int64Range(math.MinInt64+1, math.MaxInt64).Draw(t, "d"))
		if rapid.Bool().Draw(t, "seconds") {
			d = d / second * second
		}
		got, err := ParseDuration(d.String())
		if err != nil || got != d {
			t.Fatalf("%d wrote %s, which reads as %d, %v", d, d, got, err)
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var back Duration
		if err := json.Unmarshal(text, &back); err != nil || back != d {
			t.Fatalf("%s reads as %v, %v", text, back, err)
		}
	})
}

func TestTheShortestDurationStillPrints(t *testing.T) {
	if got := Duration(math.MinInt64).String(); got == "" {
		t.Error("nothing")
	}
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"1d12h", "72h", "0s", "-1d", "1.5d", "always", "d", "9223372036854775807ns",
		"106751d23h47m16.854775807s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if back, err := ParseDuration(d.String()); err != nil || back != d {
			t.Errorf("%q is %d, shown as %s, which reads as %d, %v", text, d, d, back, err)
		}
	})
}

func TestSpans(t *testing.T) {
	day1, _ := ParseSpan("1d")
	hours, _ := ParseSpan("24h")
	always, err := ParseSpan("always")
	if err != nil || !day1.Same(hours) || day1.Same(always) || !always.IsAlways() || hours.String() != "24h" {
		t.Errorf("%v %v %v %v", day1, hours, always, err)
	}
	zero, _ := ParseSpan("0s")
	if zero.Same(always) {
		t.Error("no time at all is taken for always")
	}
	if text, err := json.Marshal([]Span{hours, always}); err != nil || string(text) != `["1d","always"]` {
		t.Errorf("%s %v", text, err)
	}
}
