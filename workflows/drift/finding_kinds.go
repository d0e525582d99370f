package drift

import (
	"cmp"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Bodies of the events of a finding.
type (
	opened struct {
		workflows.Opening
		Found
	}
	movedTo struct {
		Now     string    `json:"now"`
		Email   string    `json:"email,omitempty"`  // their address of then
		Quorum  int       `json:"quorum,omitempty"` // how many take it as expected by then
		To      []string  `json:"to,omitempty"`     // who is told by then
		Via     string    `json:"via,omitempty"`
		Created time.Time `json:"created,omitzero"`
		Tracing bool      `json:"tracing,omitempty"` // the audit log is being read
	}
	askedWho struct {
		Person string `json:"person"`         // "" when nobody could be asked
		By     string `json:"by,omitempty"`   // who wanted it, when that is not the event's actor
		Doer   bool   `json:"doer,omitempty"` // as who did it, not as the one whose access it is
		Why    string `json:"why,omitempty"`  // why this one
	}
	// traced is what the audit log says of who did it.
	traced struct {
		Effect  string           `json:"effect,omitempty"`
		Trace   *workflows.Trace `json:"trace,omitempty"`
		Doer    string           `json:"doer,omitempty"` // their Slack user
		Bars    []approvals.Bar  `json:"bars,omitempty"`
		To      []string         `json:"to,omitempty"`   // who is told besides, because others are barred
		Code    string           `json:"code,omitempty"` // why it could not be read
		Message string           `json:"message,omitempty"`
	}
)

// Settled is the end of a finding.
type Settled struct {
	Outcome  string          `json:"outcome"`
	By       workflows.Actor `json:"by"`
	Workflow string          `json:"workflow,omitempty"` // the request that undoes it, or what explains it
	Owner    string          `json:"owner,omitempty"`    // who owns the account now
	Review   string          `json:"review,omitempty"`   // that decided it, and who there
	Reviewer string          `json:"reviewer,omitempty"`
}

type findingKind[B any] = workflows.Kind[FoundState, B]

var findingKinds = workflows.NewKinds[FoundState](nil, nil, evFound, evMoved, evAskedWho, evAskWaits, evTaken,
	evTraced, evReviewed, evSettled)

// Asking and knowing who did it change nothing of the question: the round stays.
var (
	evFound = findingKind[opened]{
		Type: "finding.found",
		Fold: func(s *FoundState, e workflows.Event, b opened) {
			s.Found, s.Traces = b.Found, 1 // the audit log is read from the beginning
			s.Open(b.Opening, FoundStage, e)
		},
		Tell: func(_ workflows.Event, b opened) string {
			return workflows.Say("%s. Before: %s. Now: %s (seen at integrator.io).",
				FoundState{Found: b.Found}.headline(),
				words(b.Was), words(b.Now))
		},
	}
	evMoved = findingKind[movedTo]{
		Type: "finding.changed",
		Fold: func(s *FoundState, _ workflows.Event, b movedTo) {
			s.Now, s.Via, s.Created, s.Address = b.Now, b.Via, b.Created, b.Email
			s.Taking.Votes, s.Said = nil, "" // it is another question
			if b.Quorum > 0 {
				s.Taking.Quorum, s.To = b.Quorum, workflows.Union(s.To, b.To)
			}
			if b.Tracing {
				s.Traces++
			}
			s.Ask()
		},
		Tell: func(_ workflows.Event, b movedTo) string {
			return workflows.Say("Now: %s (seen at integrator.io).", words(b.Now))
		},
	}
	evAskedWho = findingKind[askedWho]{
		Type: "finding.asked",
		Fold: func(s *FoundState, e workflows.Event, b askedWho) {
			s.Asking = Asking{By: cmp.Or(b.By, e.By.ID), At: e.At, Person: b.Person, Doer: b.Doer, Why: b.Why}
			if !b.Doer && b.Person != "" {
				s.Person = b.Person
			}
		},
		Tell: func(e workflows.Event, b askedWho) string {
			by, why := cmp.Or(b.By, e.By.ID), workflows.Text(b.Why)
			switch {
			case b.Person == "":
				return workflows.Say("%m wanted somebody to be asked, but nobody can be: %s.", by, why)
			case b.Why == "":
				return workflows.Say("%m asked %m.", by, b.Person)
			}
			return workflows.Say("%m asked %m, because %s.", by, b.Person, why)
		},
	}
	evAskWaits = findingKind[workflows.None]{
		Type: "finding.asking",
		Fold: func(s *FoundState, e workflows.Event, _ workflows.None) {
			s.Asking = Asking{By: e.By.ID, At: e.At, Waits: true}
		},
		Tell: func(e workflows.Event, _ workflows.None) string {
			return workflows.Say("%m wants somebody to be asked, as soon as the audit log is read.", e.By.ID)
		},
	}
	evTaken = findingKind[question.Took]{
		Type: "finding.taken",
		Fold: func(s *FoundState, _ workflows.Event, b question.Took) {
			s.Taking, s.Said = s.Taking.Count(b), b.Owner
		},
		Tell: func(_ workflows.Event, b question.Took) string { return b.Tell() },
	}
	evTraced = findingKind[traced]{
		Type: "finding.traced",
		Fold: func(s *FoundState, _ workflows.Event, b traced) {
			s.Log, s.Taking, s.Traces = &b, s.Taking.With(b.Bars), max(0, s.Traces-1)
			s.To = workflows.Union(s.To, b.To)
		},
		Tell: func(_ workflows.Event, b traced) string { return b.words() },
	}
	evSettled = findingKind[Settled]{
		Type: "finding.ended",
		Fold: func(s *FoundState, e workflows.Event, b Settled) {
			s.End = &b
			s.Head.End(b.Outcome, e)
		},
		Tell: func(_ workflows.Event, b Settled) string { return b.tell() },
	}
)

func (b Settled) tell() string {
	switch {
	case b.Outcome == Gone:
		return "It was as before again."
	case b.Outcome == Explained:
		return workflows.Say("A decision explains it by now: %s.", b.Workflow)
	case b.Outcome == Undone:
		return workflows.Say("%m asked to undo it: %s.", b.By.ID, b.Workflow)
	case b.Outcome == Reviewed:
		return workflows.Say("Undone by the review %s, as %m decided there: %s.", b.Review, b.Reviewer, b.Workflow)
	case b.Review != "":
		return workflows.Say("%m took it as expected, by keeping it in the review %s.", b.Reviewer, b.Review)
	case b.Owner != "":
		return workflows.Say("%m says that %s owns the account now.", b.By.ID, b.Owner)
	}
	return workflows.Say("%m took it as expected.", b.By.ID)
}
