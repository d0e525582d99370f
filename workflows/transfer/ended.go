package transfer

import (
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

var evReminded = workflows.Kind[State, Reminder]{
	Type: "transfer.nudged",
	Fold: func(s *State, e workflows.Event, b Reminder) { s.Reminders = append(s.Reminders, b) },
	Tell: func(e workflows.Event, b Reminder) string { return workflows.Say("Reminded: %m.", b.To) },
}

var evEnded = workflows.Kind[State, Ended]{
	Type: "transfer.ended",
	Fold: func(s *State, e workflows.Event, b Ended) {
		if len(b.Points) > 0 {
			s.Until = time.Time{}
			s.enter(Finishing, e)
			s.Settle.Points, s.Settle.Removing = b.Points, false
			return
		}
		s.Head.End(b.Outcome, e)
		s.End = &b
	},
	Tell: func(_ workflows.Event, b Ended) string { return endedTold(b) },
}

// endedTold tells an end.
func endedTold(b Ended) string {
	if len(b.Points) > 0 {
		return "Open after the handover: " + strings.Join(escaped(b.Open), "; ") + "."
	}
	text := endingWord(b.Outcome) + whose(b.By) + because(b.Reason) + "."
	switch {
	case b.Outcome == Completed && b.Code == "superseded":
		text = "Closed, because a newer transfer of the account has begun."
	case b.Code == endWaived:
		text = workflows.Say("%m waived what was left: %q.", b.By.ID, b.Reason)
	case b.Outcome == Completed && b.By.Kind == workflows.ByTimer:
		text = "Closed, because the time was over."
	case b.Outcome == Completed:
		text = "The transfer is complete."
	case b.Outcome == Expired:
		text = late(b.Stage)
	case b.Code == endLeft:
		text = "Failed: " + b.Message + "."
	case b.Outcome == Failed && b.Reason != "":
		text = "Failed: " + b.Reason + "."
	case b.Outcome == Failed:
		text = workflows.Say("Failed (%s)%s.", b.Code, workflows.Text(because(b.Message)))
	}
	if len(b.Open) > 0 {
		text += " Left open: " + strings.Join(escaped(b.Open), "; ") + "."
	}
	if t := b.TookBack; t != nil {
		text += map[bool]string{true: " What it gave is taken back (Keyholder did it).", false: workflows.Say(" "+
			"What it gave could not be taken back (%s).", t.Code)}[t.OK]
	}
	if b.Left {
		text += " The invitation may still stand at integrator.io."
	}
	return text
}

// cancel ends the transfer before anything was sent.
func cancel(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, []string{s.Requester}, s.Holders, s.Admins) {
		return workflows.Decision{}, refused("not_permitted", workflows.Say("Only %m, who asked, the holders "+
			"and the administrators can cancel. Nothing was recorded.", s.Requester))
	}
	switch s.Stage {
	case Checking, Preparing, Confirming, Cooling:
	case Inviting:
		if s.Invite.Sending {
			return workflows.Decision{}, refused("too_late",
				"The invitation is on its way to integrator.io. Nothing was recorded. When it is there, it can be withdrawn.")
		}
	default:
		return workflows.Decision{}, refused("too_late", "It is too late to cancel: "+stageLine(s)+
			" Nothing was recorded. The invitation can be withdrawn as long as nobody accepted it.")
	}
	why, modal := askWhy(s, cmd, "Cancel transfer",
		"Cancel this transfer? It cannot be taken up again; somebody would have to ask anew.", nil, false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.end(cmd, Ended{Outcome: Cancelled, Reason: why}), nil
}

// end closes the transfer: the account is free again, and what was given is taken back first.
func (s State) end(cmd workflows.Command, e Ended) workflows.Decision {
	return s.endBy(cmd, cmd.Actor, e)
}

// endBy ends it in the name of whoever wanted that before the command came. Access that the
// transfer gave is taken back first, accepted or not, and the end waits for integrator.io's word.
func (s State) endBy(cmd workflows.Command, by workflows.Actor, e Ended) workflows.Decision {
	e.By, e.At, e.Stage = by, cmd.At, s.Stage
	if s.gave() {
		d := evEnding.One(cmd, Ending{Outcome: e.Outcome, Reason: e.Reason, By: by, TakesBack: true, Stage: e.Stage,
			Code: e.Code, Message: e.Message, Left: e.Left})
		d.Calls = []workflows.Call{{Op: workflows.OpRemoveAccess, Account: s.AccountID, Email: s.To, Who: s.Target,
			Known: workflows.Access{Role: RoleMonitor}.Mark()}}
		return d
	}
	return s.over(cmd, e)
}

// over ends it now.
func (s State) over(cmd workflows.Command, e Ended) workflows.Decision {
	d := evEnded.One(cmd, e)
	d.Account = s.release(cmd)
	return d
}

// gave reports whether the transfer made the target a user of the account, or may have, and still
// has to take that back.
func (s State) gave() bool { return (s.Prep.Sent || s.Prep.Sending) && !s.changed() }

// tookBack decides what became of the access that was to be taken back: the transfer is over.
func tookBack(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	end := s.Ending
	if end == nil || !end.TakesBack {
		return workflows.Decision{}, nil
	}
	e := Ended{Outcome: end.Outcome, Reason: end.Reason, By: end.By, At: cmd.At, Stage: end.Stage, Code: end.Code,
		Message: end.Message, Left: end.Left}
	e.TookBack = &TookBack{OK: r.OK, None: r.OK && r.User == nil}
	if !r.OK {
		e.TookBack.Code, e.TookBack.Message = r.Code, r.Message
	}
	return s.over(cmd, e), nil
}

// release gives the account's lock back, unless the change of owner did already.
func (s State) release(cmd workflows.Command) []workflows.Event {
	if s.changed() {
		return nil
	}
	return []workflows.Event{cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockTransfer,
		Workflow: cmd.Workflow})}
}

