package workflows

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
)

// FactsMaxAge is how old a fact may be to decide something.
const FactsMaxAge = 60 * time.Second

// Standing codes of a person who may not decide anything, whatever the button. Empty means full
// member in good standing.
const (
	StandingGuest       = "guest"
	StandingBot         = "bot"
	StandingDeactivated = "deactivated"
	StandingForeign     = "foreign" // of another workspace
	StandingInvited     = "invited" // has not signed in to Slack yet
	StandingUnknown     = "unknown" // Slack does not know the ID
)

// Person is a Slack user as Slack described them at At.
type Person struct {
	ID             string
	Team           string
	Name           string // display name, for exports; messages use mentions
	Email          string // lower case; empty without the scope users:read.email or when unconfirmed
	EmailConfirmed bool
	// Unconfirmed is an address that Slack shows of them and that they did not confirm, in lower
	// case: it gives no right, and takes one away.
	Unconfirmed string
	TimeZone    string // IANA name; may be empty
	Standing    string // "" or one of the codes
	// Away reports that Slack shows the person as absent (a status such as vacation or sick);
	// AwayUntil is when that ends, zero: not said.
	Away      bool
	AwayUntil time.Time
	At        time.Time
}

// Needs is what a machine wants to know before it decides. Groups are expanded and their members looked up as well.
type Needs struct {
	People      []string // Slack user or user-group IDs
	Emails      []string // addresses whose Slack user matters
	Delegations []string // people whose delegations matter
}

// Facts are what a decision may rest on besides state and command.
type Facts struct {
	Policy  Policy
	Shards  int
	Account AccountState
	// People holds every person asked for, by ID, those unknown to Slack included (StandingUnknown).
	People map[string]Person
	// Groups holds the members of every user group asked for, by the group's ID.
	Groups map[string][]string
	// ByEmail maps an address (lower case) to the Slack user who confirmed it. Absent: none, or the scope is missing.
	ByEmail map[string]string
	// Delegations of the people asked for.
	Delegations []approvals.Delegation
}

// Standing of all people known, in the form package approvals judges by.
func (f Facts) Standing() approvals.Standing {
	st := make(approvals.Standing, len(f.People))
	for id, p := range f.People {
		st[id] = p.Standing
	}
	return st
}

// Known is somebody by everything that Slack shows of them now, in the form package approvals compares people by.
func (f Facts) Known(id string) approvals.Identity {
	p := f.People[id]
	return approvals.Identity{ID: id}.With(p.Email, p.Unconfirmed)
}

// Everybody is [Facts.Known] of all people looked up, in the order of their IDs.
func (f Facts) Everybody() []approvals.Identity {
	out := make([]approvals.Identity, 0, len(f.People))
	for _, id := range slices.Sorted(maps.Keys(f.People)) {
		out = append(out, f.Known(id))
	}
	return out
}

// Managing are those of ids who look after access to the account by the configuration of now, as
// holders or administrators; all of them where the account is no longer configured, for what was
// begun goes on under its own rules.
func (f Facts) Managing(ids []string) []string {
	if f.Policy.Name == "" {
		return ids
	}
	holders, admins := f.Expand(f.Policy.HolderIDs()), f.Expand(f.Policy.Admins)
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !Among(id, holders, admins) })
}

// Expand replaces user groups by their members and drops duplicates, keeping the order.
func (f Facts) Expand(ids []string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, id := range ids {
		if members, ok := f.Groups[id]; ok {
			for _, m := range members {
				add(m)
			}
			continue
		}
		if !IsGroup(id) {
			add(id)
		}
	}
	return out
}

// ExpandLists expands each of several lists of users and groups. A list of which nobody is left stays, empty.
func (f Facts) ExpandLists(lists [][]string) [][]string {
	var out [][]string
	for _, ids := range lists {
		out = append(out, f.Expand(ids))
	}
	return out
}

// IsGroup reports whether a Slack ID is a user group's.
func IsGroup(id string) bool { return len(id) > 0 && id[0] == 'S' }

// Roster answers facts about people from Slack, none older than [FactsMaxAge]. An unknown person is
// an answer, not an error.
type Roster interface {
	People(ctx context.Context, ids []string) (map[string]Person, error)
	Group(ctx context.Context, id string) ([]string, error)
	// ByEmail answers the Slack user with that confirmed address, "" for none or when the scope is missing.
	ByEmail(ctx context.Context, email string) (string, error)
}

// Policies answers the configured policy of an account. It does no I/O.
type Policies interface {
	Policy(account string) (Policy, bool)
	Accounts() []string // IDs in the order of the file
}

