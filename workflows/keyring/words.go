package keyring

import (
	"strconv"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// parts are what people call the parts of a key, and what people do who hold them.
var parts = map[string]struct{ does, other string }{
	Mailbox: {"can read the mailbox", "Have IT open it for another person, and name them under holders."},
	Password: {"can use the password",
		"Give a second person the vault item, and name them under custodians or password."},
	SecondFactor: {"can use the second factor",
		"Set it up for a second person too, and name them under custodians or second_factor."},
}

// questions are what people decide, by the kind of their holding.
var decides = map[string]string{Approver: "a transfer", AccessSay: "access", RecoverySay: "a recovery"}

// Sentence says what is wrong and how to mend it, in Slack mrkdwn. command begins what is typed, as
// [workflows.Slash]; account is the account's ID.
func (g Gap) Sentence(account string) string {
	who := workflows.Mentions(g.People)
	switch g.Code {
	case GapOwnerIsPerson:
		return "The account belongs to " + workflows.Esc(g.Where) +
			", an address of one person. Hand it to a shared mailbox: `" +
			workflows.Slash + " transfer " + account + "`."
	case GapNobody:
		return "Nobody who can act here " + parts[g.What].does + " of " + workflows.Esc(g.Where) + ". " +
			parts[g.What].other
	case GapAlone:
		return "Only " + who + " " + parts[g.What].does + " of " + workflows.Esc(g.Where) + ". " + parts[g.What].other
	case GapSole:
		return who + " alone can use both password and second factor of " + workflows.Esc(g.Where) +
			". Keep the two apart, with two people each."
	case GapQuorum:
		able := "nobody who can act is left to"
		if len(g.People) > 0 {
			able = "only " + who + " can"
		}
		return "Nobody could get " + decides[g.What] + " approved: it takes " + strconv.Itoa(g.Need) + ", and " + able +
			" decide. Name others in the configuration."
	case GapReviewer:
		if len(g.People) == 0 {
			return "Nobody who can act reviews access. Name two under review.reviewers."
		}
		return "Only " + who +
			" reviews access, and nobody reviews themselves. Name a second one under review.reviewers."
	case GapAdmins:
		return "Nobody who can act administers the account here. Name somebody under admins."
	}
	return "Something rests on one person: " + g.What + "."
}

// phrase says what somebody holds, for lists.
func (h Holding) phrase() string {
	where := ""
	if h.Where != "" {
		where = " of " + h.Where
	}
	switch h.What {
	case Owner:
		return "owns the account (" + h.Email + ")"
	case Mailbox, Password, SecondFactor:
		return parts[h.What].does + where
	case Role:
		text := strings.TrimSpace(h.Role) + " at integrator.io"
		if h.Where != "" {
			text += ", environment " + h.Where
		}
		if h.Pending {
			text += " (invited, not accepted)"
		}
		return "is " + text
	case Administrator:
		return "administers the account here"
	case Auditor:
		return "reads the record"
	case Approver, AccessSay, RecoverySay:
		return "decides about " + decides[h.What]
	case IT:
		return "looks after mailboxes in a recovery"
	case Reviewer:
		return "reviews access"
	}
	return h.What
}

// Sentence says what somebody holds, with its end where it has one, in Slack mrkdwn.
func (h Holding) Sentence() string {
	text := workflows.Esc(h.phrase())
	if !h.Until.IsZero() {
		text += ", until " + workflows.When(h.Until)
	}
	return text
}
