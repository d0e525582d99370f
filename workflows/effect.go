package workflows

import (
	"context"
	"strings"
	"time"
)

// Operations on an account at integrator.io. Each is safe to repeat: it reads before it writes.
const (
	// OpInspect reads everything the checks of a transfer need; Call.Email is the target,
	// Call.Owner the present owner. Answer: Receipt.Reading. An account without a token answers
	// with a reading whose Capabilities are all No. As a watch it has learned something when
	// [Reading.Mark] differs from Call.Known; the courier compares.
	OpInspect = "inspect"
	// OpInviteOwner invites Call.Email to become the owner. An account transfer for that address
	// that is not in Call.Seen and not over is adopted instead of sending a second one. Answer:
	// Receipt.Transfer.
	OpInviteOwner = "invite_owner"
	// OpWithdraw cancels and deletes the account transfer Call.ID; with an empty ID, the pending
	// one for Call.Email that is not in Call.Seen. Nothing there is success. Answer:
	// Receipt.Transfer with its last status, when it had been accepted before it could be
	// withdrawn.
	OpWithdraw = "withdraw"
	// OpInviteUser invites Call.Email as a user with Call.Role. An existing user or invitation is
	// adopted. Answer: Receipt.User.
	OpInviteUser = "invite_user"
	// OpSetRole gives the user Call.Email the role Call.Role, reading, changing only the level, and
	// reading back. Answer: Receipt.User.
	OpSetRole = "set_role"
	// OpRemoveUser disables, then deletes the user Call.Email. Not there is success. Answer:
	// Receipt.User as it was, or nil.
	OpRemoveUser = "remove_user"
	// OpWithdrawUser deletes the invitation of Call.Email to become a user, if it was not accepted
	// yet. Not there, or accepted, is success. Answer: Receipt.User as it stood, or nil.
	OpWithdrawUser = "withdraw_user"
	// OpReinvite sends the invitation of Call.Email in Call.Environment again: PUT
	// /v1/ashares/{id}/reinvite, which also takes back a decline; an accepted user is success
	// without a call. Answer: Receipt.User.
	OpReinvite = "reinvite"
	// OpReadAccess reads the user Call.Email in Call.Environment, the integrations there and the
	// account's SSO. Answer: Receipt.Access.
	OpReadAccess = "read_access"
	// OpGrant invites Call.Email with exactly Call.Access; administrators get a second factor
	// required, or SSO where the account has it. An invitation with that very access is adopted;
	// any other access is refused as already_user. Answer: Receipt.User.
	OpGrant = "grant"
	// OpChangeAccess writes Call.Access into the record as read, with nothing else changed but what
	// an administrator needs. Call.Known is the [Access.Mark] it must have before; another one is
	// refused as [RefusedChanged], the wanted one is success without a write. Answer: Receipt.User.
	OpChangeAccess = "change_access"
	// OpRemoveAccess disables (once, after reading) and deletes the user Call.Email; an invitation
	// nobody accepted is only deleted. Call.Known as above, empty for any. Not there is success.
	// Answer: Receipt.User as it was, or nil.
	OpRemoveAccess = "remove_access"
	// OpCensus reads every user of Call.Environment. As a watch it has learned something when
	// [Census.Mark] differs from Call.Known. Answer: Receipt.Census.
	OpCensus = "census"
	// OpTrace looks into the audit log of Call.Environment for who last changed the access of
	// Call.Email, not before Call.Since, or of Call.Token who made or changed it. Answer:
	// Receipt.Trace; a log that holds nothing about it answers a Trace without a person.
	OpTrace = "trace"
	// OpTell gives the command Call.Command to the workflow Call.ID of the same account; it goes
	// through the desk, not to integrator.io.
	OpTell = "tell"
	// OpCheckpoint draws a checkpoint after the last one of the ledger Call.ID; it reads the
	// record, not integrator.io. Answer: Receipt.Drawn.
	OpCheckpoint = "checkpoint"
	// OpSignIns reads the owner's sign-ins in production's audit log (resourceType user, event
	// signin, source ui or sso) not before Call.Since; Call.Owner is the owner's address. As a
	// watch it has learned something when [SignIns.Mark] differs from Call.Known. Answer:
	// Receipt.SignIns.
	OpSignIns = "sign_ins"
	// OpTokens reads the API tokens of Call.Environment. As a watch it has learned something when
	// [Tokens.Mark] differs from Call.Known. Answer: Receipt.Tokens.
	OpTokens = "tokens"
	// OpUndelegate ends the delegation of Call.ID, a person, as long as it is one to Call.Known; it
	// goes through the desk. Answer: OK, also where there is none any more.
	OpUndelegate = "undelegate"
	// OpPage looks at the documentation of the account, for the published page; it reads the record
	// and, where a token may, the users. Call.Known is the [Page.Mark] that is shown; the same
	// again is no answer. Answer: Receipt.Page.
	OpPage = "page"
	// OpLetter sends one letter to the mailbox Call.Email with one word for each holder: Call.Input
	// maps Slack IDs to names. Answer: Receipt.Letter. A crash between sending and the answer sends
	// a second letter; then the newer one's words hold, and it says so.
	OpLetter = "letter"
	// OpAlarmMail and OpAlarmHook bring Call.Alarm to the addresses and to the URL of the
	// configuration's alarm section. The same may come twice.
	OpAlarmMail = "alarm_mail"
	OpAlarmHook = "alarm_hook"
	// OpWatchTransfer reads the account transfer Call.ID (or, when ID is empty, the newest for
	// Call.Email not in Call.Seen) and whether Call.Owner, the previous owner, is listed as a user
	// by now. It has learned something when [Transfer.Mark] of the answer differs from Call.Known.
	OpWatchTransfer = "watch_transfer"
	// OpWatchUser reads the user Call.Email; it has learned something when [User.Mark] differs from Call.Known.
	OpWatchUser = "watch_user"
)

