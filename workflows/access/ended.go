package access

import (
	"cmp"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// Codes of ends, besides those of integrator.io's refusals and why something was restored.
const (
	codeNothing     = "nothing"      // there was nothing to do
	codeAdopted     = "adopted"      // it stays as somebody changed it
	codeNotOpened   = "not_opened"   // it could not begin
	codeDeadEnd     = "dead_end"     // nobody could approve it
	codeUrgentTakes = "urgent_takes" // urgent only adds
	codeWithdrawn   = "withdrawn"    // somebody deleted the invitation
	codeLeft        = "left"         // somebody it rests on has left
)

var evEnded = kind[Finished]{
	Type: "access.ended",
	Fold: func(s *State, e workflows.Event, b Finished) {
		s.wasAsked()
		s.Head.End(b.Outcome, e)
		s.End = &b
		s.Call.InFlight, s.Hand.Checks, s.Changed.Looking, s.Invitation.Resending = false, false, false, false
	},
	Tell: func(_ workflows.Event, b Finished) string { return b.tell() },
}

func (b Finished) tell() string {
	text := map[string]string{
		Done: "Done", Ended: "Ended", Refused: "Refused", Cancelled: "Cancelled", Expired: "The time was over",
		Failed: "Failed",
	}[b.Outcome]
	if b.By.Kind == workflows.ByPerson && b.How == "" {
		text += " by " + workflows.Mention(b.By.ID)
	}
	switch {
	case b.Code == codeReviewed:
		return text + ". " + b.Message
	case b.Code == codeNothing, b.Code == codeNotOpened, b.Code == codeUrgentTakes:
		return text + ": " + b.Message
	case b.Code == codeOvertaken:
		return text + workflows.Say(": a later decision about this access stands, %s, so nothing was changed.",
			b.Message)
	case b.Code == codeLeft && b.Who != "" && b.How == "":
		return workflows.Say("Ended: %m is no active member of this Slack any more.", b.Who)
	case b.Code == codeAdopted:
		return text + ": the access stays as somebody changed it."
	case b.How != "":
		return text + " (" + howWord(b.How, b.Who) + ")."
	case b.Reason != "":
		return text + workflows.Say(": %q.", b.Reason)
	case b.Code != "":
		text += workflows.Say(" (%s)", b.Code)
	}
	return text + workflows.Quoted(b.Message) + "."
}

// end closes the workflow and gives the lock back, where it is still held; a time that ran runs no
// more, and nothing else changes.
func (s State) end(cmd workflows.Command, e Finished) workflows.Decision {
	d := s.close(cmd, e)
	if !s.Box.From.IsZero() {
		d.Account = append(d.Account, s.timeEnds(cmd))
	}
	return d
}

// close ends the workflow and leaves it to the caller to say what is given from now on.
func (s State) close(cmd workflows.Command, e Finished) workflows.Decision {
	e.By, e.At = cmd.Actor, cmd.At
	d := evEnded.One(cmd, e)
	if s.in().holds(s) {
		d.Account = s.unlock(cmd)
	}
	return d
}

// locks are what a request holds: its access, and where that is to go the word of it, for reviews.
func (fr Frozen) locks() []string {
	if fr.Change == Remove {
		return []string{fr.lock(), workflows.OpenRemoval + workflows.GivenKey(fr.Environment, fr.Email)}
	}
	return []string{fr.lock()}
}

func (fr Frozen) locksTaken(cmd workflows.Command) []workflows.Event {
	var out []workflows.Event
	for _, name := range fr.locks() {
		out = append(out, cmd.Event(workflows.LockTaken, workflows.Lock{Name: name, Workflow: cmd.Workflow}))
	}
	return out
}

func (fr Frozen) unlock(cmd workflows.Command) []workflows.Event {
	var out []workflows.Event
	for _, name := range fr.locks() {
		out = append(out, cmd.Event(workflows.LockReleased, workflows.Lock{Name: name, Workflow: cmd.Workflow}))
	}
	return out
}

// endAsItIs ends what there is nothing to do for. What a review decided explains what is there,
// whoever did it.
func (s State) endAsItIs(cmd workflows.Command, text string, u *workflows.User) workflows.Decision {
	d := s.end(cmd, Finished{Outcome: Done, Code: codeNothing, Message: text})
	if s.Review != nil {
		mark := ""
		if u != nil {
			mark = u.Access().Mark()
		}
		d.Account = append(d.Account, s.given(cmd, mark))
	}
	return d
}

// stageLine is the state of things in a sentence.
func stageLine(s State) string {
	if s.Closed() {
		return outcomeLine(s)
	}
	return s.in().now(s)
}

// outcomeWord is the end in a word or two, for the notification line, where mentions do not show as
// names.
func outcomeWord(s State) string {
	switch s.End.Code {
	case codeNothing:
		return "nothing to do"
	case codeAdopted:
		return "it stays as somebody changed it"
	}
	return map[string]string{
		Done: "done", Ended: "it has ended", Refused: "refused", Cancelled: "cancelled", Expired: "the time is over",
		Failed: "it could not be done",
	}[s.End.Outcome]
}

// outcomeLine is the end in a sentence: outcome and who decided.
func outcomeLine(s State) string {
	if line := s.endedByCode(); line != "" {
		return line
	}
	e := s.End
	by := s.endedBy()
	if e.Reason != "" && e.Reason != "refused" {
		by += workflows.Say(": %q", e.Reason)
	}
	how := " (" + howWord(s.Written.How, s.Hand.Attested) + ")."
	switch {
	case e.Outcome == Done && s.Read.Does == Remove:
		return s.Email + " was removed" + how
	case e.Outcome == Done:
		return s.Email + " has " + s.Want.Brief(s.Read.Names) + how
	case e.Outcome == Refused:
		return "Refused" + by + "."
	case e.Outcome == Cancelled:
		return "Cancelled" + by + "."
	case e.Outcome == Expired && s.Wait.Away != "":
		return "The time is over, and what " + s.Email + " has could not be read all the while: " +
			workflows.WhyUnread(s.Wait.Away) + ". Nothing was changed at integrator.io."
	case e.Outcome == Expired:
		return "The time is over, and not enough people answered. Nothing was changed at integrator.io."
	}
	return "It could not be done: " + remedy(s, e.Code, e.Message)
}

// endedBy names the person who ended it, if it was one.
func (s State) endedBy() string {
	if s.End.By.Kind != workflows.ByPerson {
		return ""
	}
	return " by " + workflows.Mention(s.End.By.ID)
}

// endedByCode is the sentence of an end that has a code of its own, "" for others.
func (s State) endedByCode() string {
	e, by := s.End, s.endedBy()
	// is what stands now, and how that is known.
	is := func() string {
		if e.How == "" {
			return s.after(isNow) + "."
		}
		return s.after(isNow) + " (" + howWord(e.How, e.Who) + ")."
	}
	switch e.Code {
	case codeNothing:
		return "There was nothing to do: " + e.Message
	case codeReviewed:
		return e.Message
	case codeAdopted:
		if s.Review != nil {
			return "It was changed since the review, and stays as somebody changed it, decided" + by + "."
		}
		if len(s.Changed.Taking.Votes) > 1 {
			by = " by " + s.Changed.Taking.By(e.By.ID)
		}
		return "The time is over; the access stays as somebody changed it, decided" + by + "."
	case "time":
		return "It has ended, because the time was over: " + is()
	case "early":
		return "It has ended, early, by " + workflows.Mention(s.Ending.By) + ": " + is()
	case codeOvertaken:
		return "It has ended" + s.overtakenWhy() + ". A later decision about this access stands, " +
			workflows.Esc(e.Message) +
			", so nothing was changed."
	case codeLeft:
		if e.Outcome == Ended {
			return "It has ended, because somebody it rests on has left: " + is()
		}
		return "It was not given. " + s.leftWords(e.Who)
	case codeUrgentTakes:
		return "It was not done. " + e.Message
	case "refused":
		return "Refused by " + workflows.Mention(s.Ending.By) + ": " + is()
	case "cancelled":
		return "Taken back by " + workflows.Mention(s.Ending.By) + ": " + is()
	case "expired":
		if s.Read.Does == Grant {
			return s.Email + " did not accept in time; the invitation was deleted" + strings.TrimPrefix(is(),
				s.after(isNow))
		}
		return "It was not finished in time: " + is()
	}
	return ""
}

// overtakenWhy says why a time ended whose access a later decision replaced.
func (s State) overtakenWhy() string {
	by := workflows.Mention(cmp.Or(s.Ending.By, s.End.By.ID))
	switch s.End.Reason {
	case "early":
		return " early, by " + by
	case "refused":
		return ", refused by " + by
	case codeLeft:
		return ", because somebody it rests on has left"
	case "cancelled":
		return ", taken back by " + by
	}
	return ", because the time was over"
}

// endLines are those of the card of what is over.
func endLines(s State) []string {
	out := []string{outcomeLine(s) + "\n" + workflows.When(s.End.At)}
	if s.Urgent && s.Read.OK {
		out = append(out, s.urgentLine())
	}
	if s.Address != "" {
		out = append(out, s.renamedLine())
	}
	if votes := s.votes(); len(votes) > 0 {
		out = append(out, strings.Join(votes, "\n"))
	}
	if s.Review != nil {
		out[0] = s.askedLine() + "\n" + out[0]
	}
	if s.End.Outcome != Done && s.End.Code != codeAdopted {
		out = append(out, "To ask again: {command} access "+s.AccountID)
	}
	return out
}

// howWord says how something came about, and whose word it is.
func howWord(how, who string) string {
	switch {
	case how == workflows.Acted:
		return "Keyholder did it and read it back"
	case how == workflows.Verified && who != "":
		return workflows.Say("%m says so, and it was seen at integrator.io", who)
	case how == workflows.Attested:
		return workflows.Say("%m says so", who)
	}
	return "seen at integrator.io"
}

// remedy turns a refusal by integrator.io into what happened and what to do.
func remedy(s State, code, message string) string {
	switch code {
	case codeDeadEnd:
		return "too few of those who decide are still active members. Name more approvers and ask anew."
	case codeNotOpened:
		return message
	case codeWithdrawn:
		return "the invitation is gone at integrator.io; somebody deleted it there. Ask again if it is still needed."
	case "declined":
		return s.Email + " declined the invitation. Talk with them, then ask again."
	case workflows.RefusedNoSeats:
		return "every user seat of the account is taken. Remove a user or a pending invitation, or buy seats; " +
			"then ask again."
	case workflows.RefusedAlreadyUser:
		return s.Email + " has access already, and not the one asked for. Ask again as a change."
	case workflows.RefusedChanged:
		return "the access was changed by somebody else in the meantime. Ask again; the card then shows what it is now."
	case workflows.RefusedForbidden:
		return "the token may not do this; an administrator can in the pages."
	case workflows.RefusedUnauthorized:
		return "integrator.io does not accept the token. Whoever runs Keyholder has to replace it; then ask again."
	case workflows.RefusedNoToken:
		return "there is no token for this environment, so people do it in the pages."
	case workflows.FailedDeadline:
		return "integrator.io did not answer for " + workflows.Span(workflows.GiveUpAfter) + ". Ask again when it does."
	}
	return "integrator.io refused it" + workflows.Quoted(message) + ". Mend that there, then ask again."
}
