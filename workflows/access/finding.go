package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Finding is the machine of one difference that no decision explains: a card to those who look after access, who take it as expected, ask for its undoing, or ask
// the person. It changes nothing at integrator.io by itself. Its buttons are those of access. Its zero value is ready.
type Finding struct{}

var _ workflows.Machine = Finding{}

// Commands of a finding that its watcher gives.
const (
	FindingRequest = "finding.request" // opens it; Input: environment, email, was, now, watcher, gone, via, since, after
	findingChanged = "finding.changed" // it is something else again; Input: now, via, since, explained (the workflow that explains it)
)

// Types of events of a finding, with the bodies below.
const (
	evFound    = "finding.found"   // Found
	evMoved    = "finding.changed" // movedTo
	evAskedWho = "finding.asked"   // askedWho
	evTaken    = "finding.taken"   // taken: somebody takes it as expected, and more are needed
	evAskWaits = "finding.asking"  // none: somebody is asked as soon as the audit log is read
	evTraced   = "finding.traced"  // traced
	evSettled  = "finding.ended"   // Settled
)

// Outcomes of a finding.
const (
	Expected = "expected"
	Undoing  = "undoing" // an access request was opened
	Gone     = "gone"    // it is as it was before
	// Explained: a decision explains it by now.
	Explained = "explained"
)

// Found is what the opening event of a finding fixes.
type Found struct {
	ID          string            `json:"id"`
	AccountID   string            `json:"account"`
	AccountName string            `json:"account_name"`
	Environment string            `json:"environment,omitempty"`
	User        string            `json:"user"` // [userKey]
	Who         workflows.UserRef `json:"who,omitzero"`
	Email       string            `json:"email"`
	Person      string            `json:"person,omitempty"` // Slack user, when there is one
	Watcher     string            `json:"watcher"`
	Was         string            `json:"was"`
	Now         string            `json:"now"`
	Via         string            `json:"via,omitempty"` // how it came about, in integrator.io's word
	Since       time.Time         `json:"since,omitzero"`
	Owner       bool              `json:"owner,omitempty"` // the recorded owner is listed as a user
	NewOwner    string            `json:"new_owner,omitempty"`
	Alias       bool              `json:"alias,omitempty"`
	Decision    workflows.Given   `json:"decision,omitzero"` // the last decision about this access
	Transfer    string            `json:"transfer,omitempty"`
	To          []string          `json:"to,omitempty"`
	Managers    []string          `json:"managers,omitempty"`
	Channel     string            `json:"channel,omitempty"`
	// Taking is the question whether it is taken as expected.
	Taking  approvals.Ballot `json:"taking"`
	Tracing bool             `json:"tracing,omitempty"` // the audit log is being read
}

