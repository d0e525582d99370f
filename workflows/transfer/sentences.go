package transfer

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// remedy turns a refusal by integrator.io into what happened and what to do.
func remedy(s State, code, message string) string {
	switch code {
	case workflows.RefusedMultipleOrgs:
		return "integrator.io refused the invitation: " + s.To + " is part of multiple organizations, that is, a user of another account as well. The owner of that account has to remove it under Users; then press Check again. Nothing was changed here."
	case workflows.RefusedPending:
		return "integrator.io refused the invitation: another account transfer is already pending there. Delete it under My account > Transfers; then press Check again. Nothing was changed here."
	case workflows.RefusedDisabled:
		return "integrator.io refused the invitation: " + s.To + " is switched off (disabled) as a user. Switch it on under Users; then press Check again. Nothing was changed here."
	case workflows.RefusedNotUser:
		return "integrator.io refused the invitation: " + s.To + " is not an accepted user of the account. Invite it under Users and let it accept; then press Check again. Nothing was changed here."
	case workflows.RefusedNoSeats:
		return "integrator.io refused it: every user seat of the account is taken. Remove a user or a pending invitation, or buy seats; then press Check again. Nothing was changed here."
	case workflows.RefusedForbidden:
		return "integrator.io refused it: the token may not do this. The present owner or an administrator can do it in the pages."
	case workflows.RefusedUnauthorized:
		return "integrator.io does not accept the token: it is wrong, revoked or expired. Whoever runs Keyholder has to replace it; then press Check again."
	case workflows.RefusedNoToken:
		return "Keyholder has no token for this account, so people do this step in the pages."
	case workflows.RefusedAlreadyUser:
		return "integrator.io says that the access exists already. Look under Users; then press Check again."
	case workflows.RefusedChanged:
		return "The access at integrator.io is no longer the one that Keyholder expected, so it left it alone. Look under Users; then press Check again."
	case workflows.FailedDeadline:
		return "integrator.io did not answer for " + workflows.Span(workflows.GiveUpAfter) + ". Ask again with " + workflows.Slash + " transfer when it does."
	}
	if message == "" {
		message = "no reason given"
	}
	return "integrator.io refused it: " + workflows.Quote(message) + ". Mend that in integrator.io; then press Check again. Nothing was changed here."
}

func othersOf(all []string, but string) string {
	others := slices.DeleteFunc(slices.Clone(all), func(x string) bool { return x == but })
	if len(others) == 0 {
		return "Nobody else can accept. Let somebody else send the invitation: press Send again."
	}
	return workflows.Mentions(others) + " can."
}

func askWhom(fr Frozen) string {
	who := workflows.Union(fr.Holders, fr.Admins, fr.FromPeople)
	if len(who) == 0 {
		return "Ask whoever runs Keyholder to name its holders."
	}
	return "Ask one of " + workflows.Mentions(who) + "."
}

// askWhy answers the reason of a submitted modal, or the modal that asks for it.
func askWhy(s State, cmd workflows.Command, submit, question string, details []string, required bool) (string, *workflows.Modal) {
	if cmd.Submitted {
		return strings.TrimSpace(cmd.Input[BlockReason]), nil
	}
	label := "Why"
	intro := []string{"*" + workflows.Esc(s.Title()) + "*\n" + question}
	if len(details) > 0 {
		intro = append(intro, strings.Join(details, "\n"))
	}
	return "", &workflows.Modal{Callback: Reason, Title: workflows.Clip(submit, 24), Submit: workflows.Clip(submit, 24), Intro: intro, Workflow: cmd.Workflow, Account: s.AccountID,
		Action: cmd.Name, Round: s.Round, Inputs: []workflows.Input{{Block: BlockReason, Kind: workflows.InputText, Label: label, Optional: !required,
			Multiline: true, MaxLength: workflows.MaxTyped, Hint: "It is shown on the card and kept in the record."}}}
}

// voidedWords says whose votes no longer count, and why.
func voidedWords(all []approvals.Voided) []string {
	var out []string
	for _, v := range all {
		if v.Why == approvals.WhyDecided || v.Why == approvals.WhyRepeated || v.Why == approvals.WhyReplaced {
			continue
		}
		why := "is no longer a full, active member of this workspace"
		switch v.Why {
		case "removed":
			why = "is no longer one of the approvers"
		case approvals.CodeBarred:
			why = "may not decide this"
		}
		out = append(out, workflows.Mention(v.Vote.By)+" "+why)
	}
	return out
}

