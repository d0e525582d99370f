package transfer

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Stages of a transfer; the last six are its ends.
const (
	Checking   = "checking"
	Preparing  = "preparing"
	Confirming = "confirming"
	Cooling    = "cooling"
	Inviting   = "inviting"
	Accepting  = "accepting"
	Settling   = "settling"
	Finishing  = "finishing" // the owner has changed, and points of the handover are open

	Completed = "completed"
	Refused   = "refused"
	Declined  = "declined"
	Cancelled = "cancelled"
	Expired   = "expired"
	Failed    = "failed"
)

// What the previous owner becomes.
const (
	RoleManage        = "manage"
	RoleAdministrator = "administrator"
	RoleMonitor       = "monitor"
	RoleRemove        = "remove"
)

// SettleWithin is how long settling waits for people before it ends with its open points flagged.
const SettleWithin = 7 * 24 * time.Hour

// State is all that a transfer knows. It is the fold of its events.
type State struct {
	workflows.Head
	Frozen
	// Told are the people who have a card, in the order they got it. Nobody loses their card.
	Told []string `json:"told,omitempty"`

	Checks    []Check                `json:"checks,omitempty"`
	CheckedAt time.Time              `json:"checked_at,omitzero"`
	Mark      string                 `json:"mark,omitempty"` // of the last reading
	Caps      workflows.Capabilities `json:"caps"`
	Waivers   []Waiver               `json:"waivers,omitempty"`
	Seen      []string               `json:"seen,omitempty"` // transfer IDs at the last reading
	Off       []string               `json:"off,omitempty"`  // what is shared and was switched off
	UserID    string                 `json:"user_id,omitempty"`
	Reading   bool                   `json:"reading,omitempty"` // an inspection is under way
	// Doubt is the mark of a reading that got worse and was not believed at once: a single answer
	// may be an old one. DoubtAt is when it came.
	Doubt        string    `json:"doubt,omitempty"`
	DoubtAt      time.Time `json:"doubt_at,omitzero"`
	ReadingSince time.Time `json:"reading_since,omitzero"`
	Slow         bool      `json:"slow,omitempty"`
	// Unread is why the account could not be read when it was last tried (a code of
	// workflows.CallRefusals), "" when it could. It is tried again until it can.
	Unread string `json:"unread,omitempty"`

	// Target is the new owner as a user, as seen last: found again by that, whatever their address
	// is by then.
	Target workflows.UserRef `json:"target,omitzero"`

	Prep Prep `json:"prep"`

	Question question.Question `json:"question"`
	VoidNote []string          `json:"void_note,omitempty"` // why earlier votes no longer count

	Cooled bool `json:"cooled,omitempty"` // the time to stop it is over: the next reading may act
	Paused bool `json:"paused,omitempty"` // it may act, but a check holds it

	Invite    Invite     `json:"invite"`
	Ending    *Ending    `json:"ending,omitempty"`
	Settle    Settle     `json:"settle"`
	Reminders []Reminder `json:"reminders,omitempty"`

	End *Ended `json:"end,omitempty"`
}

// requested is the body of the opening event.
type requested struct {
	workflows.Opening
	Frozen
}

// Frozen is what the opening event fixes for good.
type Frozen struct {
	AccountName string `json:"account_name"`
	Requester   string `json:"requester"`
	Reason      string `json:"reason"`
	From        string `json:"from"` // the owner's address
	// who acts as present owner: their Slack user, or the holders of an alias
	FromPeople   []string   `json:"from_people,omitempty"`
	To           string     `json:"to"`
	ToPerson     string     `json:"to_person,omitempty"` // when the target is a person
	ToHolders    []string   `json:"to_holders,omitempty"`
	Custodians   []string   `json:"custodians,omitempty"`
	Vault        string     `json:"vault,omitempty"`
	PreviousRole string     `json:"previous_role"`
	Holders      []string   `json:"holders,omitempty"` // of all aliases
	Admins       []string   `json:"admins,omitempty"`
	Channel      string     `json:"channel,omitempty"`
	Electorate   []string   `json:"electorate,omitempty"`
	Lists        [][]string `json:"lists,omitempty"` // of each of which somebody must confirm
	Quiet        []string   `json:"quiet,omitempty"` // who is asked without a card
	// who asked, and who would own, by all that is known of them
	Parties []approvals.Party        `json:"parties,omitempty"`
	Policy  workflows.TransferPolicy `json:"policy"`
	Token   bool                     `json:"token,omitempty"`
	UIHost  string                   `json:"ui_host,omitempty"`
}

// Prep is how far the target is on its way to become a user of the account.
type Prep struct {
	Invited  bool   `json:"invited,omitempty"` // Keyholder sent (or adopted) the invitation
	Sending  bool   `json:"sending,omitempty"` // Keyholder's invitation is under way
	Sent     bool   `json:"sent,omitempty"`    // Keyholder itself sent it, or may have, so takes it back
	Gone     bool   `json:"gone,omitempty"`    // it was declined or deleted at integrator.io
	Manual   string `json:"manual,omitempty"`  // why a person must invite: a refusal's code
	Message  string `json:"message,omitempty"`
	Claimed  string `json:"claimed,omitempty"`
	Mark     string `json:"mark,omitempty"`
	Done     string `json:"done,omitempty"` // verified or attested
	Attested string `json:"attested,omitempty"`
}

