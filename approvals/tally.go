package approvals

// Outcome is what a count says about the whole ballot.
type Outcome string

// The outcomes; the package comment shows how they follow from each other.
const (
	Open     Outcome = "open"
	Approved Outcome = "approved"
	Refused  Outcome = "refused"
	Expired  Outcome = "expired"
	Dead     Outcome = "dead" // can no longer be won by anyone
)

// Reasons why a vote does not count. Beside them stand CodeBarred, CodeNotAsked
// (no such seat), CodeBadChoice and the standing codes, of the seat or the voter.
const (
	WhyTooEarly      = "too_early"       // before Opens
	WhyTooLate       = "too_late"        // at or after Closes
	WhyNotYet        = "not_yet"         // later than the time of the count
	WhyNoDelegation  = "no_delegation"   // not the seat's owner, and Via does not cover seat, voter and time
	WhyRepeated      = "repeated"        // the seat already said so
	WhyOwnVoteStands = "own_vote_stands" // a delegate came after the seat's owner
	WhyReplaced      = "replaced"        // a later vote in the same seat took its place
	WhyDecided       = "decided"         // the ballot was decided before
)

// Voided is a vote that does not count now, and why.
type Voided struct {
	Vote Vote   `json:"vote"`
	Why  string `json:"why"`
}

// Tally is the result of a count. Each vote of the ballot is in exactly one of
// Counted, Refusals and Voided.
type Tally struct {
	Outcome  Outcome  `json:"outcome"`
	Counted  []Vote   `json:"counted,omitempty"`  // approvals that count now, in order
	Refusals []Vote   `json:"refusals,omitempty"` // refusals that count now, in order
	Voided   []Voided `json:"voided,omitempty"`   // votes that do not count now, in order
	// Missing is how many approvals are still missing, 0 when reached. It is the
	// greatest of the seats, the people and the lists missing.
	Missing int `json:"missing"`
	// Unmet is the lists, by their place in the ballot, that nobody stands for yet.
	Unmet []int `json:"unmet,omitempty"`
	// Waiting is the people to ask now, in the order of the electorate, while
	// the ballot is open: owners of eligible, unbarred seats without a counted
	// vote, each followed by the seat's active, eligible, unbarred delegates. When
	// those owners cannot bring the people still missing for Eyes or for a list,
	// owners whose seat a delegate approved are asked too, since their own vote
	// would. When only lists lack somebody, only who can stand for one is asked.
	Waiting []string `json:"waiting,omitempty"`
	// Winnable says whether further votes could still approve it, with today's
	// standing. An approved ballot is won, so it stays true there.
	Winnable bool `json:"winnable"`
}
