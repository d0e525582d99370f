package transfer

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// title is the card's first line.
func title(s State) string {
	switch s.Stage {
	case Confirming:
		return fmt.Sprintf("Hand %s to %s?", workflows.Esc(s.AccountName), s.To)
	case Finishing:
		return workflows.Say("✓ %s belongs to %s; %s of the handover open", s.AccountName, s.To, workflows.Text(s.openPoints()))
	case Settling:
		return fmt.Sprintf("%s belongs to %s now; a few things are left to do", workflows.Esc(s.AccountName), s.To)
	}
	return fmt.Sprintf("%s is to be handed to %s", workflows.Esc(s.AccountName), s.To)
}

// fallback is the notification line; it stands alone.
func fallback(s State, who string) string {
	what := s.AccountName + " to " + s.To
	switch s.Stage {
	case Confirming:
		if workflows.Among(who, s.Question.Waiting) {
			if len(s.blocking(s.Checks)) > 0 {
				return "Handing " + what + " is held up by a check"
			}
			return "Confirm: hand " + what + "?"
		}
		return "Handing " + what + ": waiting for confirmations"
	case Checking:
		if s.rereads() {
			return "Handing " + what + ": the account cannot be read at integrator.io"
		}
		if s.held() {
			return "Something is in the way of handing " + what
		}
		return "Handing " + what + ": the account is being checked"
	case Preparing:
		return s.To + " has to become a user of " + s.AccountName + " first"
	case Cooling:
		if s.Paused {
			return "Handing " + what + " is held up by a check"
		}
		if s.Cooled {
			return "Confirmed: hand " + what + "; the checks run once more"
		}
		return "Confirmed: hand " + what + "; it can still be stopped"
	case Inviting:
		if s.Invite.Manual && workflows.Among(who, s.inviters()) {
			return "Please invite " + s.To + " to become the owner of " + s.AccountName
		}
		return "Handing " + what + ": the invitation"
	case Accepting:
		if s.carrying() {
			return "integrator.io is handing " + what
		}
		if workflows.Among(who, s.acceptors()) {
			return "Accept: " + s.To + " becomes the owner of " + s.AccountName
		}
		return s.To + " is invited to become the owner of " + s.AccountName
	case Finishing:
		return s.AccountName + " belongs to " + s.To + " now; " + s.openPoints() + " of the handover open"
	case Settling:
		return s.AccountName + " belongs to " + s.To + " now; a few things are left to do"
	}
	return "Handing " + what
}

// askedLine says who asked, when and why.
func askedLine(s State) string {
	line := workflows.Mention(s.Requester) + " asked, " + workflows.When(s.Begun) + ". Reason: " + workflows.Quote(s.Reason)
	if s.From != "" && !s.changed() {
		line += "\nOwner now: " + s.From + ", who then has " + roleWord(s.PreviousRole) + "."
	}
	return line
}

func roleWord(role string) string {
	switch role {
	case RoleManage:
		return "the manage role"
	case RoleAdministrator:
		return "the administrator role"
	case RoleMonitor:
		return "the monitor role"
	case RoleRemove:
		return "no access any more"
	case "":
		return "a role that is not known"
	}
	return "the " + role + " role"
}

// lines say what is asked, why you, what happens next, by when and who else.
func lines(s State, who string) []string {
	if s.Ending != nil {
		return []string{"… " + endingWord(s.Ending.Outcome) + ". " + s.endingNow() + "; this ends when integrator.io has confirmed that."}
	}
	switch s.Stage {
	case Checking:
		return checkingLines(s)
	case Preparing:
		return preparingLines(s, who)
	case Confirming:
		return confirmingLines(s, who)
	case Cooling:
		return coolingLines(s, who)
	case Inviting:
		return invitingLines(s, who)
	case Accepting:
		return acceptingLines(s, who)
	case Settling:
		return settlingLines(s, who)
	case Finishing:
		return finishingLines(s, who)
	}
	return nil
}

func checkingLines(s State) []string {
	switch {
	case s.rereads():
		return []string{s.unreadLine()}
	case s.Reading && s.Slow:
		return []string{"! integrator.io has not answered yet. Nothing is lost: Keyholder goes on asking, until " + workflows.When(s.asksUntil()) + "."}
	case s.Reading:
		return []string{"… The account is being checked at integrator.io. Then the approvers are asked."}
	}
	line := "! Something is in the way; nobody is asked to confirm before it is mended. Mend it and press Check again" + s.alsoLooks() + "."
	if len(s.waivable()) > 0 {
		line += " A holder may waive it with a reason."
	}
	line += " Without that, this ends on " + workflows.When(s.Until) + "."
	return append(notes(s), line)
}