// Invite is the invitation to become the owner.
type Invite struct {
	Manual   bool   `json:"manual,omitempty"` // the present owner does it in the pages
	Sending  bool   `json:"sending,omitempty"`
	Code     string `json:"code,omitempty"` // why integrator.io refused it last
	Message  string `json:"message,omitempty"`
	ID       string `json:"id,omitempty"`
	How      string `json:"how,omitempty"`
	Attested string `json:"attested,omitempty"` // who attested the invitation
	Accepted string `json:"accepted,omitempty"` // who pressed Accept here
	Mark     string `json:"mark,omitempty"`     // what the watch saw last
	Lost     string `json:"lost,omitempty"`     // the status in which the invitation was lost
	Taken    bool   `json:"taken,omitempty"`    // accepted before it could be withdrawn, not yet carried out
	Resend   bool   `json:"resend,omitempty"`   // withdrawn only to be sent again
}

// Ending is an end that waits for integrator.io's word: first that the invitation to become owner
// is withdrawn, then that the access which the transfer gave is taken back (TakesBack).
type Ending struct {
	Outcome string          `json:"outcome"`
	Reason  string          `json:"reason,omitempty"`
	By      workflows.Actor `json:"by"`
	// The rest is what the end itself will say; set with TakesBack.
	TakesBack bool   `json:"takes_back,omitempty"`
	Stage     string `json:"stage,omitempty"`
	Code      string `json:"code,omitempty"`
	Message   string `json:"message,omitempty"`
	Left      bool   `json:"left,omitempty"`
}

// Settle is what is left to do after the owner changed.
type Settle struct {
	How      string    `json:"how,omitempty"` // verified or attested
	At       time.Time `json:"at,omitzero"`   // when the change of owner was seen
	Attested string    `json:"attested,omitempty"`
	By       string    `json:"by,omitempty"`   // who finished it
	Role     string    `json:"role,omitempty"` // the previous owner's role, as last seen
	RoleCode string    `json:"role_code,omitempty"`
	// Owner is the previous owner as a user, as seen since.
	Owner    workflows.UserRef `json:"owner,omitzero"`
	Removing bool              `json:"removing,omitempty"` // the previous owner is being removed, the last call
	Probed   bool              `json:"probed,omitempty"`
	TokenOK  bool              `json:"token_ok,omitempty"`
	StillOff []string          `json:"still_off,omitempty"`
	Done     []string          `json:"done,omitempty"`
	// Points are what is left to do, once somebody finished or the time was over.
	Points []Point `json:"points,omitempty"`
}

// Waiver lets one check be as it is.
type Waiver struct {
	Check  string    `json:"check"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Reminder is one round of reminding, kept because its messages stay.
type Reminder struct {
	N     int       `json:"n"`
	To    []string  `json:"to"`
	Stage string    `json:"stage"`
	Until time.Time `json:"until,omitzero"`
	At    time.Time `json:"at"`
	Round int       `json:"round"`
}

// Ended is the end.
type Ended struct {
	Outcome string          `json:"outcome"`
	Stage   string          `json:"stage,omitempty"` // in which it ended
	By      workflows.Actor `json:"by"`
	At      time.Time       `json:"at"`
	Reason  string          `json:"reason,omitempty"`
	Code    string          `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
	// Left is true when the invitation could not be withdrawn and stands at integrator.io.
	Left bool     `json:"left,omitempty"`
	Open []string `json:"open,omitempty"` // settling points left open
	// Points are those that people still have to tick off: the handover is done, and its workflow goes on with them.
	Points []Point `json:"points,omitempty"`
	// TookBack says what became of the access as a user that the transfer gave; nil: it gave none.
	TookBack *TookBack `json:"took_back,omitempty"`
}

// TookBack is what became of what a transfer gave. OK: it is gone; None: there was nothing left to
// take. Else Code and Message say why it stands.
type TookBack struct {
	OK      bool   `json:"ok,omitempty"`
	None    bool   `json:"none,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Closed implements workflows.State. It has ended when its end can be told.
func (s State) Closed() bool { return s.End != nil }

// AskedBy implements [workflows.Requested].
func (s State) AskedBy() string { return s.Requester }

// Title implements workflows.State.
func (s State) Title() string {
	if s.Stage == Finishing {
		return "Finish the handover of " + s.AccountName + ": " + s.openPoints() + " open"
	}
	return "Hand " + s.AccountName + " to " + s.To
}

// changed reports whether the owner has changed already.
func (s State) changed() bool { return s.Settle.How != "" }

// changedAt is when the change of owner was seen.
func (s State) changedAt() time.Time { return s.Settle.At }

// acceptors are the people who can accept for the target.
func (s State) acceptors() []string {
	if s.ToPerson != "" {
		return []string{s.ToPerson}
	}
	return s.ToHolders
}

// clone copies what Apply may change in place. Slices are never changed in place, only replaced or
// appended to with room cut off.
func (s State) clone() State {
	s.Told = slices.Clip(s.Told)
	s.Waivers = slices.Clip(s.Waivers)
	s.Reminders = slices.Clip(s.Reminders)
	return s
}
