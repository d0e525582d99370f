package transfer

import (
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Types of events, with the bodies below. A body is never changed in meaning once released; a new meaning is a new type.
const (
	evRequested     = "transfer.requested"          // Frozen
	evSlow          = "transfer.slow"               // none
	evChecked       = "transfer.checked"            // checked
	evDoubted       = "transfer.doubted"            // seen: a reading got worse and is read again before it decides
	evRecheck       = "transfer.recheck_asked"      // none
	evWaived        = "transfer.waived"             // waived
	evPreparing     = "transfer.preparing"          // until
	evUserInvited   = "transfer.user_invited"       // userInvited
	evPrepManual    = "transfer.invite_by_hand"     // refusal
	evClaimed       = "transfer.claimed"            // none
	evUserSeen      = "transfer.user_seen"          // seen
	evPrepared      = "transfer.prepared"           // how
	evAsking        = "transfer.asking"             // asking
	evAsked         = "transfer.asked"              // asking
	evVoted         = "transfer.voted"              // voted
	evApproved      = "transfer.approved"           // until
	evVoided        = "transfer.votes_voided"       // voided
	evCooled        = "transfer.cooled"             // none
	evPaused        = "transfer.paused"             // none
	evInviting      = "transfer.inviting"           // inviting
	evInviteRefused = "transfer.invitation_refused" // refusal
	evInvited       = "transfer.invited"            // invited
	evAcceptedHere  = "transfer.accepted_here"      // none
	evSeen          = "transfer.seen"               // seen
	evLost          = "transfer.invitation_lost"    // seen
	evTaken         = "transfer.accepted_meanwhile" // taken
	evResend        = "transfer.resend_asked"       // reason
	evEnding        = "transfer.ending"             // ending
	evTransferred   = "transfer.owner_changed"      // transferred
	evRoleSet       = "transfer.role_set"           // roleSet
	evProbed        = "transfer.probed"             // probed
	evSettling      = "transfer.settling_ends"      // settled
	evPointsLeft    = "transfer.points_left"        // pointsLeft
	evPointsDone    = "transfer.points_done"        // pointsDone
	evReminded      = "transfer.reminded"           // Reminder
	evEnded         = "transfer.ended"              // Ended
	evUnread        = "transfer.unread"             // refusal: the account could not be read; it is tried again
)

type none struct{}

type until struct {
	Until time.Time `json:"until"`
}

type checked struct {
	Checks []Check                `json:"checks"`
	Caps   workflows.Capabilities `json:"caps"`
	Mark   string                 `json:"mark"`
	Seen   []string               `json:"seen,omitempty"`
	Off    []string               `json:"off,omitempty"`
	UserID string                 `json:"user_id,omitempty"`
	At     time.Time              `json:"at"`
	Waived []string               `json:"waived,omitempty"` // keys of checks that were waived before
	// New is true when people see something else than before: the round grows.
	New bool `json:"new,omitempty"`
}

type waived struct {
	Checks []string `json:"checks"`
	Reason string   `json:"reason"`
}

type userInvited struct {
	Mark string `json:"mark"`
	Sent bool   `json:"sent"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	Manual  bool   `json:"manual,omitempty"`
}

type seen struct {
	Mark   string `json:"mark"`
	Status string `json:"status,omitempty"`
	ID     string `json:"id,omitempty"`
}

type how struct {
	How  string `json:"how"`
	Mark string `json:"mark,omitempty"`
}

type asking struct {
	Closes   time.Time          `json:"closes,omitzero"`
	Asked    []string           `json:"asked"` // whose confirmation is waited for from now on
	Standing approvals.Standing `json:"standing,omitempty"`
}

type voted struct {
	Votes    []approvals.Vote   `json:"votes"`
	Standing approvals.Standing `json:"standing,omitempty"` // what was known of the voters then
	Given    int                `json:"given"`              // seats that have confirmed by this count
	Waiting  []string           `json:"waiting,omitempty"`  // whose confirmation is waited for still
	Bars     []approvals.Bar    `json:"bars,omitempty"`     // of whoever turned out to be one of the parties
}

type voided struct {
	Why         string           `json:"why"` // facts, standing
	Differences []string         `json:"differences,omitempty"`
	Keep        []approvals.Vote `json:"keep,omitempty"`
	Closes      time.Time        `json:"closes"`
	Asked       []string         `json:"asked"`
	Blocked     bool             `json:"blocked,omitempty"` // back to checking
}

type inviting struct {
	Until  time.Time `json:"until"`
	Manual bool      `json:"manual,omitempty"`
}

type invited struct {
	ID    string    `json:"id,omitempty"`
	How   string    `json:"how"`
	Mark  string    `json:"mark,omitempty"`
	Until time.Time `json:"until"`
}

type taken struct {
	Mark  string    `json:"mark"`
	ID    string    `json:"id,omitempty"`
	Until time.Time `json:"until"`
}

type reason struct {
	Reason string `json:"reason,omitempty"`
}

type transferred struct {
	How   string    `json:"how"`
	Role  string    `json:"role,omitempty"`
	Until time.Time `json:"until"`
}

type roleSet struct {
	Role    string `json:"role,omitempty"`
	How     string `json:"how,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	Removed bool   `json:"removed,omitempty"`
}

type probed struct {
	OK       bool     `json:"ok"`
	Role     string   `json:"role,omitempty"` // the previous owner's, when listed
	StillOff []string `json:"still_off,omitempty"`
}

type settled struct {
	Done []string `json:"done,omitempty"`
	Open []Point  `json:"open,omitempty"`
}