// asksUntil is when Keyholder gives a reading up, or the stage ends.
func (s State) asksUntil() time.Time {
	if end := s.ReadingSince.Add(workflows.GiveUpAfter); end.Before(s.Until) {
		return end
	}
	return s.Until
}

// alsoLooks says that Keyholder watches, where it can.
func (s State) alsoLooks() string {
	if len(s.watches()) == 0 {
		return ""
	}
	return "; Keyholder also looks by itself"
}

// notes tell why earlier votes no longer count.
func notes(s State) []string {
	if len(s.VoidNote) == 0 {
		return nil
	}
	what := "! Earlier confirmations no longer count:"
	if s.Question.Given > 0 {
		what = "! Some earlier confirmations no longer count:"
	}
	return []string{what + "\n• " + strings.Join(s.VoidNote, "\n• ")}
}

// unreadLine says that the account could not be read, what mends it, and that it is tried again.
func (s State) unreadLine() string {
	why := "integrator.io refused to be read"
	mend := "Whoever runs Keyholder has to look at that"
	switch s.Unread {
	case workflows.RefusedUnauthorized:
		why, mend = "integrator.io does not accept Keyholder's token: it is wrong, revoked or expired", "Whoever runs Keyholder has to replace it"
	case workflows.RefusedForbidden:
		why, mend = "integrator.io does not let Keyholder's token read the account", "Whoever runs Keyholder has to give it that right"
	}
	line := "! The checks could not be made: " + why + ". Nothing is lost. " + mend + "; Keyholder tries again by itself, and Check again tries at once."
	if s.Stage != Confirming {
		line += " Without that, this ends on " + workflows.When(s.Until) + "."
	}
	return line
}

// endingNow says what an end that has been decided waits for.
func (s State) endingNow() string {
	if s.Ending.TakesBack {
		return "The access that this transfer gave " + s.To + " is being taken back at integrator.io"
	}
	return "The invitation is being withdrawn at integrator.io"
}

func preparingLines(s State, who string) []string {
	box := "The invitation goes to the mailbox of " + s.To + "."
	var out []string
	switch {
	case s.Prep.Sending:
		out = append(out, "… "+s.To+" is not a user of the account yet. Keyholder is inviting it.")
	case s.Prep.Gone:
		out = append(out, "! The invitation of "+s.To+" as a user was declined or deleted at integrator.io. Press Check again to send a new one.")
	case s.Prep.Manual == workflows.RefusedNoSeats:
		out = append(out, "! integrator.io refused the invitation: every user seat of the account is taken. An administrator has to remove a user or a pending invitation, or buy seats; then press Check again. Nothing was changed.")
	case s.Prep.Manual == workflows.FailedDeadline:
		out = append(out, "! integrator.io did not answer for "+workflows.Span(workflows.GiveUpAfter)+", so it is not certain that "+s.To+" was invited as a user. Press Check again to try once more.")
	case s.Prep.Manual != "" && s.Prep.Manual != workflows.RefusedForbidden && s.Prep.Manual != workflows.RefusedUnauthorized && s.Prep.Manual != workflows.RefusedNoToken:
		out = append(out, "! integrator.io refused to invite "+s.To+" as a user"+said(s.Prep.Message)+". Mend that and press Check again, or an administrator invites it: My account > Users > Invite user, role Monitor.")
	case s.Prep.Manual != "":
		out = append(out, "! Keyholder's token may not invite users"+said(s.Prep.Message)+". "+s.administrators()+": please invite "+s.To+" yourself. In integrator.io: My account > Users > Invite user, role Monitor.")
	default:
		out = append(out, "✓ "+s.To+" was invited as a user. "+box)
	}
	if !s.Prep.Invited && !s.Prep.Sending && !s.othersInvite() {
		return append(out, "By "+workflows.When(s.Until)+", or this ends.")
	}
	next := "Open the mail and sign up through that very link. Do not start a free trial: that would own another account, and integrator.io would refuse the transfer."
	switch {
	case s.ToPerson != "" && who == s.ToPerson:
		out = append(out, "You are asked because you are to become the owner. "+next)
	case s.Prep.Claimed != "":
		out = append(out, workflows.Mention(s.Prep.Claimed)+" is on it. "+next)
	case workflows.Among(who, s.acceptors()):
		out = append(out, "You are asked because you can read that mailbox. One of "+workflows.Mentions(s.acceptors())+" presses “I'm on it”. "+next)
	case s.ToPerson != "":
		out = append(out, workflows.Mention(s.ToPerson)+" opens the mail and signs up.")
	default:
		out = append(out, "One of "+workflows.Mentions(s.acceptors())+" opens that mailbox and signs up.")
	}
	next = "the approvers are asked"
	if s.Cooled {
		next = "the invitation to become the owner follows"
	}
	return append(out, "When it is accepted, the checks run again and "+next+". By "+workflows.When(s.Until)+", or this ends.")
}

