package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time as the file writes it: Go's durations, and days in front ("1d12h", "72h", "0s").
// A day is 24 hours, also where clocks are changed.
type Duration time.Duration

// Std is the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

var daysFirst = regexp.MustCompile(`^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)d(.*)$`)

// ParseDuration reads a duration. The error is a sentence for people. A sign is read ("-1d"); whether a
// negative length makes sense is for the caller to say.
func ParseDuration(text string) (Duration, error) {
	rest, negative := text, false
	if len(rest) > 1 && (rest[0] == '-' || rest[0] == '+') {
		negative = rest[0] == '-'
		rest = rest[1:]
	}
	if rest == "" || strings.ContainsAny(rest, "+-") {
		return 0, errNotDuration
	}
	days, clock := "", rest
	if m := daysFirst.FindStringSubmatch(rest); m != nil {
		days, clock = m[1], m[2]
	}
	total, err := addDays(days, clock)
	if err != nil {
		return 0, err
	}
	if negative {
		total = -total
	}
	return total, nil
}

var (
	errNotDuration = errors.New("is not a length of time")
	errTooLong     = errors.New("is longer than can be counted (about 290 years)")
)

// addDays reads the day part through Go's parser as hours, times 24, so that both parts obey the same rules.
func addDays(days, clock string) (Duration, error) {
	var total time.Duration
	if days != "" {
		perDay, err := time.ParseDuration(days + "h")
		if err != nil || perDay > math.MaxInt64/24 {
			return 0, errTooLong
		}
		total = perDay * 24
	}
	if clock != "" {
		part, err := time.ParseDuration(clock)
		if err != nil {
			return 0, errNotDuration
		}
		if part > math.MaxInt64-total {
			return 0, errTooLong
		}
		total += part
	}
	return Duration(total), nil
}

// String writes the duration so that ParseDuration reads the same again and people read it at once:
// whole days first, nothing that is zero ("3d", "1d12h", "90s" as "1m30s", "0s").
func (d Duration) String() string {
	if d < 0 {
		if d == math.MinInt64 {
			return time.Duration(d).String()
		}
		return "-" + (-d).String()
	}
	if d == 0 {
		return "0s"
	}
	out := ""
	if days := d / day; days > 0 {
		out = strconv.FormatInt(int64(days), 10) + "d"
	}
	rest := d % day
	for _, unit := range []struct {
		size Duration
		name string
	}{{hour, "h"}, {minute, "m"}} {
		if n := rest / unit.size; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + unit.name
		}
		rest %= unit.size
	}
	if rest > 0 {
		out += time.Duration(rest).String()
	}
	return out
}

// MarshalText writes String, so that JSON shows "3d" and not a number of nanoseconds.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("read duration %q: %w", text, err)
	}
	*d = parsed
	return nil
}

// Always is the length of access that has no end.
const Always = "always"

// Span is one of the lengths of access.for: a duration or Always.
type Span struct {
	// Text is as the file writes it, which is the value of the option in the modal.
	Text string
	// Length is 0 for Always.
	Length Duration
}

// IsAlways says whether the access has no end.
func (s Span) IsAlways() bool { return s.Text == Always }

// Same says whether two spans last equally long, however they are written ("24h" and "1d").
func (s Span) Same(other Span) bool {
	return s.IsAlways() == other.IsAlways() && s.Length == other.Length
}

// String is the text as the file writes it.
func (s Span) String() string { return s.Text }

// MarshalText writes the length in one form, so that "24h" and "1d" compare as the same rule.
func (s Span) MarshalText() ([]byte, error) {
	if s.IsAlways() {
		return []byte(Always), nil
	}
	return s.Length.MarshalText()
}

// ParseSpan reads a duration or "always". The error is a sentence for people.
func ParseSpan(text string) (Span, error) {
	if text == Always {
		return Span{Text: Always}, nil
	}
	length, err := ParseDuration(text)
	if err != nil {
		return Span{}, err
	}
	return Span{Text: text, Length: length}, nil
}