// Ops are the operations that this version knows. One that it does not know is left for a newer one.
var Ops = map[string]bool{OpInspect: true, OpInviteOwner: true, OpWithdraw: true, OpInviteUser: true, OpSetRole: true,
	OpRemoveUser:   true,
	OpWithdrawUser: true, OpReinvite: true, OpReadAccess: true, OpGrant: true, OpChangeAccess: true,
	OpRemoveAccess: true, OpCensus: true,
	OpTrace: true, OpTell: true, OpCheckpoint: true, OpSignIns: true, OpTokens: true, OpPage: true, OpUndelegate: true,
	OpLetter: true, OpAlarmMail: true, OpAlarmHook: true,
	OpWatchTransfer: true, OpWatchUser: true}

// Call is one thing to do at integrator.io.
type Call struct {
	Op          string `json:"op"`
	Account     string `json:"account"`
	Environment string `json:"environment,omitempty"` // empty: production
	Email       string `json:"email,omitempty"`
	// Who is the user whom Email names, where they were seen before: found by that first, whatever
	// their address is by now; and an address that another person has by now is not theirs.
	Who UserRef `json:"who,omitzero"`
	// ByAddress turns that round: whoever has the address is meant, and Who only where nobody has
	// it, as for an address that somebody typed.
	ByAddress bool     `json:"by_address,omitempty"`
	Role      string   `json:"role,omitempty"`  // administrator, manage, monitor
	ID        string   `json:"id,omitempty"`    // a transfer's ID
	Token     string   `json:"token,omitempty"` // an API token's ID, for OpTrace
	Seen      []string `json:"seen,omitempty"`  // transfer IDs that existed when this was decided
	Owner     string   `json:"owner,omitempty"` // the previous owner's address
	Known     string   `json:"known,omitempty"` // what a watch knew already
	Access    *Access  `json:"access,omitempty"`
	// Required is what OpChangeAccess writes of the two requirements; nil leaves them, but for what
	// an administrator needs.
	Required *Required `json:"required,omitempty"`
	// Raw asks OpCensus for evidence: the answers as they came, the integrations' names and the API tokens.
	Raw bool `json:"raw,omitempty"`
	// Since bounds OpTrace and OpSignIns. Last asks OpSignIns for a sign-in that is the last as far
	// as it is seen, so that a log that is too long to be read whole answers too.
	Since   time.Time `json:"since,omitzero"`
	Last    bool      `json:"last,omitempty"`
	Command string    `json:"command,omitempty"` // what OpTell gives, with Input
	// As is the person in whose name OpTell gives it: who decided it in the workflow that tells,
	// and may or may not decide it in the one that is told. Empty: Keyholder.
	As    string            `json:"as,omitempty"`
	Input map[string]string `json:"input,omitempty"`
	// Alarm is what OpAlarmMail and OpAlarmHook bring.
	Alarm *Alarm `json:"alarm,omitempty"`
	// Deadline ends the trying; zero: [GiveUpAfter] from the commit.
	Deadline time.Time `json:"deadline,omitzero"`
}

// posted reports whether the call is for the post: a letter or an alarm.
func (c Call) Posted() bool {
	return c.Op == OpLetter || c.Op == OpAlarmMail || c.Op == OpAlarmHook
}

// GiveUpAfter is how long a call or card is tried before it counts as failed.
const GiveUpAfter = 24 * time.Hour

// Lanes of delivery: people before bulk.
const (
	LanePeople = 0
	LaneBulk   = 1
)

// Kinds of effects.
const (
	EffectCall  = "call"  // one call that an event decided
	EffectCards = "cards" // the cards of one lane of a workflow, brought to what its state says now
	EffectWatch = "watch" // one watch of a workflow's state, again and again
)