// othersInvite reports whether a person has to send the invitation as a user, because the token may not.
func (s State) othersInvite() bool {
	switch s.Prep.Manual {
	case "", workflows.RefusedNoSeats, workflows.FailedDeadline:
		return false
	}
	return true
}

// invites says who sends the invitation.
func (s State) invites() string {
	if s.byHand() {
		return "the present owner invites " + s.To + " at integrator.io"
	}
	return "integrator.io invites " + s.To
}

// administrators names whom to ask for what needs an administrator.
func (s State) administrators() string {
	if len(s.Admins) == 0 {
		return "An administrator of the account"
	}
	return workflows.Mentions(s.Admins)
}

func coolingLines(s State, who string) []string {
	var out []string
	if s.rereads() {
		out = append(out, s.unreadLine())
	}
	switch {
	case s.Cooled && s.rereads():
		out = append(out, "✓ Confirmed; the confirmations stand. When the account can be read, it goes on by itself.")
	case !s.Cooled:
		who := "a holder or an administrator"
		if !workflows.Among(s.Requester, s.Holders, s.Admins) {
			who = workflows.Mention(s.Requester) + ", " + who
		}
		out = append(out, "✓ Confirmed. Until "+workflows.When(s.Until)+" ("+workflows.Span(s.Until.Sub(s.Since))+" in all) "+who+" can stop it. Then the checks run once more and "+s.invites()+".")
	case s.Paused && s.Reading:
		out = append(out, "… The checks run again.")
	case s.Paused:
		line := "! Confirmed, but a check holds it up. As soon as it is mended, the invitation goes out by itself; the confirmations stand."
		if len(s.waivable()) > 0 {
			line += " A holder may waive it with a reason."
		}
		out = append(out, line+" By "+workflows.When(s.Until)+", or this ends.")
	case s.Reading && s.Slow:
		out = append(out, "! Confirmed. integrator.io has not answered the last check yet; Keyholder goes on asking until "+workflows.When(s.asksUntil())+".")
	default:
		out = append(out, "… Confirmed. The checks run once more, then the invitation goes out.")
	}
	if workflows.Among(who, s.FromPeople) {
		line := "You are told because you own the account now, as " + s.From + ". When " + s.To + " accepts, integrator.io gives " + s.From + " the manage role"
		if s.PreviousRole != RoleManage {
			line += "; " + roleWord(s.PreviousRole) + " is agreed and follows"
		}
		out = append(out, line+". The new owner can change or limit that.")
	}
	return out
}

// pageSteps are the steps of integrator.io's help article on switching the owner.
func pageSteps(s State) string {
	where := "integrator.io"
	if s.UIHost != "" {
		where = s.UIHost
	}
	return "Sign in to " + where + " as " + s.From + ", open Users, press the arrow next to " + s.To + ", choose Make account owner, and press Confirm."
}

func invitingLines(s State, who string) []string {
	switch {
	case s.rereads():
		return []string{s.unreadLine()}
	case s.Reading, s.Doubt != "":
		return []string{"… The checks run again, then the invitation goes out. By " + workflows.When(s.Until) + ", or this ends."}
	case s.Paused:
		line := "! A check holds the invitation up; the confirmations stand. As soon as it is mended, the invitation goes out by itself."
		if len(s.waivable()) > 0 {
			line += " A holder may waive it with a reason."
		}
		return []string{line + " By " + workflows.When(s.Until) + ", or this ends."}
	case s.Invite.Manual:
		out := []string{}
		if s.Invite.Code != "" && s.Invite.Code != workflows.RefusedNoToken {
			out = append(out, "! Keyholder's token may not start a transfer"+said(s.Invite.Message)+"; the present owner does it in the pages.")
		}
		if workflows.Among(who, s.FromPeople) {
			out = append(out, "You are asked because you own the account, as "+s.From+". "+pageSteps(s)+" Then press “The invitation is sent”.")
		} else if len(s.FromPeople) > 0 {
			out = append(out, workflows.Mentions(s.FromPeople)+", the present owner, is asked to invite "+s.To+" in integrator.io.")
		} else {
			out = append(out, s.From+" is nobody's address in this Slack. Ask the owner: "+pageSteps(s)+" Then "+workflows.List(mentioned(s.inviters()), "or")+" says here that it was done.")
		}
		return append(out, "By "+workflows.When(s.Until)+", or this ends.")
	case s.Invite.Code != "":
		return []string{"! " + remedy(s, s.Invite.Code, s.Invite.Message) + " By " + workflows.When(s.Until) + ", or this ends."}
	}
	return []string{"… integrator.io is being asked to invite " + s.To + "."}
}

