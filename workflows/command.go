package workflows

import (
	"encoding/json"
	"time"

	"github.com/keyholder/keyholder/workflows/chain"
)

// Kinds of actors, kept in every event.
const (
	ByPerson     = "person"     // somebody clicked, typed or submitted
	ByTimer      = "timer"      // a duration ran out
	ByIntegrator = "integrator" // integrator.io answered or was seen
	BySlack      = "slack"      // Slack answered
	ByKeyholder  = "keyholder"  // the program itself: start, configuration
)

// Actor is who made something happen. ID and Team are Slack's, and empty unless Kind is [ByPerson].
type Actor struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
	Team string `json:"team,omitempty"`
	// StepUp is how they showed who they are, where that was asked of them.
	StepUp *StepUp `json:"step_up,omitempty"`
}

// Names of commands that no person gives.
const (
	CmdTimer   = "timer"   // Command.Timer is set
	CmdReceipt = "receipt" // Command.Receipt is set
)

// Command is one thing that happened and wants to be decided: a click, a submitted modal, a fired
// timer, the receipt of a call.
type Command struct {
	// ID is unique for what happened and equal on every retry of it: an envelope's ID, an effect's
	// ID with its attempt, a timer's name and time. Events carry it.
	ID string
	// Workflow is the workflow's ID. It exists already unless Name is one of the machine's opening commands.
	Workflow string
	// Account is the account's ID. Empty means: the one of the workflow.
	Account string
	// Name is the action_id of a button ("transfer.confirm"), the callback_id of a request modal ("transfer.request"),
	// [CmdTimer] or [CmdReceipt].
	Name string
	// Actor is who did it.
	Actor Actor
	// At is when: the wall clock at the edge. The desk raises it to the time of the workflow's last event.
	At time.Time
	// Round is the round of the card or modal that was clicked; -1 when the command has none.
	Round int
	// View is the ID of the modal that a click or form came from, empty for a card; Page is the
	// modal's own ([Modal.Page]).
	View string
	Page int
	// Submitted is true when Input comes from a modal. A click on a button that needs a modal arrives first without.
	Submitted bool
	// Input holds the fields of a submitted modal by block_id. Fields with several values join them with a newline.
	Input map[string]string

	// Told is true when another workflow gives it in the name of Actor, by [Call].As: their own
	// click was decided there, with the proof that it wanted.
	Told bool

	Timer   *Timer
	Receipt *Receipt
	// Answers is the claim that this command answers; the commit removes it together with its change.
	Answers *Claim
}

// NoRound is the Round of a command that was not made on a card.
const NoRound = -1

// Event is one thing that was decided, the unit of the audit chain. Body's exact bytes are hashed and never rewritten.
type Event struct {
	Seq     uint64          `json:"seq"` // from 1, without gaps, set by the desk
	Type    string          `json:"type"`
	At      time.Time       `json:"at"` // UTC, whole milliseconds
	By      Actor           `json:"by"`
	Command string          `json:"command"` // Command.ID
	Body    json.RawMessage `json:"body"`
	// Calls go to integrator.io (or to another workflow) because of this event, in this order. They
	// are hashed with the body: an effect only names them.
	Calls []Call `json:"calls,omitempty"`
}

// Event makes an event of this command. It panics when body cannot be encoded, which only a
// programming fault can cause.
func (c Command) Event(kind string, body any) Event {
	raw, err := json.Marshal(body)
	if err != nil {
		panic("workflows: event body of " + kind + " cannot be encoded: " + err.Error())
	}
	return Event{Type: kind, At: c.At, By: c.Actor, Command: c.ID, Body: raw}
}

// Receipt is the answer to a call that a machine asked for. Exactly one of the outcomes holds: OK;
// or Refused, when the other side said no for good; or Failed, when it could not be done before the
// deadline.
type Receipt struct {
	Effect string `json:"effect"`
	Op     string `json:"op"`
	// Environment is the call's.
	Environment string `json:"environment,omitempty"`
	OK          bool   `json:"ok,omitempty"`
	Refused     bool   `json:"refused,omitempty"`
	Failed      bool   `json:"failed,omitempty"`
	// Code and Message say why for Refused and Failed: a code of [CallRefusals] and the other side's own words.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Reading answers OpInspect; Transfer OpInviteOwner, OpWithdraw and OpWatchTransfer; User the user operations.
	Reading  *Reading  `json:"reading,omitempty"`
	Transfer *Transfer `json:"transfer,omitempty"`
	User     *User     `json:"user,omitempty"`
	// Access answers OpReadAccess, Census OpCensus.
	Access *AccessReading `json:"access,omitempty"`
	Census *Census        `json:"census,omitempty"`
	// Trace answers OpTrace.
	Trace *Trace `json:"trace,omitempty"`
	// SignIns answers OpSignIns, Tokens OpTokens, Letter OpLetter.
	SignIns *SignIns `json:"sign_ins,omitempty"`
	Tokens  *Tokens  `json:"tokens,omitempty"`
	Letter  *Letter  `json:"letter,omitempty"`
	// Page answers OpPage.
	Page *Page `json:"page,omitempty"`
	// Drawn answers OpCheckpoint.
	Drawn *Drawn `json:"-"`
}

// learnedNothing reports whether a watch's answer is one that was known already, by its mark. What
// carries no mark of its own decides that where it is read.
func (r *Receipt) LearnedNothing(known string) bool {
	switch {
	case r == nil:
		return false
	case r.Reading != nil:
		return r.Reading.Mark() == known
	case r.Census != nil:
		return r.Census.Mark() == known
	case r.SignIns != nil:
		return r.SignIns.Mark() == known
	case r.Tokens != nil:
		return r.Tokens.Mark() == known
	}
	return false
}

// CmdDelegated tells a workflow that somebody it waits for has changed their delegation.
const CmdDelegated = "delegated"

// Drawn answers [OpCheckpoint]: a checkpoint and the heads that it adds.
type Drawn struct {
	Checkpoint chain.Checkpoint
	Heads      []chain.Head
}
