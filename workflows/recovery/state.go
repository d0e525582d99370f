package recovery

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
	"github.com/keyholder/keyholder/workflows/step"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Stages, then the ends.
const (
	Asking   = "asking"
	Cooling  = "cooling"
	Climbing = "climbing"
	Securing = "securing"

	Regained  = "regained"
	Refused   = "refused"
	Cancelled = "cancelled"
	Expired   = "expired"
	Failed    = "failed"
)

// Situations, the values of the form's menu.
const (
	MailboxGone = "mailbox"
	PersonGone  = "person"
	PasswordOff = "password"
	FactorOff   = "second_factor"
)

// Rungs.
const (
	RungReset   = "reset"
	RungIT      = "it"
	RungFactor  = "factor"
	RungSupport = "support"
)

// ladders are the rungs of each situation, in their order.
var ladders = map[string][]string{
	MailboxGone: {RungIT, RungSupport},
	PersonGone:  {RungIT, RungSupport},
	PasswordOff: {RungReset, RungIT, RungSupport},
	FactorOff:   {RungFactor, RungSupport},
}

// SecureWithin is how long securing waits for people before it ends with its open points flagged.
const SecureWithin = 7 * 24 * time.Hour

// State is all that a recovery knows: the fold of its events.
type State struct {
	workflows.Head
	Frozen
	Question question.Question `json:"question"`
	// Approved is when the question was decided with yes, CoolUntil when it can no longer be
	// stopped quietly: the ladder begins then.
	Approved  time.Time `json:"approved,omitzero"`
	CoolUntil time.Time `json:"cool_until,omitzero"`
	// Left are the rungs not yet begun; Tried the steps that are over, in their order; Step the one
	// now.
	Left  []string    `json:"left,omitempty"`
	Tried []step.Step `json:"tried,omitempty"`
	Step  step.Step   `json:"step,omitzero"`
	// Opens is who says that they can open the mailbox, last.
	Opens *step.Word `json:"opens,omitempty"`
	// SignIns is what the audit log of integrator.io knows of the owner's last sign-in.
	SignIns *lastSignIn `json:"sign_ins,omitempty"`
	// Told are the people who have a card, in the order they got it. Nobody loses their card.
	Told []string `json:"told,omitempty"`
	End  *Ended   `json:"end,omitempty"`
}

// opening is the body of the opening event.
type opening struct {
	workflows.Opening
	Frozen
}

// Frozen is what the opening event fixes for good.
type Frozen struct {
	AccountName string                   `json:"account_name"`
	Reporter    string                   `json:"reporter"`
	Situation   string                   `json:"situation"`
	Reason      string                   `json:"reason"`
	Owner       string                   `json:"owner"`
	IsAlias     bool                     `json:"is_alias,omitempty"`     // the owner is an alias of the configuration
	OwnerPerson string                   `json:"owner_person,omitempty"` // the present owner, when in this Slack
	Vault       string                   `json:"vault,omitempty"`
	Holders     []string                 `json:"holders,omitempty"`
	Admins      []string                 `json:"admins,omitempty"`
	IT          []string                 `json:"it,omitempty"`
	Electorate  []string                 `json:"electorate,omitempty"`
	Lists       [][]string               `json:"lists,omitempty"`
	Quiet       []string                 `json:"quiet,omitempty"`
	Channel     string                   `json:"channel,omitempty"`
	UIHost      string                   `json:"ui_host,omitempty"`
	Reads       bool                     `json:"reads,omitempty"` // a token is configured
	Hours       worktime.Hours           `json:"hours"`
	Policy      workflows.RecoveryPolicy `json:"policy"`
	Party       approvals.Party          `json:"party"` // the reporter, by everything known
}

// lastSignIn is what a reading of the audit log said: At is zero when it holds none since Since.
type lastSignIn struct {
	At    time.Time `json:"at,omitzero"`
	Since time.Time `json:"since"`
}

// Ended is how it ended.
type Ended struct {
	By     workflows.Actor `json:"by"`
	Reason string          `json:"reason,omitempty"`
	Done   []string        `json:"done,omitempty"` // points of securing
	Open   []string        `json:"open,omitempty"`
	ByTime bool            `json:"by_time,omitempty"`
}

// AskedBy implements [workflows.Requested].
func (s State) AskedBy() string { return s.Reporter }

// Title implements [workflows.State].
func (s State) Title() string { return "Regain the owner's sign-in of " + s.AccountName }

// managers are holders and administrators.
func (f Frozen) managers() []string { return workflows.Union(f.Holders, f.Admins) }

// owners is the present owner, when in this Slack.
func (f Frozen) owners() []string {
	if f.OwnerPerson == "" {
		return nil
	}
	return []string{f.OwnerPerson}
}

// openers are who may say that they can open the mailbox.
func (f Frozen) openers() []string { return workflows.Union(f.Holders, f.owners()) }

// stoppers are who may cancel.
func (f Frozen) stoppers() []string {
	return workflows.Union([]string{f.Reporter}, f.managers(), f.owners())
}

// doers are whom a rung is for. Where nobody is, administrators are, and without them the holders.
func (f Frozen) doers(rung string) []string {
	var who []string
	switch rung {
	case RungReset:
		who = f.openers()
	case RungIT:
		who = f.IT
	case RungFactor:
		who = workflows.Union(f.Admins, f.owners())
	case RungSupport:
		who = workflows.Union([]string{f.Reporter}, f.managers())
	}
	switch {
	case len(who) > 0:
		return who
	case len(f.Admins) > 0:
		return f.Admins
	}
	return f.Holders
}

// asked reports whether the question can still be answered: until it is decided, also while somebody
// who can open the mailbox is at it.
func (s State) asked() bool {
	return s.Approved.IsZero() && (s.Stage == Asking || s.Stage == Climbing) && s.Question.IsOpen()
}

// started are all steps, the one of now last.
func (s State) started() []step.Step {
	if s.Step.Began.IsZero() {
		return s.Tried
	}
	return append(slices.Clone(s.Tried), s.Step)
}

// audience is who has a card: everybody whom it concerns from the beginning, and whom a rung is for.
func (s State) audience() []string {
	who := workflows.Union([]string{s.Reporter}, s.managers(), s.owners(), s.Question.Audience())
	if s.Stage == Climbing {
		who = workflows.Union(who, s.Step.People)
	}
	return who
}