// Policy is what the configuration says about one account.
type Policy struct {
	ID, Name, Customer string
	Owner              string // the configured owner's address, true at first start
	Aliases            []Alias
	Approvers          []string // Slack user or group IDs; empty: every alias holder
	// Lists are lists of Approvers of each of which a different person must confirm a transfer, beside the quorum.
	Lists [][]string
	// Quiet are approvers, of whatever question, who get no card for it.
	Quiet       []string
	Admins      []string
	Auditors    []string
	Channel     string
	Token       bool // a token for production is configured
	UIHost      string
	Transfer    TransferPolicy
	Access      AccessPolicy
	Review      ReviewPolicy
	Recovery    RecoveryPolicy
	Key         KeyPolicy
	Conventions Conventions
	// TokenName is what Keyholder's own token is called at integrator.io, TokenEnds its end where
	// it cannot be read; both may be empty.
	TokenName string
	TokenEnds time.Time
	// WarnBefore is how long before the end of Keyholder's own token administrators are told.
	WarnBefore []time.Duration
	// Mail reports that letters can be sent, AlarmMail and AlarmHook that an alarm has that second way.
	Mail, AlarmMail, AlarmHook bool
	// StepUp names the clicks that want a [StepUp]: action_ids and callback_ids, narrowed by a word
	// behind a colon where the state is [Narrowed], and [StepDelegate].
	StepUp []string
}

// Alias is a shared mailbox that may own the account.
type Alias struct {
	Email   string   `json:"email"`
	Holders []string `json:"holders"`
	// Custodians can use both password and second factor; Password and SecondFactor name who can
	// use one of them, in place of custodians.
	Custodians   []string `json:"custodians,omitempty"`
	Password     []string `json:"password,omitempty"`
	SecondFactor []string `json:"second_factor,omitempty"`
	Vault        string   `json:"vault,omitempty"`
}

// What a finding of a check is worth.
const (
	LevelBlock  = "block"
	LevelWarn   = "warn"
	LevelIgnore = "ignore"
)

// TransferPolicy is the configuration's transfer section.
type TransferPolicy struct {
	Quorum        int           `json:"quorum"`
	ConfirmWithin time.Duration `json:"confirm_within"`
	Cooldown      time.Duration `json:"cooldown"`
	AcceptWithin  time.Duration `json:"accept_within"`
	WatchEvery    time.Duration `json:"watch_every"`
	OnErrors      string        `json:"on_errors"`
	OnShared      string        `json:"on_shared"`
}

// HolderIDs lists the holders of all aliases, users and groups, without duplicates, in order.
func (p Policy) HolderIDs() []string {
	var out []string
	seen := map[string]bool{}
	for _, a := range p.Aliases {
		for _, h := range a.Holders {
			if !seen[h] {
				seen[h] = true
				out = append(out, h)
			}
		}
	}
	return out
}

// ApproverIDs lists who approves: the approvers, or every alias holder.
func (p Policy) ApproverIDs() []string {
	if len(p.Approvers) > 0 {
		return p.Approvers
	}
	return p.HolderIDs()
}

// Alias finds an alias by address, upper and lower case alike.
func (p Policy) Alias(email string) (Alias, bool) {
	for _, a := range p.Aliases {
		if SameEmail(a.Email, email) {
			return a, true
		}
	}
	return Alias{}, false
}

// RefuseStanding refuses people who may not decide anything here, whatever the button; nil when
// they may. The machine must have asked for them.
func RefuseStanding(f Facts, who string) *Refusal {
	p, known := f.People[who]
	code := p.Standing
	if !known {
		code = StandingUnknown
	}
	if code == "" {
		return nil
	}
	return Refuse("standing_"+code, StandingSentence(code))
}

// StandingSentence explains to a person why they may not decide.
func StandingSentence(code string) string {
	switch code {
	case StandingGuest:
		return "Guests of this workspace cannot act for integrator.io accounts. Nothing was recorded. Ask a full member, or an administrator of the workspace to make you one."
	case StandingBot:
		return "Bots and apps cannot act here; a person has to. Nothing was recorded."
	case StandingDeactivated:
		return "Your Slack account is deactivated. Nothing was recorded. Ask a workspace administrator."
	case StandingForeign:
		return "You belong to another workspace, and only members of this one can act here. Nothing was recorded. Ask a member of this workspace."
	case StandingInvited:
		return "Your Slack account is not active yet. Nothing was recorded. Accept the invitation to this workspace first."
	}
	return "Slack does not know you as a member of this workspace. Nothing was recorded. Ask a workspace administrator."
}

// Union joins lists without duplicates and empty entries, keeping the order.
func Union(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		for _, x := range l {
			if x != "" && !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	return out
}

// Among reports whether somebody stands in one of the lists.
func Among(who string, lists ...[]string) bool {
	for _, l := range lists {
		if slices.Contains(l, who) {
			return true
		}
	}
	return false
}
