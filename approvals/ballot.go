package approvals

import "time"

// Choice is what a vote says.
type Choice string

// The two choices. Anything else is no vote.
const (
	Approve Choice = "approve"
	Refuse  Choice = "refuse"
)

// Vote is one click counted for one seat.
type Vote struct {
	// Seat is the member of the electorate it counts for.
	Seat string `json:"seat"`
	// By is who clicked: equal to Seat, or its delegate.
	By     string    `json:"by"`
	Choice Choice    `json:"choice"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	// Via is the delegation that allowed it, kept as evidence; nil when By equals Seat.
	Via *Delegation `json:"via,omitempty"`
}

// Bar names a person who may never decide here, and why: a code such as
// "requester", "new_owner" or "beneficiary".
type Bar struct {
	Who string `json:"who"`
	Why string `json:"why"`
}

// Ballot is one question put to a frozen electorate.
//
// Nonsense is survived, never rewarded: repeated or empty names in Electorate
// are passed over, and a quorum below 1 can never be reached.
type Ballot struct {
	// Quorum is the number of seats that must approve, at least 1.
	Quorum int `json:"quorum"`
	// Eyes is the number of distinct people who must have clicked approve among
	// them. 0, and anything lower than it, means min(2, Quorum).
	Eyes int `json:"eyes,omitempty"`
	// Vetoes is the number of refusals that end it; less than 1 means 1.
	Vetoes int `json:"vetoes,omitempty"`
	// Electorate is who is asked, in display order, without duplicates.
	Electorate []string `json:"electorate,omitempty"`
	// Lists asks for somebody of each list besides: among those whose approvals count
	// there must be a different person for each. A vote stands in the lists of its
	// seat, whoever clicked. Names outside of the electorate bring nobody.
	Lists [][]string `json:"lists,omitempty"`
	Bars  []Bar      `json:"bars,omitempty"`
	// Opens is when votes begin to count.
	Opens time.Time `json:"opens,omitzero"`
	// Closes is when votes no longer count (itself excluded); zero: it never expires by itself.
	Closes time.Time `json:"closes,omitzero"`
	Votes  []Vote    `json:"votes,omitempty"`
}

// Standing says whether a person may decide now: "" is yes, else a code why
// not, such as CodeGuest. A person absent from the map counts as CodeUnknown,
// so may not.
type Standing map[string]string

// Code is a person's standing: "" when they may decide.
func (s Standing) Code(who string) string {
	code, known := s[who]
	if !known {
		return CodeUnknown
	}
	return code
}
