package access

import (
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Types of events, with the bodies below.
const (
	evRequested   = "access.requested"    // Frozen
	evSlow        = "access.slow"         // none
	evRead        = "access.read"         // read
	evAsking      = "access.asking"       // asking
	evAsked       = "access.asked"        // asking
	evVoted       = "access.voted"        // voted
	evApproved    = "access.approved"     // none
	evDoing       = "access.doing"        // doing
	evChecking    = "access.checking"     // none: somebody says it is done; it is read
	evRefused     = "access.call_refused" // refusal: what integrator.io said
	evWritten     = "access.written"      // written
	evPending     = "access.pending"      // until
	evSeen        = "access.seen"         // seen
	evActive      = "access.active"       // written, with the end
	evNoticed     = "access.noticed"      // Notice
	evReminded    = "access.reminded"     // Notice: those who have not answered
	evExtending   = "access.extending"    // Extension
	evExtended    = "access.extended"     // until
	evNotExtended = "access.not_extended" // reason
	evStopping    = "access.stopping"     // reason: to be ended as soon as what is on its way has answered
	evRestoring   = "access.restoring"    // restoring
	evDrifted     = "access.drifted"      // drifted
	evLooking     = "access.looking"      // looking: integrator.io shows something else than was expected; it is read
	evLeft        = "access.left"         // left: somebody took what is there as expected, on a finding's card
	evRenamed     = "access.renamed"      // renamed: the user has another address by now
	evTook        = "access.taking"       // taken: somebody leaves it as it is, and more are needed
	evWatched     = "access.watched"      // seen: what is there while people do it in the pages
	evDeclined    = "access.declined"     // seen
	evResending   = "access.resending"    // none
	evResent      = "access.resent"       // seen
	evUnsent      = "access.unsent"       // refusal: it could not be sent again
	evWaiting     = "access.waiting"      // waiting
	evGoesOn      = "access.goes_on"      // none: what it waited for is over
	evAway        = "access.away"         // waiting: integrator.io does not accept the token now
	evEscalated   = "access.escalated"    // Notice: who look after access and are not asked
	evLate        = "access.late"         // Notice: those who had their card already
	evEnded       = "access.ended"        // Finished
)

type none struct{}

type until struct {
	Until time.Time `json:"until"`
}

type read struct {
	User   *workflows.User        `json:"user,omitempty"`
	OK     bool                   `json:"ok"`
	Empty  bool                   `json:"empty,omitempty"` // the list had nobody, which proves nothing
	Unread string                 `json:"unread,omitempty"`
	Does   string                 `json:"does"`
	Key    string                 `json:"key,omitempty"`
	Names  map[string]string      `json:"names,omitempty"`
	Former workflows.Former       `json:"former"`
	Timed  bool                   `json:"timed,omitempty"` // a time runs that gave what was read
	SSO    bool                   `json:"sso,omitempty"`
	Caps   workflows.Capabilities `json:"caps"`
}

type asking struct {
	Closes time.Time `json:"closes,omitzero"`
	Asked  []string  `json:"asked"`
	// Waiting are those of them who can still answer.
	Waiting []string `json:"waiting,omitempty"`
	// Gone are those who were asked in somebody's place, which that one has taken back or has ended.
	Gone []string `json:"gone,omitempty"`
	// Bars are those who turned out to be a party.
	Bars []approvals.Bar `json:"bars,omitempty"`
	// Again is when the next of the delegations in use ends.
	Again time.Time `json:"again,omitzero"`
}

type voted struct {
	Votes    []approvals.Vote   `json:"votes"`
	Standing approvals.Standing `json:"standing,omitempty"`
	// Waiting is who can still answer after these votes: a delegate whose seat its owner filled cannot.
	Waiting []string        `json:"waiting,omitempty"`
	Bars    []approvals.Bar `json:"bars,omitempty"`
}

type doing struct {
	Until  time.Time `json:"until"`
	Manual bool      `json:"manual,omitempty"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	Manual  bool   `json:"manual,omitempty"`
}

type written struct {
	Effect string          `json:"effect,omitempty"` // the call that answered
	User   *workflows.User `json:"user,omitempty"`
	How    string          `json:"how"`
	Until  time.Time       `json:"until,omitzero"`
}

type seen struct {
	Mark string `json:"mark"`
}

type drifted struct {
	Mark string          `json:"mark"` // integrator.io's words
	User *workflows.User `json:"user,omitempty"`
	OK   bool            `json:"ok,omitempty"` // User was read
}

type renamed struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type looking struct {
	Effect  string `json:"effect,omitempty"` // the call that was refused
	Message string `json:"message,omitempty"`
	Locked  bool   `json:"locked,omitempty"`
}

type left struct {
	By   string `json:"by"`
	Mark string `json:"mark"`
}

type waiting struct {
	On    string    `json:"on,omitempty"`   // the workflow it waits for
	Code  string    `json:"code,omitempty"` // why it cannot be read
	Again time.Time `json:"again"`
}

type reason struct {
	Reason string `json:"reason,omitempty"`
	Left   string `json:"left,omitempty"` // who has left, when that is the reason
}

type restoring struct {
	Effect string    `json:"effect,omitempty"` // the call whose answer led to it
	Why    string    `json:"why"`
	By     string    `json:"by,omitempty"` // who ended, refused or took it back
	Back   *back     `json:"back,omitempty"`
	Until  time.Time `json:"until"`
	Manual bool      `json:"manual,omitempty"`
}
