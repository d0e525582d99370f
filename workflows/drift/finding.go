package drift

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Stages of a finding; the last four are its ends.
const (
	FoundStage = "found"

	Expected = "expected"
	Undone   = "undoing" // a request for access was opened
	Gone     = "gone"    // it is as it was before
	// Explained: a decision explains it by now.
	Explained = "explained"
)

// findingRequest opens a finding, changed tells it that it is something else again; its watcher
// gives both.
var (
	findingRequest = workflows.Message[found]{Command: "finding.request"}
	changed        = workflows.Message[change]{Command: "finding.changed"}
)

// described is what integrator.io tells of a user besides what they have.
type described struct {
	Via     string    `json:"via,omitempty"`     // how the access came about, in integrator.io's word
	Address string    `json:"address,omitempty"` // of now
	Created time.Time `json:"created,omitzero"`
}

type found struct {
	Environment string            `json:"environment,omitempty"`
	Email       string            `json:"email"`
	Was         string            `json:"was"`
	Now         string            `json:"now"`
	Watcher     string            `json:"watcher"`
	User        string            `json:"user"` // [userKey]
	Who         workflows.UserRef `json:"who,omitzero"`
	Gone        string            `json:"gone,omitempty"` // the one user who is listed no more
	After       time.Time         `json:"after,omitzero"` // since when it can have come about
	described
}

type change struct {
	Now       string `json:"now"`
	Explained string `json:"explained,omitempty"` // the workflow that explains it
	described
}

// Found is what the opening event of a finding fixes.
type Found struct {
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
	Created     time.Time         `json:"created,omitzero"`
	Owner       bool              `json:"owner,omitempty"` // the recorded owner is listed as a user
	NewOwner    string            `json:"new_owner,omitempty"`
	Alias       bool              `json:"alias,omitempty"`
	Decision    workflows.Given   `json:"decision,omitzero"` // the last decision about this access
	Transfer    string            `json:"transfer,omitempty"`
	To          []string          `json:"to,omitempty"`
	Managers    []string          `json:"managers,omitempty"`
	Channel     string            `json:"channel,omitempty"`
	// Taking is the question whether it is taken as expected.
	Taking question.Expected `json:"taking"`
}

// FoundState is all that a finding knows, the fold of its events.
type FoundState struct {
	workflows.Head
	Found
	// Said is who owns the account by the word of those who took it as expected so far.
	Said string `json:"said,omitempty"`
	// Address is what the user has by now where it is not Email.
	Address string `json:"address,omitempty"`
	Asking  Asking `json:"asking"`
	// Traces counts the readings of the audit log that have not answered; Log is the last answer.
	Traces int     `json:"traces,omitempty"`
	Log    *traced `json:"log,omitempty"`
	// Kept is what a review said of it last.
	Kept *reviewed `json:"kept,omitempty"`
	End  *Settled  `json:"end,omitempty"`
}

// Asking is that somebody has a person asked.
type Asking struct {
	By string    `json:"by,omitempty"` // "": nobody has
	At time.Time `json:"at,omitzero"`
	// Person is who was asked, "" for nobody yet; Doer that it is who did it; Why why they.
	Person string `json:"person,omitempty"`
	Doer   bool   `json:"doer,omitempty"`
	Why    string `json:"why,omitempty"`
	// Waits: the audit log is read first.
	Waits bool `json:"waits,omitempty"`
}

// Title implements [workflows.State].
func (s FoundState) Title() string {
	if s.Owner {
		return "Who owns " + s.where() + "?"
	}
	return "Unexplained access of " + s.Email + " in " + s.where()
}

func (s FoundState) where() string { return where(s.AccountName, s.Environment) }

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

// parties are those who do not take it as expected: whose access it is, who asked for what was
// decided about it last, and whom the audit log names.
func (s FoundState) parties() []approvals.Party {
	whose := approvals.Identity{ID: s.Person}.With(s.Email, s.Address)
	out := []approvals.Party{{Why: question.ByBeneficiary, Identity: whose}}
	if s.Decision.Asked != "" {
		out = append(out, approvals.Party{Why: question.ByRequester,
			Identity: approvals.Identity{ID: s.Decision.Asked}})
	}
	if s.Log != nil && s.Log.Trace != nil && s.Log.Trace.Email != "" {
		named := approvals.Identity{ID: s.Log.Doer}.With(s.Log.Trace.Email)
		out = append(out, approvals.Party{Why: question.ByNamed, Identity: named})
	}
	return out
}

// lock is the word of it in the account's record, for reviews.
func (fd Found) lock() string {
	return workflows.OpenFinding + workflows.GivenKey(fd.Environment, fd.Email)
}

func (fd Found) locked(cmd workflows.Command) workflows.Event {
	return cmd.Event(workflows.LockTaken, workflows.Lock{Name: fd.lock(), Workflow: cmd.Workflow})
}

func (fd Found) unlock(cmd workflows.Command) workflows.Event {
	return cmd.Event(workflows.LockReleased, workflows.Lock{Name: fd.lock(), Workflow: cmd.Workflow})
}

// Undoing is what the machine of access says of the request by which a finding is undone: what
// deciding it needs, and what it would be refused for (nil: it can be opened). The command is
// [workflows.UndoAccess] as Keyholder would give it.
type Undoing struct {
	Needs func(cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs
	Would func(cmd workflows.Command, f workflows.Facts) error
}

// Finding is the machine of one difference that no decision explains: a card to those who look after
// access, who take it as expected, ask for its undoing, or ask the person.
func Finding(undoing Undoing) workflows.Machine {
	gate := workflows.Gate[FoundState]{
		Noun: "finding",
		Clicks: map[string]workflows.Handler[FoundState]{
			ActAdopt: permitted(adopt), ActAskWho: permitted(askWho), ActUndo: permitted(undoing.undo),
		},
		Outcome: FoundState.outcome,
		Now: func(s FoundState) string {
			return workflows.Say("%s has %s now.", s.Email, words(s.Now))
		},
	}
	return workflows.Rules[FoundState]{
		Name: "finding", Letter: workflows.LetterFinding, Schema: 1, Kinds: findingKinds, View: FoundState.view,
		Needs: undoing.needs,
		Decide: func(s FoundState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
			return decideFinding(gate, s, cmd, f)
		},
	}.Machine()
}

// needs: undoing is judged as the request that it opens would be.
func (u Undoing) needs(s FoundState, cmd workflows.Command, p workflows.Policy,
	a workflows.AccountState) workflows.Needs {
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = workflows.Union(n.People, []string{cmd.Actor.ID, s.Person}, p.Admins, p.HolderIDs())
	}
	switch cmd.Name {
	case changed.Command:
		n.People = workflows.Union(p.Admins, p.HolderIDs())
	case findingRequest.Command:
		n.People = workflows.Union(p.Admins, p.HolderIDs())
		if b, err := findingRequest.Body(cmd); err == nil {
			n.Emails = []string{b.Email}
		}
	case workflows.FindingReviewed.Command:
		n.People = workflows.Union([]string{s.Person}, p.Admins, p.HolderIDs())
		if b, err := workflows.FindingReviewed.Body(cmd); err == nil {
			n.People = workflows.Union(n.People, []string{b.Reviewer})
		}
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
		n = u.Needs(s.request(cmd), p, a)
		n.People = append(n.People, cmd.Actor.ID, s.Person)
	}
	n.People = workflows.Union(slices.Clone(n.People))
	return n
}
