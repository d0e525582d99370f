package approvals

// Codes of a Refusal. The standing codes serve in Standing as well.
const (
	CodeBarred = "barred" // Detail: the Bar's Why
	// Detail: empty, or "SEAT CODE" when the only seat delegated to them cannot be used
	CodeNotAsked     = "not_asked"
	CodeClosed       = "closed"        // Detail: "not_open", or the Outcome that closed it
	CodeAlreadyVoted = "already_voted" // Detail: empty, or the other person whose vote stands in the seat
	CodeBadChoice    = "bad_choice"    // Detail: the choice that is neither approve nor refuse
	CodeDeadEnd      = "dead_end"      // Detail: the count, "1 of 3 could approve; 2 needed"

	CodeDeactivated      = "deactivated"       // the person's Slack account is switched off
	CodeGuest            = "guest"             // a guest of the workspace
	CodeBot              = "bot"               // not a person
	CodeForeign          = "foreign"           // a person of another workspace
	CodeUnknown          = "unknown"           // nobody vouches for them
	CodeUnconfirmedEmail = "unconfirmed_email" // their e-mail address decides and is not confirmed
)

// DetailNotOpen is the Detail of a CodeClosed refusal before the ballot opens.
const DetailNotOpen = "not_open"

// Codes is every code a Refusal may carry, for a test that each has its
// sentence. A Standing with codes of its own makes Cast answer those too.
func Codes() []string {
	return []string{
		CodeBarred, CodeNotAsked, CodeClosed, CodeAlreadyVoted, CodeBadChoice, CodeDeadEnd,
		CodeDeactivated, CodeGuest, CodeBot, CodeForeign, CodeUnknown, CodeUnconfirmedEmail,
	}
}

// Refusal is why a person's vote is not taken, or a ballot not worth opening:
// a code, and enough to build a sentence from.
type Refusal struct {
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
}

// Error is for logs; what people read is made from Code and Detail.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "vote not taken: " + r.Code
	}
	return "vote not taken: " + r.Code + " (" + r.Detail + ")"
}
