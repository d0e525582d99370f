package step

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Step is one thing that a person does: a value in a machine's state, the fold of the events of
// [Of.Kinds]. The zero Step has not begun.
type Step struct {
	// Name tells the steps of a workflow apart, as "it".
	Name string `json:"name"`
	// People are those it is for: who may claim it, say that it is done, or that it is blocked.
	People []string `json:"people,omitempty"`
	// Seers are who may confirm it, those who had a hand in it excepted. Alone says that nobody
	// has to: it is over when it is said to be done.
	Seers []string `json:"seers,omitempty"`
	Alone bool     `json:"alone,omitempty"`
	// Passers are who may pass it over.
	Passers []string `json:"passers,omitempty"`
	// Hearers are told, beside whoever has to act, when it is late.
	Hearers []string `json:"hearers,omitempty"`
	// Due is when it is late; zero: never. Every is how often whoever has to act is reminded then;
	// zero: not at all.
	Due   time.Time     `json:"due,omitzero"`
	Every time.Duration `json:"every,omitempty"`

	Began   time.Time `json:"began,omitzero"`
	Claimed *Word     `json:"claimed,omitempty"` // the last claim
	Done    *Word     `json:"done,omitempty"`    // with the evidence
	Seen    *Word     `json:"seen,omitempty"`    // over: By is empty where Keyholder read it
	Blocked *Word     `json:"blocked,omitempty"` // over: and why
	Passed  *Word     `json:"passed,omitempty"`  // over
	// Hands are all who claimed it or said that it is done, each once.
	Hands     []string `json:"hands,omitempty"`
	Late      *Notice  `json:"late,omitempty"`
	Reminders []Notice `json:"reminders,omitempty"`
}

// Word is what somebody said of a step.
type Word struct {
	By   string    `json:"by,omitempty"` // empty: Keyholder saw it by reading
	Text string    `json:"text,omitempty"`
	At   time.Time `json:"at"`
}

// Notice is that people were told that a step is late, or reminded of it.
type Notice struct {
	To []string  `json:"to,omitempty"`
	At time.Time `json:"at"`
}

// IsOpen reports whether it has begun and is not over.
func (s Step) IsOpen() bool { return !s.Began.IsZero() && !s.IsOver() }

// IsOver reports whether nothing more is asked: it was seen, done where nobody has to see it,
// blocked, or passed over.
func (s Step) IsOver() bool { return s.Ok() || s.Blocked != nil || s.Passed != nil }

// Ok reports whether it is over and done.
func (s Step) Ok() bool { return s.Seen != nil || s.Alone && s.Done != nil }

// How is how it came about: [workflows.Verified] where Keyholder read it, [workflows.Attested] where
// a person says so, "" before.
func (s Step) How() string {
	switch {
	case s.Seen != nil && s.Seen.By == "":
		return workflows.Verified
	case s.Ok():
		return workflows.Attested
	}
	return ""
}

// Waiting are those who can move it on now: who claimed it, or all it is for; once done, who may
// confirm it.
func (s Step) Waiting() []string {
	switch {
	case !s.IsOpen():
		return nil
	case s.Done != nil:
		return s.seers()
	case s.Claimed != nil:
		return []string{s.Claimed.By}
	}
	return slices.Clone(s.People)
}

// seers are who may confirm it, those excepted who had a hand in it.
func (s Step) seers() []string {
	return slices.DeleteFunc(slices.Clone(s.Seers), func(who string) bool { return slices.Contains(s.Hands, who) })
}

// Everybody is all who have to do with it, each once: whose standing a click on it wants.
func (s Step) Everybody() []string {
	return workflows.Union(s.People, s.Seers, s.Passers, s.Hearers, s.Hands)
}

// Untested reports whether somebody else has to confirm it and nobody is left who could: such a
// step must not be begun.
func (s Step) Untested(f workflows.Facts) bool {
	if s.Alone {
		return false
	}
	able := func(who string) bool { return f.People[who].Standing == "" }
	return !slices.ContainsFunc(s.People, func(doer string) bool {
		return able(doer) && slices.ContainsFunc(s.Seers, func(seer string) bool {
			return able(seer) && !f.Known(seer).Same(f.Known(doer))
		})
	})
}

// hand reports whether somebody is one of those who had a hand in it, by whatever they are known by.
func (s Step) hand(who approvals.Identity, f workflows.Facts) bool {
	return slices.ContainsFunc(s.Hands, func(id string) bool { return f.Known(id).Same(who) })
}