// stageLine is the state of things in a sentence.
func stageLine(s State) string {
	if s.Closed() {
		return outcomeLine(s)
	}
	if s.Ending != nil {
		return s.endingNow() + "."
	}
	switch s.Stage {
	case Checking:
		if s.rereads() {
			return "The account cannot be read at integrator.io just now."
		}
		if s.held() {
			return "A check is in the way."
		}
		return "The account is being checked."
	case Preparing:
		return s.To + " has to become a user of the account first."
	case Confirming:
		return "It waits for confirmations."
	case Cooling:
		if s.Paused {
			return "It is confirmed, and a check holds it up."
		}
		if s.Cooled {
			return "It is confirmed, and the checks run once more."
		}
		return "It is confirmed; the time to stop it runs until " + workflows.When(s.Until) + "."
	case Inviting:
		if s.Invite.Manual {
			return "The present owner is asked to send the invitation."
		}
		switch {
		case s.Invite.Code != "":
			return "integrator.io refused the invitation."
		case s.Paused:
			return "A check holds the invitation up."
		case s.Reading:
			return "The checks run again, then the invitation goes out."
		}
		return "The invitation is on its way."
	case Accepting:
		if s.carrying() {
			return "The invitation was accepted, and integrator.io is carrying it out."
		}
		return s.To + " is invited and has to accept at integrator.io."
	case Finishing:
		return s.To + " owns the account; " + s.openPoints() + " of the handover open."
	case Settling:
		return s.To + " owns the account; a few things are left to do."
	}
	return ""
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

// outcomeLine is the end in a sentence: outcome and who decided.
func outcomeLine(s State) string {
	e := s.End
	by := ""
	switch {
	case e.By.Kind == workflows.ByPerson:
		by = " by " + workflows.Mention(e.By.ID)
	case e.Outcome == Declined:
		by = " at integrator.io"
	}
	why := ""
	if e.Reason != "" {
		why = ": " + workflows.Quote(e.Reason)
	}
	owns := " " + s.From + " still owns " + workflows.Esc(s.AccountName) + "."
	if s.changed() {
		owns = " " + s.To + " owns " + workflows.Esc(s.AccountName) + "."
	}
	switch e.Outcome {
	case Completed:
		return changedSentence(s)
	case Expired:
		return expiredWhat(e.Stage) + withdrawnToo(e) + owns
	case Failed:
		if e.Reason != "" {
			why = ": " + e.Reason
		}
		return "It could not be done" + why + "." + owns
	}
	return endingWord(e.Outcome) + by + why + "." + withdrawnToo(e) + owns
}

// expiredWhat says what did not come in time.
func expiredWhat(stage string) string {
	switch stage {
	case Checking:
		return "What was in the way was not mended in time."
	case Preparing:
		return "The new owner did not become a user of the account in time."
	case Confirming:
		return "Not enough people confirmed in time."
	case Cooling:
		return "It was confirmed, but a check was in the way for too long."
	case Inviting:
		return "The invitation could not be sent in time."
	case Accepting:
		return "The new owner did not accept in time."
	}
	return "The time is over."
}

// withdrawnToo says that the invitation to become the owner is gone, where there was one.
func withdrawnToo(e *Ended) string {
	if e.Stage != Accepting || e.Left {
		return ""
	}
	return " The invitation was withdrawn at integrator.io."
}

// endTitle, endLines and endFallback are the short card of a transfer that is over: outcome, who decided, when.
func endTitle(s State) string {
	if s.End.Outcome == Completed {
		return "✓ " + workflows.Esc(s.AccountName) + " belongs to " + s.To
	}
	return "✗ " + workflows.Esc(s.AccountName) + " was not handed to " + s.To
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
		out = append(out, "! The invitation may still stand at integrator.io: "+s.From+" has to delete it under My account > Transfers.")
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
		return "✓ " + s.To + " was invited as a user for this transfer; that was taken back (Keyholder did it), so it is no user of the account now."
	case t.Code == workflows.RefusedChanged:
		return "! " + s.To + " was invited as a user for this transfer, and somebody has changed that access since, so it was left alone. Look under Users in integrator.io whether it is still needed."
	}
	return "! " + s.To + " was invited as a user for this transfer, and that could not be taken back: " + remedyWhy(t.Code, t.Message) + ". Remove it under Users in integrator.io."
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
		return "integrator.io did not answer for " + workflows.Span(workflows.GiveUpAfter)
	}
	if message == "" {
		return "integrator.io refused it"
	}
	return "integrator.io says " + workflows.Quote(message)
}

