package workflows

import (
	"encoding/json"
	"fmt"
	"time"
)

// blockMessage is the one field of a command that carries a [Message].
const blockMessage = "message"

// Message is what one workflow tells another of the same account: a command by its name, with a
// body of one type. The one that sends and the one that is told share a declaration, so that
// neither spells a field by hand.
type Message[B any] struct {
	Command string
}

// To tells the workflow with that ID. It panics when the body cannot be encoded, which only a
// programming fault can cause.
func (m Message[B]) To(account, id string, body B) Call {
	raw, err := json.Marshal(body)
	if err != nil {
		panic("workflows: message " + m.Command + " cannot be encoded: " + err.Error())
	}
	return Call{
		Op:      OpTell,
		Account: account,
		ID:      id,
		Command: m.Command,
		Input:   map[string]string{blockMessage: string(raw)},
	}
}

// Given reports whether a command is this message. A person cannot give one: only Keyholder tells.
func (m Message[B]) Given(cmd Command) bool {
	return cmd.Name == m.Command && cmd.Actor.Kind == ByKeyholder
}

// Body reads the message that a command carries.
func (m Message[B]) Body(cmd Command) (B, error) {
	var b B
	if err := json.Unmarshal([]byte(cmd.Input[blockMessage]), &b); err != nil {
		return b, fmt.Errorf("read the message %s: %w", m.Command, err)
	}
	return b, nil
}

// What a finding of drift and an access tell each other. The two machines do not know one another.

// Kinds of change of an access, the values of the form's menu.
const (
	ChangeGrant  = "grant"
	ChangeAccess = "change"
	ChangeRemove = "remove"
)

// UndoAccess opens a request for access that brings back what somebody had before a difference that
// no decision explains; the usual people decide it.
var UndoAccess = Message[AccessUndo]{Command: "access.request"}

// AccessUndo is the body of [UndoAccess].
type AccessUndo struct {
	Environment string `json:"environment,omitempty"` // "" is production
	Email       string `json:"email"`
	Change      string `json:"change"` // one of the kinds above
	Access      Access `json:"access"` // what they had; nothing for remove
	Requester   string `json:"requester"`
	Reason      string `json:"reason"`
}

// AccessLeft tells a time-box that somebody took what became of its access as expected: that is not
// asked about again.
var AccessLeft = Message[LeftAccess]{Command: "access.left"}

// LeftAccess is the body of [AccessLeft].
type LeftAccess struct {
	By   string `json:"by"`
	Mark string `json:"mark"` // [User.Mark]
}

// FindingReviewed tells a finding what a review decided about the access that it is about.
var FindingReviewed = Message[ReviewedFinding]{Command: "finding.reviewed"}

// ReviewedFinding is the body of [FindingReviewed].
type ReviewedFinding struct {
	Review   string `json:"review"`
	Reviewer string `json:"reviewer"` // Slack ID
	Reason   string `json:"reason,omitempty"`
	// Mark is [User.Mark] of what the reviewer saw and kept; empty: it was changed or removed, by
	// the request Access, and that was read back.
	Mark   string `json:"mark,omitempty"`
	Access string `json:"access,omitempty"`
}

// AccessOvertaken tells a request for a removal that a review has decided the same: the review
// carries it out, and nobody else needs to decide.
var AccessOvertaken = Message[OvertakenAccess]{Command: "access.overtaken"}

// OvertakenAccess is the body of [AccessOvertaken].
type OvertakenAccess struct {
	Review   string `json:"review"`
	Reviewer string `json:"reviewer"` // Slack ID
	Access   string `json:"access"`   // the request that carries it out
}

// AccessKept tells a request for a removal that a review has kept the very access: its signature
// answers the request.
var AccessKept = Message[KeptAccess]{Command: "access.kept"}

// KeptAccess is the body of [AccessKept].
type KeptAccess struct {
	Review   string `json:"review"`
	Reviewer string `json:"reviewer"` // Slack ID of who decided
	Reason   string `json:"reason,omitempty"`
	Signed   string `json:"signed,omitempty"` // Slack ID of who signed it off; "" where the time ended it
}

// What people must see reaches them, or somebody hears that it does not. A card, a letter or an
// alarm that could not be brought for [MissedAfter] is told once to those who can mend that; when it
// is brought after all, that is told, too.

// MissedAfter is how long something may be on its way before others hear of it.
const MissedAfter = time.Hour

// Kinds of what did not arrive.
const (
	MissedCard   = "card"
	MissedLetter = "letter"
	MissedAlarm  = "alarm"
)

// Everybody is whom a card misses where the app takes part in no direct messages, [CodeNoTab]: its
// Messages tab is switched off. Source: chat.postMessage, errors.
const (
	Everybody = "everybody"
	CodeNoTab = "messages_tab_disabled"
)

// Missed is what could not be brought, or was in the end.
type Missed struct {
	Kind     string `json:"kind"`
	Workflow string `json:"workflow"`
	Title    string `json:"title"` // of the workflow, plain; the desk fills it in
	// To is a Slack user or channel, a mail address, or of alarms the operation by which they leave;
	// [Everybody] where nobody can be written to.
	To    string    `json:"to"`
	Code  string    `json:"code,omitempty"`  // why: Slack's own word for cards
	Since time.Time `json:"since,omitzero"`  // real time
	Asked string    `json:"asked,omitempty"` // the Slack ID of who asked for the workflow, "" for nobody
}

// What the machine that tells people of it is told. The first opens it.
var (
	MissedFirst = Message[Missed]{Command: MachineReach + ".request"}
	MissedMore  = Message[Missed]{Command: MachineReach + ".missed"}
	MissedNoted = Message[Missed]{Command: MachineReach + ".reached"}
)

// MachineReach is the name of that machine.
const MachineReach = "reach"
