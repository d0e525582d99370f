package workflows

import (
	"time"
)

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

// Missed is what could not be brought, or was in the end.
type Missed struct {
	Kind     string `json:"kind"`
	Workflow string `json:"workflow"`
	Title    string `json:"title"` // of the workflow, plain; the desk fills it in
	// To is a Slack user or channel, a mail address, or of alarms the operation by which they leave.
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