// late says what did not come in time in a stage.
func late(name string) string {
	if st, known := stages[name]; known {
		return st.late()
	}
	return plain{}.late()
}

func endingWord(outcome string) string {
	switch outcome {
	case Completed:
		return "Done"
	case Refused:
		return "Refused"
	case Declined:
		return "Declined"
	case Cancelled:
		return "Cancelled"
	case Expired:
		return "The time is over"
	}
	return "Failed"
}

// endingNow says what an end that has been decided waits for.
func (s State) endingNow() string {
	if s.Ending.TakesBack {
		return "The access that this transfer gave " + s.To + " is being taken back at integrator.io"
	}
	return "The invitation is being withdrawn at integrator.io"
}

// outcomeLine is the end in a sentence: outcome and who decided.
func outcomeLine(s State) string {
	e := s.End
	by := ""
	switch {
	case e.By.Kind == workflows.ByPerson:
		by = workflows.Say(" by %m", e.By.ID)
	case e.Outcome == Declined:
		by = " at integrator.io"
	}
	why := ""
	if e.Reason != "" {
		why = workflows.Say(": %q", e.Reason)
	}
	owns := workflows.Say(" %s still owns %s.", s.From, s.AccountName)
	if s.changed() {
		owns = workflows.Say(" %s owns %s.", s.To, s.AccountName)
	}
	switch e.Outcome {
	case Completed:
		return changedSentence(s)
	case Expired:
		return late(e.Stage) + withdrawnToo(e) + owns
	case Failed:
		if e.Reason != "" {
			why = ": " + e.Reason
		}
		return "It could not be done" + why + "." + owns
	}
	return endingWord(e.Outcome) + by + why + "." + withdrawnToo(e) + owns
}

// withdrawnToo says that the invitation to become the owner is gone, where there was one.
func withdrawnToo(e *Ended) string {
	if e.Stage != Accepting || e.Left {
		return ""
	}
	return " The invitation was withdrawn at integrator.io."
}

// endTitle, endLines and endFallback are the short card of a transfer that is over: outcome, who
// decided, when.
func endTitle(s State) string {
	if s.End.Outcome == Completed {
		return workflows.Say("✓ %s belongs to %s", s.AccountName, s.To)
	}
	return workflows.Say("✗ %s was not handed to %s", s.AccountName, s.To)
}

func endFallback(s State) string {
	return workflows.Plain(endTitle(s)+". "+endingWord(s.End.Outcome)+".", nil)
}