// Effect names one outward thing to do, stored with the change that asked for it. It is a name and
// no more: what is done is read from the workflow's events and state when it is delivered, so
// nothing that stands in Redis's queues is ever executed itself.
type Effect struct {
	// Kind is one of the kinds above.
	Kind string `json:"kind"`
	// ID of a call is derived from the workflow, the event that decided it and its place there
	// ("<workflow>/<event>/<index>"); of cards and watches it is the key.
	ID       string `json:"id,omitempty"`
	Workflow string `json:"workflow"`
	Account  string `json:"account,omitempty"`
	// Key orders: effects of one key are delivered one after another. "io/<account>" and
	// "tell/<workflow>" are first in, first out; "cards/<workflow>/<lane>" and
	// "watch/<workflow>/<name>" hold one effect. What was set aside has a key of its own.
	// Key and Lane stand in the queue's own name and header.
	Key  string    `json:"-"`
	Lane int       `json:"-"`
	Made time.Time `json:"made,omitzero"` // a watch has none

	// Event is the number of the event that decided the call, Index which of its calls it is.
	Event uint64 `json:"event,omitempty"`
	Index int    `json:"index,omitempty"`
	// Revision is the workflow's version that changed the cards. Grows.
	Revision uint64 `json:"revision,omitempty"`
	// Watch is the name of the watch. Every is its distance.
	Watch string        `json:"watch,omitempty"`
	Every time.Duration `json:"every,omitempty"`

	// What the courier found the effect to mean, for deliverers; never stored. Exactly one of Card
	// and Call is set. Machine names the machine in the card's block_id.
	Card    *Card  `json:"-"`
	Machine string `json:"-"`
	Call    *Call  `json:"-"`
}

// Deadline is when trying a call ends, in the time of commands; for a watch never (zero).
func (e Effect) Deadline() time.Time {
	if e.Every > 0 {
		return time.Time{}
	}
	if e.Call != nil && !e.Call.Deadline.IsZero() {
		return e.Call.Deadline
	}
	return e.Made.Add(GiveUpAfter)
}

// Destination is what a 429 holds back: one account of integrator.io, Slack, a road of letters or
// alarms, or nothing but the desk.
func (e Effect) Destination() string {
	switch {
	case e.Kind == EffectCards:
		return "slack"
	case e.Kind == EffectWatch:
		return "io/" + e.Account
	}
	switch road, _, _ := strings.Cut(e.Key, "/"); road {
	case "tell", "checkpoint", OpUndelegate:
		return "desk"
	case OpLetter, OpAlarmMail, OpAlarmHook:
		return e.Key
	}
	return "io/" + e.Account
}

// Place is where a card stands in Slack, and what it shows there.
type Place struct {
	Channel  string `json:"channel,omitempty"`  // the conversation's own ID, D… for a direct message
	TS       string `json:"ts,omitempty"`       // empty: not posted (yet)
	Revision uint64 `json:"revision,omitempty"` // the workflow's version that it shows
	// Shown is the hash of the content it shows; empty: not known, or to be shown again.
	Shown string `json:"shown,omitempty"`
	// Refused is set while Slack refuses the card.
	Refused *Unreached `json:"refused,omitempty"`
}

// Unreached is what became of a card that Slack refuses.
type Unreached struct {
	Code  string    `json:"code"`  // Slack's own word
	Since time.Time `json:"since"` // of the first refusal, real time
	Next  time.Time `json:"next"`  // when it is tried again
	Tries int       `json:"tries"`
	Shown string    `json:"shown"` // the hash of the content refused
	// Told is set once others heard of it.
	Told bool `json:"told,omitempty"`
}

// Claim is an effect or a timer that this process alone may work on until the lease ends.
type Claim struct {
	Effect Effect // zero when Timer is set
	Timer  *Timer
	Shard  int       // where it was claimed
	Token  string    // the lease's token; store operations compare it
	Until  time.Time // real time
	// Attempts counts earlier deliveries that did not succeed.
	Attempts int
	// Unreadable is set when what stands in the queue is no effect that this version can read; only
	// Key and Lane are known then.
	Unreadable error
	// Places are, for cards, where all of the workflow's cards stand, as read with the claim; nil: nobody looked.
	Places map[string]Place
	// Place is where the card stands already; zero TS: not posted yet. Parent is the place of the
	// card named by Under. The courier sets them.
	Place, Parent Place
}

// Lease lets a deliverer make sure of its claim before each outward call.
type Lease interface {
	// Hold returns nil when at least 6 s of the lease are left, prolonging it where needed, and
	// [ErrLeaseLost] when another process may have taken over: then nothing more may be sent.
	Hold(ctx context.Context) error
}

// Deliverer brings effects to one other side. It is called by several goroutines at once, never
// twice at once for one key.
type Deliverer interface {
	Deliver(ctx context.Context, claim Claim, lease Lease) Outcome
}

// Outcome of one delivery.
type Outcome struct {
	// Done: delivered. Receipt is set for calls, Place for cards. A watch that learned nothing is Done without receipt.
	Done bool
	// Again: try later, not before After has passed; zero leaves it to the courier's back-off.
	Again bool
	After time.Duration
	// Limited: After came from a 429 and holds for everything of the same destination.
	Limited bool
	// Untried: nothing was sent, so it counts as no attempt, and After is not lengthened.
	Untried bool
	// Aside: this version cannot do it, or stumbles over it. It is left for later, out of the way of others.
	Aside bool
	// Refused: the other side said no for good. Receipt carries code and words.
	Refused bool

	Receipt *Receipt
	Place   Place
	// Err is what happened, for the log.
	Err error
}