// endedWhen says when it ended, and who finished what was left to do.
func endedWhen(s State) string {
	e := s.End
	switch {
	case e.Outcome != Completed:
		return "Ended " + workflows.When(e.At) + "."
	case e.Code == endWaived:
		return "The rest was waived by " + workflows.Mention(e.By.ID) + ", " + workflows.When(e.At) + ": " + workflows.Quote(e.Reason) + "."
	case s.Settle.By != "" && (e.Code == "" || e.Code == endTicked):
		return "Finished by " + workflows.Mention(s.Settle.By) + ", " + workflows.When(e.At) + "."
	case e.Code == "superseded":
		return "Closed " + workflows.When(e.At) + ", because a newer transfer has begun."
	case e.Code == "time":
		return "Closed " + workflows.When(e.At) + ", because the time to finish it was over."
	}
	return "Finished " + workflows.When(e.At) + "."
}

// failure says why it failed, with the remedy.
func failure(s State) string {
	if s.End.Code == endLeft {
		return "It cannot be carried out: " + s.End.Message + ". Whoever still needs it can ask anew: " + workflows.Slash + " transfer " + s.AccountID
	}
	if s.End.Code == "dead_end" {
		return "Too few of those who may confirm are still active members, so nobody could approve it any more. Name more approvers and ask anew."
	}
	return strings.ReplaceAll(remedy(s, s.End.Code, s.End.Message), "then press Check again", "then ask again with "+workflows.Slash+" transfer "+s.AccountID)
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

// notice is the channel's message: the start, and in the end no more than a line.
func (s State) notice() workflows.Card {
	c := workflows.Card{Name: cardNotice, Recipient: s.Channel, Note: s.note(), Bulk: true,
		Title:    "Asked: hand " + workflows.Esc(s.AccountName) + " to " + s.To,
		Fallback: "Asked: hand " + s.AccountName + " to " + s.To}
	c.Lines = []string{askedLine(s), workflows.Mentions(s.Electorate) + " decide; " + workflows.Plural(s.Policy.Quorum, "confirmation") + " are needed. They are asked in direct messages."}
	if s.Policy.Quorum == 1 {
		c.Lines[1] = workflows.Mentions(s.Electorate) + " decide; 1 confirmation is needed. They are asked in direct messages."
	}
	if len(s.Electorate) == 1 {
		c.Lines[1] = workflows.Mentions(s.Electorate) + " decides, asked in a direct message."
	}
	if s.changed() || s.Closed() {
		c.Lines = c.Lines[:1]
	}
	return c
}

// changedCard is the one message that confirms the change of owner, to the previous owner and the channel.
func (s State) changedCard(who string) workflows.Card {
	c := workflows.Card{Name: cardChanged, Recipient: who, Note: s.note(), Title: "✓ " + workflows.Esc(s.AccountName) + " has a new owner",
		Fallback: s.AccountName + " now belongs to " + s.To + ", no longer to " + s.From}
	text := changedSentence(s)
	if workflows.Among(who, s.FromPeople) {
		text += " You, " + s.From + ", have the manage role" + s.follows() + ". Thank you for handing it over."
	} else {
		text += " Until now it belonged to " + s.From + ", who has the manage role" + s.follows() + "."
	}
	c.Lines = []string{text}
	return c
}

// follows says what the previous owner is to have in the end, where that is more than integrator.io does by itself.
func (s State) follows() string {
	switch s.PreviousRole {
	case RoleManage:
		return ""
	case RoleRemove:
		return " until the account is settled; then the access ends, as agreed"
	}
	return "; " + roleWord(s.PreviousRole) + " is agreed and follows"
}

// reminderText is what a reminder says; it rests on what was kept when it was sent.
func reminderText(s State, r Reminder) string {
	by := " by " + workflows.When(r.Until) + ", in " + workflows.Span(r.Until.Sub(r.At)) + "."
	switch r.Stage {
	case Confirming:
		return "A reminder: your answer is missing. Hand " + workflows.Esc(s.AccountName) + " to " + s.To + "? Please confirm or refuse" + by
	case Preparing:
		return "A reminder: " + s.To + " has to become a user of " + workflows.Esc(s.AccountName) + " first. Please sign up through the invitation" + by
	case Accepting:
		return "A reminder: " + s.To + " is invited to become the owner of " + workflows.Esc(s.AccountName) + ". Please accept at integrator.io" + by
	}
	if r.Stage == Finishing {
		return workflows.Say("A reminder: the handover of %s to %s is done, but not all that belongs to it. Please tick off what is done by now, or waive it with a reason.",
			s.AccountName, s.To)
	}
	return "A reminder: a few things are left to do for " + workflows.Esc(s.AccountName) + "; please finish them" + by
}
