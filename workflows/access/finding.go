package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Finding is the machine of one difference that no decision explains: a card to those who look after access, who take it as expected, ask for its undoing, or ask
// the person. It changes nothing at integrator.io by itself. Its buttons are those of access. Its zero value is ready.
type Finding struct{}

var _ workflows.Machine = Finding{}

// Commands of a finding that its watcher gives.
const (
	FindingRequest = "finding.request" // opens it; Input: environment, email, was, now, watcher, gone, via, since
	findingChanged = "finding.changed" // it is something else again; Input: now, via, since
)

// Types of events of a finding, with the bodies below.
const (
	evFound    = "finding.found"   // Found
	evMoved    = "finding.changed" // movedTo
	evAskedWho = "finding.asked"   // askedWho
	evSettled  = "finding.ended"   // Settled
)

// Outcomes of a finding.
const (
	Expected = "expected"
	Undoing  = "undoing" // an access request was opened
	Gone     = "gone"    // it is as it was before
)

// Found is what the opening event of a finding fixes.
type Found struct {
	ID          string          `json:"id"`
	AccountID   string          `json:"account"`
	AccountName string          `json:"account_name"`
	Environment string          `json:"environment,omitempty"`
	Email       string          `json:"email"`
	Person      string          `json:"person,omitempty"` // Slack user, when there is one
	Watcher     string          `json:"watcher"`
	Was         string          `json:"was"`
	Now         string          `json:"now"`
	Via         string          `json:"via,omitempty"` // how it came about, in integrator.io's word
	Since       time.Time       `json:"since,omitzero"`
	Owner       bool            `json:"owner,omitempty"` // the recorded owner is listed as a user
	NewOwner    string          `json:"new_owner,omitempty"`
	Alias       bool            `json:"alias,omitempty"`
	Decision    workflows.Given `json:"decision,omitzero"` // the last decision about this access
	Transfer    string          `json:"transfer,omitempty"`
	To          []string        `json:"to,omitempty"`
	Managers    []string        `json:"managers,omitempty"`
	Channel     string          `json:"channel,omitempty"`
}

type movedTo struct {
	Now   string    `json:"now"`
	Via   string    `json:"via,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

type askedWho struct {
	Person string `json:"person"`
}

// Settled is the end of a finding.
type Settled struct {
	Outcome  string          `json:"outcome"`
	By       workflows.Actor `json:"by"`
	At       time.Time       `json:"at"`
	Workflow string          `json:"workflow,omitempty"` // the request that undoes it
	Owner    string          `json:"owner,omitempty"`    // who owns the account now
}

// FoundState is all that a finding knows, the fold of its events.
type FoundState struct {
	Found
	Begun   time.Time `json:"begun"`
	Round   int       `json:"round"`
	AskedBy string    `json:"asked_by,omitempty"`
	AskedAt time.Time `json:"asked_at,omitzero"`
	End     *Settled  `json:"end,omitempty"`
}

// Opened implements workflows.State.
func (s FoundState) Opened() bool { return s.ID != "" }

// Closed implements workflows.State.
func (s FoundState) Closed() bool { return s.End != nil }

// Account implements workflows.State.
func (s FoundState) Account() string { return s.AccountID }

// Title implements workflows.State.
func (s FoundState) Title() string {
	if s.Owner {
		return "Who owns " + s.where() + "?"
	}
	return "Unexplained access of " + s.Email + " in " + s.where()
}

// Stage implements workflows.State.
func (s FoundState) Stage() string {
	if s.Closed() {
		return s.End.Outcome
	}
	return "found"
}

// Began implements workflows.State.
func (s FoundState) Began() time.Time { return s.Begun }

func (s FoundState) where() string {
	return State{Frozen: Frozen{AccountName: s.AccountName, Environment: s.Environment}}.where()
}

// Name implements workflows.Machine.
func (Finding) Name() string { return "finding" }

// Letter implements workflows.Machine.
func (Finding) Letter() byte { return 'f' }

// Schema implements workflows.Machine.
func (Finding) Schema() int { return 1 }

// New implements workflows.Machine.
func (Finding) New() workflows.State { return FoundState{} }

// Decode implements workflows.Machine.
func (Finding) Decode(raw []byte) (workflows.State, error) {
	var s FoundState
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode finding: %w", err)
	}
	return s, nil
}

// Needs implements workflows.Machine. Undoing is judged as the request that it opens would be.
func (Finding) Needs(st workflows.State, cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	s := st.(FoundState)
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = append(n.People, cmd.Actor.ID, s.Person)
	}
	switch cmd.Name {
	case FindingRequest:
		n.People = workflows.Union(p.Admins, p.HolderIDs())
		n.Emails = []string{cmd.Input[BlockEmail]}
	case ActAskWho:
		n.Emails = []string{s.Email}
	case ActUndo:
		n = Machine{}.Needs(State{}, s.undoing(cmd), p, a)
		n.People = workflows.Union(n.People, []string{cmd.Actor.ID, s.Person})
	}
	n.People = workflows.Union(n.People)
	return n
}

// Decide implements workflows.Machine.
func (Finding) Decide(st workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	return decideFinding(st.(FoundState), cmd, f)
}

// Apply implements workflows.Machine.
func (Finding) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	s := st.(FoundState)
	fold, known := findingFolds[e.Type]
	if !known {
		return s, fmt.Errorf("apply %q: %w", e.Type, workflows.ErrUnknownEvent)
	}
	if err := fold(&s, e); err != nil {
		return st, fmt.Errorf("apply %s: %w", e.Type, err)
	}
	if e.Type != evAskedWho { // asking the person changes nothing of the question
		s.Round++
	}
	return s, nil
}

var findingFolds = map[string]func(*FoundState, workflows.Event) error{
	evFound: with(func(s *FoundState, e workflows.Event, b Found) { s.Found, s.Begun = b, e.At }),
	evMoved: with(func(s *FoundState, _ workflows.Event, b movedTo) { s.Now, s.Via, s.Since = b.Now, b.Via, b.Since }),
	evAskedWho: with(func(s *FoundState, e workflows.Event, b askedWho) {
		s.AskedBy, s.AskedAt, s.Person = e.By.ID, e.At, b.Person
	}),
	evSettled: with(func(s *FoundState, _ workflows.Event, b Settled) { s.End = &b }),
}

// View implements workflows.Machine.
func (Finding) View(st workflows.State) workflows.View {
	s := st.(FoundState)
	v := workflows.View{Cards: s.cards()}
	if !s.Closed() {
		v.Waiting = s.To
	}
	return v
}

// Tell implements workflows.Machine.
func (Finding) Tell(e workflows.Event) string { return tellFrom(findingStories, e) }

func (s FoundState) isManager(who string) bool {
	return who != s.Person && slices.Contains(s.Managers, who)
}
