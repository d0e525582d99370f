package question

import (
	"errors"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

const nothing = " Nothing was recorded."

// notNow refuses a click while nothing is asked.
func (o Of[S]) notNow() *workflows.Refusal {
	return workflows.Refuse("not_now", "This "+o.Words.Noun+" does not ask for "+o.Words.Act+"s now."+nothing+" "+
		"Look at the card.")
}

// notTaken makes the refusal of a vote a sentence; nil stays nil.
func (o Of[S]) notTaken(q Question, err error) error {
	var r *approvals.Refusal
	if !errors.As(err, &r) {
		return err
	}
	return workflows.Refuse(r.Code, o.sentence(q, r.Code, r.Detail))
}

// sentence says why a vote was not taken, what was not recorded, and who can answer instead. Every
// code of [approvals.Codes] has one.
func (o Of[S]) sentence(q Question, code, detail string) string {
	others := o.others(q)
	switch code {
	case approvals.CodeBarred:
		return o.barred(detail) + " " + others + nothing
	case approvals.CodeNotAsked:
		return "You are not one of those who decide this " + o.Words.Noun + ". " + others + nothing
	case approvals.CodeClosed:
		return o.closed(q, detail)
	case approvals.CodeAlreadyVoted:
		if detail != "" {
			return workflows.Mention(detail) + " has said so in that place already. It counts once. Nothing new " +
				"was recorded."
		}
		return "Your answer is recorded already and counts once. Nothing new was recorded. " + others
	case CodeRemoved:
		return "You are no longer one of those who decide for this account. " + others + nothing
	case approvals.CodeBadChoice:
		return "That is neither a yes nor a no." + nothing + " Use the buttons on your card."
	case approvals.CodeDeadEnd:
		return "Too few people could " + o.Words.Verb + " this: " + workflows.Esc(detail) + "." + nothing
	}
	return workflows.StandingSentence(code)
}

// closed says why no answer counts at all now.
func (o Of[S]) closed(q Question, detail string) string {
	switch approvals.Outcome(detail) {
	case approvals.Approved:
		return "Enough people have " + o.Words.Past + " already." + nothing +
			" Look at your card for what can still be done."
	case approvals.Dead:
		text := "Too few of those who decide are active members just now, so no answer can count." + nothing +
			" When one of them is back, click again"
		if !q.Ballot.Closes.IsZero() {
			text += "; on " + workflows.When(q.Ballot.Closes) + " this ends"
		}
		return text + "."
	}
	return "The time to " + o.Words.Verb + " is over, or it is decided already." + nothing + " Look at the card."
}

func (o Of[S]) barred(why string) string {
	if text := o.Words.Bars[why]; text != "" {
		return text
	}
	return "You are one of those whom this " + o.Words.Noun + " is about, so you do not decide it."
}

// others names who can still answer.
func (o Of[S]) others(q Question) string {
	if len(q.Waiting) == 0 {
		return "Nobody else is asked now."
	}
	return workflows.Mentions(q.Waiting) + " still can."
}

// deadEnd refuses what nobody could say yes to.
func (o Of[S]) deadEnd(q Question, err error) error {
	var r *approvals.Refusal
	if !errors.As(err, &r) {
		return err
	}
	text := "Too few people could " + o.Words.Verb + " this " + o.Words.Noun + ": of " +
		workflows.Mentions(q.Ballot.Electorate) + ", " +
		workflows.Esc(r.Detail) + "."
	for _, list := range q.Ballot.Lists {
		text += " One of " + workflows.List(mentions(list), "or") + " must."
	}
	return workflows.Refuse("dead_end", text+" Whoever asks, and whomever it is about, do not count."+nothing+
		" Let somebody else ask, or name more approvers.")
}
