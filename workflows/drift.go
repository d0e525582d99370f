package workflows

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
