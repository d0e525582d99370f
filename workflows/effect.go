package workflows

import (
	"context"
	"time"
)

// Operations on an account at integrator.io. Each is safe to repeat: it reads before it writes.
const (
	// OpInspect reads everything the checks of a transfer need; Call.Email is the target, Call.Owner the present owner. Answer: Receipt.Reading.
	// An account without a token answers with a reading whose Capabilities are all No. As a watch it has learned something when [Reading.Mark]
	// differs from Call.Known; the courier compares.
	OpInspect = "inspect"
	// OpInviteOwner invites Call.Email to become the owner. An account transfer for that address that is not in Call.Seen and not over is
	// adopted instead of sending a second one. Answer: Receipt.Transfer.
	OpInviteOwner = "invite_owner"
	// OpWithdraw cancels and deletes the account transfer Call.ID; with an empty ID, the pending one for Call.Email that is not
	// in Call.Seen. Nothing there is success. Answer: Receipt.Transfer with its last status, when it had been accepted before it could be
	// withdrawn.
	OpWithdraw = "withdraw"
	// OpInviteUser invites Call.Email as a user with Call.Role. An existing user or invitation is adopted. Answer: Receipt.User.
	OpInviteUser = "invite_user"
	// OpSetRole gives the user Call.Email the role Call.Role, reading, changing only the level, and reading back. Answer: Receipt.User.
	OpSetRole = "set_role"
	// OpRemoveUser disables, then deletes the user Call.Email. Not there is success. Answer: Receipt.User as it was, or nil.
	OpRemoveUser = "remove_user"
	// OpWithdrawUser deletes the invitation of Call.Email to become a user, if it was not accepted yet. Not there, or accepted, is success. Answer:
	// Receipt.User as it stood, or nil.
	OpWithdrawUser = "withdraw_user"
	// OpReinvite sends the invitation of Call.Email in Call.Environment again: PUT /v1/ashares/{id}/reinvite, which also takes back a decline; an
	// accepted user is success without a call. Answer: Receipt.User.
	OpReinvite = "reinvite"
	// OpReadAccess reads the user Call.Email in Call.Environment, the integrations there and the account's SSO. Answer: Receipt.Access.
	OpReadAccess = "read_access"
	// OpGrant invites Call.Email with exactly Call.Access; administrators get a second factor required, or SSO where the account has it. An invitation
	// with that very access is adopted; any other access is refused as already_user. Answer: Receipt.User.
	OpGrant = "grant"
	// OpChangeAccess writes Call.Access into the record as read, with nothing else changed but what an administrator needs. Call.Known is the
	// [Access.Mark] it must have before; another one is refused as [RefusedChanged], the wanted one is success without a write. Answer: Receipt.User.
	OpChangeAccess = "change_access"
	// OpRemoveAccess disables (once, after reading) and deletes the user Call.Email; an invitation nobody accepted is only deleted. Call.Known as
	// above, empty for any. Not there is success. Answer: Receipt.User as it was, or nil.
	OpRemoveAccess = "remove_access"
	// OpCensus reads every user of Call.Environment. As a watch it has learned something when [Census.Mark] differs from Call.Known. Answer: Receipt.Census.
	OpCensus = "census"
	// OpTrace looks into the audit log of Call.Environment for who last changed the access of Call.Email, not before Call.Since. Answer: Receipt.Trace; a
	// log that holds nothing about it answers a Trace without a person.
	OpTrace = "trace"
	// OpTell gives the command Call.Command to the workflow Call.ID of the same account; it goes through the desk, not to integrator.io.
	OpTell = "tell"
	// OpCheckpoint draws a checkpoint after the last one of the ledger Call.ID; it reads the record, not integrator.io. Answer: Receipt.Drawn.
	OpCheckpoint = "checkpoint"
	// OpSignIns reads the owner's sign-ins in production's audit log (resourceType user, event signin, source ui or sso) not before Call.Since; Call.Owner
	// is the owner's address. As a watch it has learned something when [SignIns.Mark] differs from Call.Known. Answer: Receipt.SignIns.
	OpSignIns = "sign_ins"
	// OpTokens reads the API tokens of Call.Environment. As a watch it has learned something when [Tokens.Mark] differs from Call.Known. Answer: Receipt.Tokens.
	OpTokens = "tokens"
	// OpLetter sends one letter to the mailbox Call.Email with one word for each holder: Call.Input maps Slack IDs to names. Answer: Receipt.Letter. A crash
	// between sending and the answer sends a second letter; then the newer one's words hold, and it says so.
	OpLetter = "letter"
	// OpAlarmMail and OpAlarmHook bring Call.Alarm to the addresses and to the URL of the configuration's alarm section. The same may come twice.
	OpAlarmMail = "alarm_mail"
	OpAlarmHook = "alarm_hook"
	// OpWatchTransfer reads the account transfer Call.ID (or, when ID is empty, the newest for Call.Email not in Call.Seen) and whether
	// Call.Owner, the previous owner, is listed as a user by now. It has learned something when [Transfer.Mark] of the answer differs from Call.Known.
	OpWatchTransfer = "watch_transfer"
	// OpWatchUser reads the user Call.Email; it has learned something when [User.Mark] differs from Call.Known.
	OpWatchUser = "watch_user"
)

