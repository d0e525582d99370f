package offboard

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/step"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Stages, then the ends.
const (
	Reading = "reading"
	Working = "working"

	Done      = "done"
	Settled   = "settled"
	Cancelled = "cancelled"
)

// Kinds of steps, the values of the form's checkboxes. The step of an environment's access is named
// "access:<environment>".
const (
	Access      = "access"
	Transfer    = "transfer"
	Key         = "key"
	Rules       = "rules"
	Delegations = "delegations"
	Tokens      = "tokens"
)

// Kinds are all kinds of steps, in the order they are shown.
var Kinds = []string{Access, Transfer, Key, Rules, Delegations, Tokens}

// State is all that an offboarding knows: the fold of its events.
type State struct {
	workflows.Head
	Frozen
	Day  Day   `json:"day"`
	Envs []Env `json:"envs"`
	// Came is when the last day was carried out; zero: it has not come.
	Came time.Time `json:"came,omitzero"`
	// Ending are the delegations that are being ended, by who gave them.
	Ending    []string      `json:"ending,omitempty"`
	Steps     []step.Step   `json:"steps,omitempty"`
	Reminders []step.Notice `json:"reminders,omitempty"`
	Told      []string      `json:"told,omitempty"` // who has a card, in the order they got it
	End       *Ended        `json:"end,omitempty"`
}

// Frozen is what the opening event fixes for good.
type Frozen struct {
	AccountName string             `json:"account_name"`
	Person      string             `json:"person"`
	PersonName  string             `json:"person_name,omitempty"`
	Known       approvals.Identity `json:"known"`           // by everything known of them
	Email       string             `json:"email,omitempty"` // confirmed
	Requester   string             `json:"requester"`
	Reason      string             `json:"reason"`
	Kinds       []string           `json:"kinds"`
	Holders     []string           `json:"holders,omitempty"` // without the person, as all lists here
	Admins      []string           `json:"admins,omitempty"`
	Channel     string             `json:"channel,omitempty"`
	UIHost      string             `json:"ui_host,omitempty"`
	Hours       worktime.Hours     `json:"hours"`
	Shards      int                `json:"shards"` // of the store, for the IDs of requests
	// Groups reports that the configuration names groups, whom only Slack knows: they are looked at less often.
	Groups bool `json:"groups,omitempty"`
	// Owns, Keeps and Named say what rests on them besides access: the owner's address, the parts of
	// the key, what the configuration names them for; Lost what is wrong without them.
	Owns  string   `json:"owns,omitempty"`
	Keeps []string `json:"keeps,omitempty"`
	Named []string `json:"named,omitempty"`
	Lost  []string `json:"lost,omitempty"`
}

// Day is the last day.
type Day struct {
	Date string    `json:"date"` // as 2026-12-04
	At   time.Time `json:"at"`   // when work begins on it; the moment of the request, where no day was given
	Due  time.Time `json:"due"`  // when what is open is late
}

// Env is an environment of the account.
type Env struct {
	Name    string `json:"name,omitempty"` // "" is production
	Token   bool   `json:"token,omitempty"`
	Pending int    `json:"pending,omitempty"` // answers awaited
	// Code says why the users cannot be read; "" with Token: they were read.
	Code   string  `json:"code,omitempty"`
	Users  []User  `json:"users,omitempty"`
	Tokens []Token `json:"tokens,omitempty"`
	// TokensCode says why the tokens cannot be read.
	TokensCode string `json:"tokens_code,omitempty"`
}

// User is an access of the person in an environment.
type User struct {
	Email   string    `json:"email"`
	Role    string    `json:"role,omitempty"`    // "" where it was not read
	Request string    `json:"request,omitempty"` // what removes it; "": not asked for yet
	Asked   time.Time `json:"asked,omitzero"`
	Gone    time.Time `json:"gone,omitzero"`
	Ended   bool      `json:"ended,omitempty"` // the request is over, and it is not gone
}

// Token is an API token of an environment.
type Token struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Full bool   `json:"full,omitempty"`
}

// Ended is how it ended.
type Ended struct {
	By     workflows.Actor `json:"by"`
	Reason string          `json:"reason,omitempty"`
	Open   []string        `json:"open,omitempty"` // steps
	Gone   []string        `json:"gone,omitempty"` // accesses removed before it was cancelled
}

// AskedBy implements [workflows.Requested].
func (s State) AskedBy() string { return s.Requester }

// Title implements [workflows.State].
func (s State) Title() string {
	return cmp.Or(s.PersonName, s.Person) + " leaves " + s.AccountName
}

func (e Env) title() string { return cmp.Or(e.Name, workflows.Production) }

func (e Env) step() string { return Access + ":" + e.title() }

// read reports whether the users of the environment are known.
func (e Env) read() bool { return e.Token && e.Code == "" && e.Pending == 0 }

func (f Frozen) wants(kind string) bool { return slices.Contains(f.Kinds, kind) }

// managers are holders and administrators, without the person.
func (f Frozen) managers() []string { return workflows.Union(f.Holders, f.Admins) }

// movers may settle, cancel and move it.
func (f Frozen) movers() []string { return workflows.Union([]string{f.Requester}, f.managers()) }

// kindOf is the kind of a step by its name.
func kindOf(name string) string {
	kind, _, _ := strings.Cut(name, ":")
	return kind
}

func (s *State) step(name string) *step.Step {
	for i := range s.Steps {
		if s.Steps[i].Name == name {
			return &s.Steps[i]
		}
	}
	return nil
}

func (s *State) env(name string) *Env {
	for i := range s.Envs {
		if s.Envs[i].Name == name {
			return &s.Envs[i]
		}
	}
	return nil
}

// left are the steps that are not done, the blocked ones too.
func (s State) left() []step.Step {
	return slices.DeleteFunc(slices.Clone(s.Steps), step.Step.Ok)
}

// sworn reports whether a step is done by somebody's word: tokens, and access where it cannot be read.
func (s State) sworn(st step.Step) bool {
	switch kindOf(st.Name) {
	case Tokens:
		return true
	case Access:
		i := slices.IndexFunc(s.Envs, func(e Env) bool { return e.step() == st.Name })
		return i >= 0 && !s.Envs[i].read()
	}
	return false
}

// pending reports whether an answer of integrator.io is awaited.
func (s State) pending() bool {
	return len(s.Ending) > 0 || slices.ContainsFunc(s.Envs, func(e Env) bool { return e.Pending > 0 })
}

// clone copies what folds change in place.
func clone(s State) State {
	s.Envs, s.Steps = slices.Clone(s.Envs), slices.Clone(s.Steps)
	for i := range s.Envs {
		s.Envs[i].Users = slices.Clone(s.Envs[i].Users)
	}
	return s
}
