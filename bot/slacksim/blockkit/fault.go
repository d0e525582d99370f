package blockkit

import (
	"fmt"
	"strings"
)

// Fault is one thing that Slack refuses, in its own words.
type Fault struct {
	Text       string
	Pointer    string // a JSON pointer to what is wrong
	Constraint Constraint
}

// Constraint is what was broken, as blocks.validate tells it
// (docs.slack.dev/reference/methods/blocks.validate). Only its "enum" is recorded; the other types
// are named here after what they bound.
type Constraint struct {
	Type     string `json:"type"`
	Expected any    `json:"expected,omitempty"`
}

// String is the fault as chat.* and views.* word it.
func (f Fault) String() string { return f.Text + " [json-pointer:" + f.Pointer + "]" }

// union is said first where a text may be plain or mrkdwn and fits neither; it is no fault of its own.
const union = "failed to match all allowed schemas"

// Words are the faults as chat.* and views.* tell them.
func Words(faults []Fault) []string {
	var l []string
	for _, f := range faults {
		l = append(l, f.String())
	}
	return l
}

// Constraints are the faults without those that only announce others, their pointers beginning below root: what
// blocks.validate tells.
func Constraints(faults []Fault, root string) []Fault {
	var l []Fault
	for _, f := range faults {
		if f.Text != union {
			f.Pointer = strings.TrimPrefix(f.Pointer, root)
			l = append(l, f)
		}
	}
	return l
}

// constraintOf reads the constraint off the words of a fault and the values in them.
func constraintOf(format string, args []any) Constraint {
	first := any(nil)
	if len(args) > 0 {
		first = args[0]
	}
	number := func(add int) any { n, _ := first.(int); return n + add }
	switch format {
	case "missing required field: %s":
		return Constraint{"required", []any{first}}
	case "invalid additional property: %s":
		return Constraint{"additional_property", nil}
	case "must provide at least %d items":
		return Constraint{"min_items", first}
	case "no more than %d items allowed":
		return Constraint{"max_items", first}
	case "must be more than %d characters":
		return Constraint{"min_length", number(1)}
	case "must be less than %d characters":
		return Constraint{"max_length", number(-1)}
	case "must be greater than %d":
		return Constraint{"minimum", number(1)}
	case "must be less than %d":
		return Constraint{"maximum", number(-1)}
	case "must match the format %s":
		return Constraint{"format", first}
	}
	if _, kind, ok := strings.Cut(format, "must be a"); ok {
		return Constraint{"type", strings.TrimSpace(strings.TrimPrefix(kind, "n "))}
	}
	return Constraint{"rule", fmt.Sprintf(format, args...)}
}