func endLines(s State, who string) []string {
	e := s.End
	out := []string{outcomeLine(s) + " " + endedWhen(s)}
	if e.Outcome == Refused || e.Outcome == Completed {
		for _, v := range s.votes() {
			out[0] += "\n" + v
		}
	}
	if e.Left && s.Invite.Taken {
		out = append(out, "! The acceptance stands at integrator.io and may still be carried out. Ask Celigo support, and look at who owns the account.")
	} else if e.Left {
		out = append(out, "! The invitation may still stand at integrator.io: "+s.From+
			" has to delete it under My account > Transfers.")
	}
	if e.TookBack != nil {
		out = append(out, tookBackLine(s))
	}
	if len(e.Open) > 0 {
		out = append(out, "! Left open:\n• "+strings.Join(escaped(e.Open), "\n• "))
	}
	switch e.Outcome {
	case Expired, Declined, Cancelled, Refused:
		out = append(out, "To try again: "+workflows.Slash+" transfer "+s.AccountID)
	case Failed:
		if e.Code != "" || e.Message != "" {
			out = append(out, failure(s))
		}
		if e.Code == endLeft {
			return out // nothing that Celigo could mend
		}
		out = append(out, "For Celigo support, this is what to send:\n```"+ticket(s)+"```")
	}
	return out
}

func escaped(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = workflows.Esc(t)
	}
	return out
}

// tookBackLine says what became of the access that the transfer gave.
func tookBackLine(s State) string {
	t := s.End.TookBack
	switch {
	case t.None:
		return s.To + " was invited as a user for this transfer, and is none any more; there was nothing left to take back."
	case t.OK:
		return "✓ " + s.To +
			" was invited as a user for this transfer; that was taken back (Keyholder did it), so it is no user of the account now."
	case t.Code == workflows.RefusedChanged:
		return "! " + s.To +
			" was invited as a user for this transfer, and somebody has changed that access since, so it was left alone. Look under Users in integrator.io whether it is still needed."
	}
	return "! " + s.To + " was invited as a user for this transfer, and that could not be taken back: " +
		remedyWhy(t.Code, t.Message) + ". Remove it under Users in integrator.io."
}

// remedyWhy says shortly why integrator.io did not do something.
func remedyWhy(code, message string) string {
	switch code {
	case workflows.RefusedForbidden:
		return "the token may not"
	case workflows.RefusedUnauthorized:
		return "the token is wrong, revoked or expired"
	case workflows.RefusedNoToken:
		return "there is no token for this account any more"
	case workflows.FailedDeadline:
		return workflows.Say("integrator.io did not answer for %l", workflows.GiveUpAfter)
	}
	if message == "" {
		return "integrator.io refused it"
	}
	return workflows.Say("integrator.io says %q", message)
}

// endedWhen says when it ended, and who finished what was left to do.
func endedWhen(s State) string {
	e := s.End
	switch {
	case e.Outcome != Completed:
		return workflows.Say("Ended %t.", e.At)
	case e.Code == endWaived:
		return workflows.Say("The rest was waived by %m, %t: %q.", e.By.ID, e.At, e.Reason)
	case s.Settle.By != "" && (e.Code == "" || e.Code == endTicked):
		return workflows.Say("Finished by %m, %t.", s.Settle.By, e.At)
	case e.Code == "superseded":
		return workflows.Say("Closed %t, because a newer transfer has begun.", e.At)
	case e.Code == "time":
		return workflows.Say("Closed %t, because the time to finish it was over.", e.At)
	}
	return workflows.Say("Finished %t.", e.At)
}

// failure says why it failed, with the remedy.
func failure(s State) string {
	if s.End.Code == endLeft {
		return "It cannot be carried out: " + s.End.Message + ". Whoever still needs it can ask anew: " +
			workflows.Slash + " transfer " + s.AccountID
	}
	if s.End.Code == "dead_end" {
		return "Too few of those who may confirm are still active members, so nobody could approve it any more. Name more approvers and ask anew."
	}
	return strings.ReplaceAll(remedy(s, s.End.Code, s.End.Message), "then press Check again", "then ask again with "+
		workflows.Slash+" transfer "+s.AccountID)
}

// ticket is a support request, ready to send. It holds no secret.
func ticket(s State) string {
	lines := []string{
		"Subject: Account ownership cannot be switched",
		"Account: " + s.AccountName + " (" + s.AccountID + ")",
		"Present owner: " + s.From,
		"Intended owner: " + s.To,
		"Asked on: " + s.Begun.UTC().Format("2006-01-02 15:04 UTC"),
		"Account ID at integrator.io: " + orDash(s.UserID),
		"Transfer ID at integrator.io: " + orDash(s.Invite.ID),
		"What happened: " + orDash(strings.Join(strings.Fields(s.End.Code+" "+s.End.Reason+" "+s.End.Message), " ")),
		"Please switch the ownership or tell us what is in the way. We can identify ourselves in a video call.",
	}
	for i, l := range lines {
		lines[i] = workflows.Esc(l)
	}
	return strings.Join(lines, "\n")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