// Call is one thing to do at integrator.io.
type Call struct {
	Op          string `json:"op"`
	Account     string `json:"account"`
	Environment string `json:"environment,omitempty"` // empty: production
	Email       string `json:"email,omitempty"`
	// Who is the user whom Email names, where they were seen before: found by that first, whatever their address is by now;
	// and an address that another person has by now is not theirs.
	Who UserRef `json:"who,omitzero"`
	// ByAddress turns that round: whoever has the address is meant, and Who only where nobody has it, as for an address that
	// somebody typed.
	ByAddress bool     `json:"by_address,omitempty"`
	Role      string   `json:"role,omitempty"`  // administrator, manage, monitor
	ID        string   `json:"id,omitempty"`    // a transfer's ID
	Seen      []string `json:"seen,omitempty"`  // transfer IDs that existed when this was decided
	Owner     string   `json:"owner,omitempty"` // the previous owner's address
	Known     string   `json:"known,omitempty"` // what a watch knew already
	Access    *Access  `json:"access,omitempty"`
	// Required is what OpChangeAccess writes of the two requirements; nil leaves them, but for what an administrator needs.
	Required *Required `json:"required,omitempty"`
	// Raw asks OpCensus for evidence: the answers as they came, the integrations' names and the API tokens.
	Raw bool `json:"raw,omitempty"`
	// Since bounds OpTrace.
	Since   time.Time         `json:"since,omitzero"`
	Command string            `json:"command,omitempty"` // what OpTell gives, with Input
	Input   map[string]string `json:"input,omitempty"`
	// Alarm is what OpAlarmMail and OpAlarmHook bring.
	Alarm *Alarm `json:"alarm,omitempty"`
	// Deadline ends the trying; zero: [GiveUpAfter] from the commit.
	Deadline time.Time `json:"deadline,omitzero"`
}

// GiveUpAfter is how long a call or card is tried before it counts as failed.
const GiveUpAfter = 24 * time.Hour

// Lanes of delivery: people before bulk.
const (
	LanePeople = 0
	LaneBulk   = 1
)

// Effect is one outward thing to do, stored with the change that asked for it. Exactly one of Card and Call is set.
type Effect struct {
	// ID is derived from the workflow and the event that asked for it, so it is the same on every retry of a commit.
	ID       string `json:"id"`
	Workflow string `json:"workflow"`
	Account  string `json:"account"`
	// Key orders: effects of one key are delivered one after another. "io/<account>" and "tell/<workflow>" are first in, first out;
	// "card/<workflow>/<name>/<recipient>" and "watch/<workflow>/<name>" hold the newest content only.
	Key  string    `json:"key"`
	Lane int       `json:"lane"`
	Made time.Time `json:"made"`

	Card *Card `json:"card,omitempty"`
	// Revision of the card: the workflow's version that wants this content. Grows.
	Revision uint64 `json:"revision,omitempty"`
	// Machine names the machine, for the card's block_id.
	Machine string `json:"machine,omitempty"`

	Call *Call `json:"call,omitempty"`
	// Every makes the call a watch: repeated at this distance until dropped or replaced.
	Every time.Duration `json:"every,omitempty"`
}

// Deadline is when trying ends, in the time of commands; for a watch never (zero).
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
	if e.Call != nil {
		switch e.Call.Op {
		case OpTell, OpCheckpoint:
			return "desk"
		case OpLetter, OpAlarmMail, OpAlarmHook:
			return e.Call.Op + "/" + e.Call.Account
		}
	}
	if e.Call != nil {
		return "io/" + e.Call.Account
	}
	return "slack"
}

// Place is where a card stands in Slack.
type Place struct {
	Channel  string `json:"channel"` // the conversation's own ID, D… for a direct message
	TS       string `json:"ts"`
	Revision uint64 `json:"revision"` // the content it shows
}

// Claim is an effect or a timer that this process alone may work on until the lease ends.
type Claim struct {
	Effect Effect // zero when Timer is set
	Timer  *Timer
	Token  string    // the lease's token; store operations compare it
	Until  time.Time // real time
	// Attempts counts earlier deliveries that did not succeed.
	Attempts int
	// Place is where the card stands already; zero TS: not posted yet. Parent is the place of the card named by Under.
	Place, Parent Place
}

// Lease lets a deliverer make sure of its claim before each outward call.
type Lease interface {
	// Hold returns nil when at least 6 s of the lease are left, prolonging it where needed, and [ErrLeaseLost] when another process
	// may have taken over: then nothing more may be sent.
	Hold(ctx context.Context) error
}

// Deliverer brings effects to one other side. It is called by several goroutines at once, never twice at once for one key.
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
	// Refused: the other side said no for good. Receipt carries code and words.
	Refused bool

	Receipt *Receipt
	Place   Place
	// Err is what happened, for the log.
	Err error
}
