package config

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// Fault is one thing in the file or the environment that keeps Keyholder from starting.
type Fault struct {
	// File is the file's name as given; Line and Column count from 1. Line 0 means the fault has no line:
	// it is in the environment.
	File         string
	Line, Column int
	// Field is the path of the key ("accounts[0].transfer.quorum") or the name of the variable.
	Field string
	// Value is what stands there, shortened, and masked where it may hold a secret. It may be empty.
	Value string
	// Problem and Cure are whole sentences: what is wrong, and what to do.
	Problem, Cure string
	// Environment says that the file may be right and a variable is missing or wrong: commands that need
	// no token may go on.
	Environment bool
}

// String is the fault in one line, such as
// "keyholder.yaml:14: accounts[0].transfer.quorum: 4 can never be reached: 3 people are named. Lower it or name more."
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "%s:%d: ", f.File, f.Line)
	} else if !f.Environment && f.File != "" {
		fmt.Fprintf(&b, "%s: ", f.File)
	}
	if f.Field != "" {
		fmt.Fprintf(&b, "%s: ", f.Field)
	}
	if f.Value != "" {
		fmt.Fprintf(&b, "%s ", f.Value)
	}
	fmt.Fprintf(&b, "%s. %s", f.Problem, f.Cure)
	return oneLine(b.String())
}

// Error makes a Fault usable as an error.
func (f Fault) Error() string { return f.String() }

// FileFaults are the faults of the file and of the seal keys, for commands that read the record and
// need no token of the environment: without its keys they would believe what nobody vouches for.
func FileFaults(faults []Fault) []Fault {
	var out []Fault
	for _, f := range faults {
		if !f.Environment || f.Field == EnvSealKey {
			out = append(out, f)
		}
	}
	return out
}

// sortFaults puts faults in file order, those without a line last.
func sortFaults(faults []Fault) {
	sort.SliceStable(faults, func(i, j int) bool {
		a, b := faults[i], faults[j]
		if (a.Line == 0) != (b.Line == 0) {
			return b.Line == 0
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

const longestValue = 60

var secretLike = regexp.MustCompile(`(?i)xox[a-z]-|xapp-|bearer|://[^/@]*:[^/@]*@|[0-9a-f]{24,}`)

// show makes a value fit for a fault: one line, short, and never something that looks like a token or a
// password, for people paste those in the wrong place and then paste the fault into a ticket.
func show(value string) string {
	if secretLike.MatchString(value) {
		return "(not shown: it looks like a secret)"
	}
	value = oneLine(value)
	if runes := []rune(value); len(runes) > longestValue {
		value = string(runes[:longestValue]) + "…"
	}
	if value == "" || strings.ContainsAny(value, " \t,") || strings.TrimSpace(value) != value {
		return `"` + value + `"`
	}
	return value
}

// shownKey is a key of the file for a fault; what is not a short word is treated like a value.
func shownKey(name string) string {
	if len(name) <= longestValue && !secretLike.MatchString(name) && strings.TrimSpace(name) != "" {
		return name
	}
	return show(name)
}

// oneLine replaces everything that would break or disguise a line of output.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x2028 || r == 0x2029 ||
			(r >= 0x202a && r <= 0x202e) {
			return ' '
		}
		return r
	}, text)
}