func acceptingLines(s State, who string) []string {
	var out []string
	if s.carrying() {
		return []string{"✓ The invitation was accepted (seen at integrator.io). integrator.io is carrying it out; Keyholder sees when that is done. Nothing is asked of you now."}
	}
	switch {
	case s.Invite.Resend:
		out = append(out, "… The old invitation is being withdrawn; then a new one goes out.")
	case s.Invite.Lost == workflows.TransferFailed:
		out = append(out, "! integrator.io could not carry the transfer out. Send the invitation again, or withdraw it.")
	case s.Invite.Lost != "":
		out = append(out, "! The invitation is gone at integrator.io: somebody cancelled or deleted it there. Send it again, or withdraw it here.")
	}
	if len(out) > 0 {
		return append(out, "By "+workflows.When(s.Until)+", or this ends.")
	}
	switch {
	case s.Invite.How == workflows.Acted:
		out = append(out, "✓ integrator.io has invited "+s.To+" to become the owner.")
	default:
		out = append(out, "✓ "+s.To+" was invited to become the owner ("+howWord(s.Invite.How, s.Invite.Attested)+").")
	}
	if s.Invite.Accepted != "" {
		out = append(out, "✓ "+workflows.Mention(s.Invite.Accepted)+" accepts for "+s.To+". What is missing is the acceptance at integrator.io.")
	}
	do := "Sign in to integrator.io as " + s.To + ", open the invitation (the mail, or the bell) and press Accept there. Only the new owner can."
	switch {
	case workflows.Among(who, s.acceptors()) && s.ToPerson != "":
		out = append(out, "You are asked because you are to become the owner. "+do)
	case workflows.Among(who, s.acceptors()):
		out = append(out, "You are asked because you can read that mailbox. "+do)
	case s.ToPerson != "":
		out = append(out, workflows.Mention(s.ToPerson)+" has to accept at integrator.io.")
	default:
		out = append(out, "One of "+workflows.Mentions(s.acceptors())+" has to accept at integrator.io.")
	}
	watch := "Keyholder sees the acceptance by itself."
	if s.attestable() {
		watch = "Keyholder cannot see the acceptance; whoever accepted says so with “It is accepted”."
	}
	end := ", or the invitation is withdrawn."
	if s.byHand() {
		end = ", or this ends."
	}
	return append(out, watch+" By "+workflows.When(s.Until)+end)
}

func settlingLines(s State, who string) []string {
	out := []string{"✓ " + changedSentence(s)}
	if s.Settle.Removing {
		return append(out, "… "+s.From+" is being removed; that is the last step.")
	}
	var list []string
	for _, p := range s.points() {
		sign := "…"
		switch {
		case p.Seen && p.Key == "role" && s.PreviousRole == RoleRemove:
			p.Text += ": Keyholder's last step, when you finish"
		case p.Seen:
			sign = "✓"
		}
		list = append(list, sign+" "+p.Text)
	}
	if s.Settle.RoleCode != "" {
		list = append(list, "! The role of "+s.From+" could not be set ("+workflows.Esc(s.Settle.RoleCode)+"). Set it in integrator.io under Users.")
	}
	if s.Settle.Probed && !s.Settle.TokenOK {
		list = append(list, "! The API token no longer works under the new owner. Make a new one and give it to Keyholder.")
	}
	out = append(out, strings.Join(list, "\n"))
	whoFor := workflows.List(append(mentioned(s.acceptors()), "an administrator"), "or")
	if workflows.Among(who, s.acceptors(), s.Admins) {
		whoFor = "You"
	}
	return append(out, whoFor+" can finish this. On "+workflows.When(s.Until)+" it ends by itself; what is open then stays on this card.")
}

func mentioned(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = workflows.Mention(id)
	}
	return out
}

func changedSentence(s State) string {
	source := "seen at integrator.io, " + workflows.When(s.changedAt())
	if s.Settle.How == workflows.Attested {
		source = workflows.Mention(s.Settle.Attested) + " says so, " + workflows.When(s.changedAt())
	}
	return workflows.Esc(s.AccountName) + " now belongs to " + s.To + " (" + source + ")."
}

func howWord(how, who string) string {
	switch how {
	case workflows.Acted:
		return "Keyholder did it"
	case workflows.Verified:
		return "seen at integrator.io"
	}
	return workflows.Mention(who) + " says so"
}

// said quotes the other side's own words, if any.
func said(message string) string {
	if message == "" {
		return ""
	}
	return " (integrator.io says: " + workflows.Quote(message) + ")"
}