type movedTo struct {
	Now     string    `json:"now"`
	Email   string    `json:"email,omitempty"`  // their address of then
	Quorum  int       `json:"quorum,omitempty"` // how many take it as expected by then
	To      []string  `json:"to,omitempty"`     // who is told by then
	Via     string    `json:"via,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Tracing bool      `json:"tracing,omitempty"`
}

type askedWho struct {
	Person string `json:"person"`         // "" when nobody could be asked
	By     string `json:"by,omitempty"`   // who wanted it, when that is not the event's actor
	Doer   bool   `json:"doer,omitempty"` // as who did it, not as the one whose access it is
	Why    string `json:"why,omitempty"`  // why this one
}

// traced is what the audit log says of who did it.
type traced struct {
	Effect  string           `json:"effect,omitempty"`
	Trace   *workflows.Trace `json:"trace,omitempty"`
	Doer    string           `json:"doer,omitempty"` // their Slack user
	Bars    []approvals.Bar  `json:"bars,omitempty"`
	Code    string           `json:"code,omitempty"` // why it could not be read
	Message string           `json:"message,omitempty"`
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
	// Said is who owns the account by the word of those who took it as expected so far.
	Said string `json:"said,omitempty"`
	// Address is what the user has by now where it is not Email.
	Address string `json:"address,omitempty"`
	// Asked is who was asked, "" for nobody yet; AskedDoer that it is who did it; AskedWhy why they.
	Asked     string `json:"asked,omitempty"`
	AskedDoer bool   `json:"asked_doer,omitempty"`
	AskedWhy  string `json:"asked_why,omitempty"`
	// AskWaits: AskedBy has asked for it while the audit log was being read.
	AskWaits bool `json:"ask_waits,omitempty"`
	// Traces counts the readings of the audit log that have not answered; Log is the last answer.
	Traces int      `json:"traces,omitempty"`
	Log    *traced  `json:"log,omitempty"`
	End    *Settled `json:"end,omitempty"`
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

// StageName implements workflows.State.
func (s FoundState) StageName() string {
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
func (Finding) Schema() int { return 2 }

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
		n.People = workflows.Union(n.People, []string{cmd.Actor.ID, s.Person}, p.Admins, p.HolderIDs())
	}
	switch cmd.Name {
	case findingChanged:
		n.People = workflows.Union(p.Admins, p.HolderIDs())
	case FindingRequest:
		n.People = workflows.Union(p.Admins, p.HolderIDs())
		n.Emails = []string{cmd.Input[BlockEmail]}
	case ActAskWho:
		n.Emails = []string{s.Email}
		n.People = append(n.People, s.doer())
	case workflows.CmdReceipt:
		n.Emails = []string{s.Email}
		n.People = workflows.Union(p.Admins, p.HolderIDs())
		if t := cmd.Receipt.Trace; t != nil && t.Email != "" {
			n.Emails = append(n.Emails, strings.ToLower(t.Email))
		}
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
	if e.Type != evAskedWho && e.Type != evAskWaits && e.Type != evTraced && e.Type != evTaken { // asking and knowing who changes nothing of the question
		s.Round++
	}
	return s, nil
}

var findingFolds = map[string]func(*FoundState, workflows.Event) error{
	evFound: with(func(s *FoundState, e workflows.Event, b Found) {
		s.Found, s.Begun = b, e.At
		s.trace(b.Tracing)
	}),
	evMoved: with(func(s *FoundState, _ workflows.Event, b movedTo) {
		s.Now, s.Via, s.Since, s.Address = b.Now, b.Via, b.Since, b.Email
		s.Taking.Votes, s.Said = nil, "" // it is another question
		if b.Quorum > 0 {
			s.Taking.Quorum, s.To = b.Quorum, workflows.Union(s.To, b.To)
		}
		s.trace(b.Tracing)
	}),
	evAskedWho: with(func(s *FoundState, e workflows.Event, b askedWho) {
		s.AskedBy, s.AskedAt, s.Asked, s.AskedDoer, s.AskedWhy, s.AskWaits = or(b.By, e.By.ID), e.At, b.Person, b.Doer, b.Why, false
		if !b.Doer && b.Person != "" {
			s.Person = b.Person
		}
	}),
	evAskWaits: with(func(s *FoundState, e workflows.Event, _ none) { s.AskedBy, s.AskedAt, s.AskWaits = e.By.ID, e.At, true }),
	evTaken: with(func(s *FoundState, _ workflows.Event, b taken) {
		s.Taking, s.Said = b.count(s.Taking), b.Owner
	}),
	evTraced: with(func(s *FoundState, _ workflows.Event, b traced) {
		s.Log = &b
		s.Taking = s.Taking.Barring(b.Bars)
		s.Traces = max(0, s.Traces-1)
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
func (Finding) Tell(e workflows.Event) string { return workflows.Retell(findingStories, e) }

// trace notes that the audit log is being read.
func (s *FoundState) trace(asked bool) {
	if asked {
		s.Traces++
	}
}

// doer is the Slack user of who did it, as far as the audit log and Slack tell.
func (s FoundState) doer() string {
	if s.Log == nil {
		return ""
	}
	return s.Log.Doer
}

// about reports whether somebody is the one whose access it is, by all that is known of them.
func (s FoundState) about(who approvals.Identity) bool {
	return approvals.Identity{ID: s.Person}.With(s.Email, s.Address).Same(who)
}

// isManager: they were asked, and the configuration still names them.
func (s FoundState) isManager(who string, f workflows.Facts) bool {
	return who != s.Person && slices.Contains(currentManagers(s.Managers, f), who)
}

// currentManagers are those of a list who look after access by the configuration of now.
func currentManagers(ids []string, f workflows.Facts) []string {
	return State{Frozen: Frozen{Holders: ids}}.asOf(f).Holders
}
