package access

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// title is the card's first line.
func title(s State) string {
	what := workflows.Esc(s.Title())
	switch {
	case s.Closed():
		if s.End.Outcome == Done || s.End.Outcome == Ended {
			return "✓ " + what
		}
		return "✗ " + what
	case s.Phase == Active:
		return workflows.Esc(s.Email + " has access to " + s.where() + " for a time")
	case s.Late != nil:
		return "! Late: " + what
	case s.Urgent:
		return "! Urgent: " + what
	case s.Phase == Approving:
		return what + "?"
	}
	return what
}

// fallback is the notification line; it stands alone.
func (s State) fallback(who string) string {
	switch {
	case s.Closed():
		return workflows.Plain(title(s), nil) + ": " + outcomeWord(s)
	case workflows.Among(who, s.unanswered()):
		return "Your answer is needed: " + s.Title()
	case workflows.Among(who, s.escalated()) && s.Phase == Approving:
		return "Too few have answered: " + s.Title()
	case s.Drifted && workflows.Among(who, s.able()):
		return "Decide: the access of " + s.Email + " was changed by somebody else"
	}
	return s.Title() + ": " + workflows.Plain(stageLine(s), nil)
}

// askedLine says who asked, when, what and why.
func (s State) askedLine() string {
	if s.Review != "" {
		return "Decided in the review " + workflows.Esc(s.Review) + ", by " + workflows.Mention(s.Requester) + ", " + workflows.When(s.Begun) + ". Reason: " + workflows.Quote(s.Reason)
	}
	line := workflows.Mention(s.Requester) + " asked, " + workflows.When(s.Begun) + ". Reason: " + workflows.Quote(s.Reason)
	if s.Does != Remove && s.Change != Remove {
		line += "\nFor: " + s.forWord()
	}
	return line
}

func (s State) forWord() string {
	if s.Length == 0 {
		return "always"
	}
	if s.Urgent {
		return workflows.Span(s.Length) + ", from when it was asked for"
	}
	return workflows.Span(s.Length) + ", from the moment it can be used"
}

// lines say what is asked, why you, what happens next, by when and who else.
func (s State) lines(who string) []string {
	var out []string
	if b, _ := s.question(); b != nil {
		out = append(out, s.questionLine(who, b))
	}
	if s.InFlight && s.Slow {
		out = append(out, "! integrator.io has not answered yet. Nothing is lost: Keyholder goes on asking.")
	}
	if s.Address != "" {
		out = append(out, s.renamedLine())
	}
	switch s.Phase {
	case Waiting:
		out = append(out, "… Another request is changing this access: "+workflows.Esc(s.WaitsOn)+". This one waits for its end, until "+workflows.When(s.waitUntil())+" at the latest, and looks again "+workflows.When(s.RetryAt)+".")
	case Reading:
		if s.Away != "" {
			out = append(out, "! integrator.io does not accept the token, so what "+s.Email+" has now cannot be read. Whoever runs Keyholder has to replace it. Nothing is lost: Keyholder tries again "+workflows.When(s.RetryAt)+".")
			break
		}
		out = append(out, "… What "+s.Email+" has now is being read at integrator.io.")
	case Approving:
		next := "Then Keyholder does it and reads it back."
		if s.byHand() || !s.ReadOK {
			next = "Then a holder or an administrator does it in integrator.io and says so here."
		}
		if workflows.Among(who, s.escalated()) && !workflows.Among(who, s.own()) {
			next = "! You are told because you look after access to this account, and too few have answered. " + s.silence() + " " + next
		}
		out = append(out, next)
	case Doing:
		out = append(out, s.doingLine())
	case Pending:
		out = append(out, s.pendingLines(who)...)
	case Active:
		line := "✓ Usable since " + workflows.When(s.BoxFrom) + " (" + howWord(s.How, s.Attested) + "). It ends " + workflows.When(s.Until) + ": " + s.endWord()
		if s.NoMore != "" {
			line += " More time was refused: " + workflows.Quote(s.NoMore) + "."
		}
		if s.NoMoreLeft != "" {
			line += " More time was not given: " + s.leftWords(s.NoMoreLeft)
		}
		if s.Urgent && !s.Approved {
			line += " A second person may let it stand until then, or end it now."
		}
		out = append(out, line)
	case Restoring:
		out = append(out, s.restoringLine())
	}
	return out
}

// renamedLine shows both addresses of a user who changed theirs.
func (s State) renamedLine() string {
	return "! " + workflows.Esc(s.Email) + " has another address at integrator.io by now: " + workflows.Esc(s.Address) + ". It is the same user."
}

func (s State) questionLine(who string, b *approvals.Ballot) string {
	given := 0
	for _, v := range b.Votes {
		if v.Choice == approvals.Approve {
			given++
		}
	}
	what := "You are asked because you decide about access to this account. "
	_, asked := s.question()
	switch {
	case !workflows.Among(who, asked) && !s.barred(who) && !(s.Extend != nil && who == s.Extend.By):
		what = ""
	case who == s.Requester, s.Extend != nil && who == s.Extend.By:
		what = "You asked, so you do not decide. "
	case s.barred(who):
		what = "It is your own access, so you do not decide. "
	case s.Extend != nil:
		what = workflows.Mention(s.Extend.By) + " asks for " + workflows.Span(s.Length) + " more, after " + workflows.When(s.Until) + ". "
	case s.Urgent:
		what = "It is given at once and ends " + s.urgentEnd() + ". You are asked whether it may stand until then. "
	}
	if !workflows.Among(who, s.Electorate) && !s.barred(who) && workflows.Among(who, s.Asked) {
		what = "You are asked because somebody who decides has delegated to you. "
	}
	line := what + fmt.Sprintf("%d of %s so far", given, workflows.Plural(b.Quorum, "approval"))
	if open := s.unanswered(); len(open) > 0 {
		line += "; " + workflows.Mentions(open) + " can still answer"
		if !s.Urgent {
			line += " until " + workflows.When(b.Closes)
		}
	}
	return line + "."
}

func (s State) urgentEnd() string { return workflows.When(s.latest(s.Begun.Add(s.Length), 0)) }

// urgentLine says of an urgent access that is over what it was, and whether a second person ever let it stand.
func (s State) urgentLine() string {
	line := "It was urgent: " + s.Email + " was invited with " + s.Want.Brief(s.Names) + " at once"
	switch {
	case s.How == "":
		line = "It was urgent: " + s.Want.Brief(s.Names) + ", which was not given"
	case s.Does == Change:
		line = "It was urgent: " + s.Email + " was given " + s.Want.Brief(s.Names) + " at once"
	}
	given := 0
	for _, v := range s.Ballot.Votes {
		if v.Choice == approvals.Approve {
			given++
		}
	}
	word := "never approved"
	if s.Approved {
		word = "approved"
	}
	return line + ". It was " + word + fmt.Sprintf(": %d of %s.", given, workflows.Plural(s.Ballot.Quorum, "approval"))
}

func (s State) doingLine() string {
	switch {
	case s.Checks:
		return "… " + workflows.Mention(s.Attested) + " says that it is done; it is being read at integrator.io."
	case s.Drifted:
		return s.driftedLine()
	case s.Looking:
		return "… Somebody changed the access meanwhile; what it is now is being read at integrator.io."
	case s.Manual:
		why := ""
		switch s.Code {
		case "", workflows.RefusedNoToken:
		case codeSwitchOn:
			why = "! The access is written, but " + s.address() + " is switched off there, which Keyholder does not undo by itself. "
		case codeNotSeen:
			why = "! " + workflows.Mention(s.Attested) + " said that it is done, but integrator.io shows for " + s.address() + ": " + s.Message + ". "
		default:
			why = "! integrator.io refused it to Keyholder's token" + workflows.Quoted(s.Message) + ". "
		}
		return why + workflows.Mentions(s.doers()) + ": please do it in integrator.io. " + s.pageSteps() + " Then press “It is done”. " + s.byWhen()
	case s.StopWhy != "":
		return "… It was refused while it was on its way; it is taken back as soon as integrator.io has answered."
	}
	return "… integrator.io is being asked to do it."
}

// pageSteps are the steps in the pages of integrator.io.
func (s State) pageSteps() string {
	switch s.Does {
	case Change:
		if s.Code == codeSwitchOn {
			return "My account > Users, switch " + s.address() + " on."
		}
	case Remove:
		return "My account > Users, switch " + s.address() + " off, then Remove."
	case Grant:
		return "My account > Users > Invite user: " + s.address() + ", " + s.Want.Describe(s.Names) + "."
	}
	return "My account > Users, Manage permissions of " + s.address() + ": " + s.Want.Describe(s.Names) + "."
}

func (s State) doneWord() string {
	if s.Does == Remove {
		return s.address() + " was removed from " + s.where()
	}
	return s.address() + " has " + s.Want.Brief(s.Names)
}

func (s State) restoredWord() string {
	b := s.brings()
	switch {
	case !b.Read:
		return s.address() + " has again what it had before"
	case b.User == nil:
		return s.address() + " was removed"
	case b.User.Disabled:
		return s.address() + " has " + b.User.Access().Brief(s.Names) + " again and is switched off"
	}
	return s.address() + " has " + b.User.Access().Brief(s.Names) + " again"
}

// endWord says what the end of the time-box does.
func (s State) endWord() string {
	b := s.brings()
	switch {
	case !b.Read:
		return s.address() + " then has again what it had before, which could not be read here."
	case b.User == nil:
		return s.address() + " is then removed."
	case b.User.Disabled:
		return s.address() + " then has " + b.User.Access().Brief(s.Names) + " again and is switched off."
	case b.Under != "":
		return s.address() + " then has " + b.User.Access().Brief(s.Names) + " again, by another decision whose time runs, " + b.Under + "."
	}
	return s.address() + " then has " + b.User.Access().Brief(s.Names) + " again."
}

// byWhen says until when people can do it.
func (s State) byWhen() string {
	switch {
	case s.Review == "":
		return "By " + workflows.When(s.Until) + ", or this ends."
	case s.FixBy.IsZero():
		return "It stays open until it is done."
	case s.Late != nil:
		return "It was due " + workflows.When(s.FixBy) + ", and stays open until it is done."
	}
	return "The review asks for it by " + workflows.When(s.FixBy) + "."
}

// driftedLine asks about what a review decided, when something else is there than the reviewer saw.
func (s State) driftedLine() string {
	now := workflows.Esc(strings.TrimSuffix(s.Mark, "."))
	if s.There != nil && s.There.OK {
		now = "it is " + workflows.ReadMark(s.There.User.Mark()).Words(s.Names)
	}
	saw := workflows.ReadMark(s.Was).Words(s.Names)
	text := "! The reviewer saw " + saw + "; now " + now
	if now == "it is "+saw {
		text = "! The reviewer saw another user of this address, who had the same"
	}
	return text + ". Somebody changed it since, so Keyholder did nothing. " + workflows.Mentions(s.able()) + ": leave it as it is, or do it all the same: " + s.willWord() + "."
}

// willWord says what carrying it out does.
func (s State) willWord() string {
	if s.Change == Remove {
		return s.address() + " is removed"
	}
	return s.address() + " gets " + s.Want.Brief(s.Names)
}

// pendingLines are those of an open invitation.
func (s State) pendingLines(who string) []string {
	again := ""
	if !s.ResentAt.IsZero() && !s.Resending && s.Unsent == "" {
		again = " It was sent again " + workflows.When(s.ResentAt) + ", by " + workflows.Mention(s.ResentBy) + "."
	}
	out := []string{s.Email + " was invited (" + howWord(s.How, s.Attested) + ") and has to accept by " + workflows.When(s.Until) + ", or the invitation is taken back. It uses a seat until then. The time begins when it is accepted." + again}
	if s.Urgent {
		out[0] = s.Email + " was invited (" + howWord(s.How, s.Attested) + "). It is urgent, so it ends " + s.urgentEnd() +
			", accepted or not; an invitation that nobody accepted by then is taken back. It uses a seat until then." + again
	}
	if s.Length == 0 {
		out[0] = strings.Replace(out[0], " The time begins when it is accepted.", "", 1)
	}
	if !s.Declined.IsZero() {
		what := s.Email + " declined the invitation (seen at integrator.io, " + workflows.When(s.Declined) + "). Talk with them. "
		if who == s.Person {
			what = "You declined the invitation (seen at integrator.io, " + workflows.When(s.Declined) + "). Was that a mistake? "
		}
		out[0] = "✗ " + what + workflows.Mentions(s.resenders()) +
			" can have it sent again under the same approval, or take it back; without either it is taken back " + workflows.When(s.Until) + "."
		if s.byHand() {
			out[0] = "✗ " + s.Email + " declined the invitation. Talk with them; without an answer it is taken back " + workflows.When(s.Until) + "."
		}
	}
	switch {
	case s.Resending:
		out = append(out, "… "+workflows.Mention(s.ResentBy)+" has it sent again; integrator.io is being asked.")
	case s.Unsent != "":
		out = append(out, "! It could not be sent again: "+unsentWord(s.Unsent)+". What was open stays open; an administrator can send it again in integrator.io under Users.")
	}
	return out
}

// silence says who has not answered, until when, and what somebody who is not asked can do about it.
func (s State) silence() string {
	if len(s.Escalation.Open) == 0 {
		return "Nobody is left who could answer; the time to decide ends " + workflows.When(s.Escalation.Until) + "."
	}
	return "Not answered, " + workflows.When(s.Escalation.At) + ": " + workflows.Mentions(s.Escalation.Open) + ". The time to decide ends " + workflows.When(s.Escalation.Until) +
		". You do not decide this, but you can remind them, or ask one of them to let somebody decide in their place: {command} delegate."
}

func (s State) restoringLine() string {
	switch {
	case s.Looking:
		return "… The access is no longer the one that was given; what it is now is being read at integrator.io."
	case s.Drifted:
		due := cmp.Or(map[string]string{"early": "It was to end early", "refused": "It was refused"}[s.EndWhy], "The time is over")
		seen := ""
		if s.There != nil && s.There.OK {
			seen = ": " + workflows.Esc(s.address()) + " has " + workflows.ReadMark(s.There.User.Mark()).Words(s.Names)
		} else if s.Mark != "" {
			seen = ": " + workflows.Esc(strings.TrimSuffix(s.Mark, "."))
		}
		return "! " + due + ", but the access is no longer the one that was given" + seen + ". Somebody changed it, so Keyholder did nothing. " + workflows.Mentions(s.able()) + ": leave it as it is, or restore all the same: " + s.endWord()
	case s.Checks:
		return "… " + workflows.Mention(s.Attested) + " says that it is done; it is being read at integrator.io."
	case s.Manual:
		why := ""
		switch s.Code {
		case "":
		case codeSwitchOff:
			why = "! " + s.address() + " was switched off before, which Keyholder does not do by itself: My account > Users, switch " + s.address() + " off. "
		case codeNotSeen:
			why = "! " + workflows.Mention(s.Attested) + " said that it is done, but integrator.io shows for " + s.address() + ": " + s.Message + ". "
		default:
			why = "! It could not be done by Keyholder: " + remedy(s, s.Code, s.Message) + " "
		}
		return why + workflows.Mentions(s.able()) + ": please end it in integrator.io: " + s.endWord() + " Then press “It is done”."
	}
	return "… It is being ended: " + s.endWord()
}

// facts show the difference and the votes.
func (s State) facts() []string {
	var out []string
	if s.Phase != Reading && s.Phase != Waiting {
		out = append(out, s.difference()...)
	}
	if s.Drifted {
		out = append(out, s.Taking.Lines()...)
	}
	return append(out, s.voteLines()...)
}

// voteLines are all votes, those on more time marked as such.
func (s State) voteLines() []string {
	var out []string
	for _, v := range s.Ballot.Votes {
		out = append(out, voteLine(v))
	}
	more := s.Past
	if s.Extend != nil {
		more = append(slices.Clone(more), s.Extend.Ballot.Votes...)
	}
	for _, v := range more {
		out = append(out, voteLine(v)+" (more time)")
	}
	return out
}

// difference shows what is now beside what shall be.
func (s State) difference() []string {
	now := "not a user"
	switch {
	case !s.ReadOK:
		now = "not known: " + workflows.WhyUnread(s.Unread)
	case s.seesNow() != nil:
		u := s.seesNow()
		now = u.Access().Describe(s.Names)
		if u.Status != workflows.UserAccepted {
			now += ", invitation " + u.Status
		}
		if u.Disabled {
			now += ", switched off"
		}
	}
	then := "no access"
	if s.Does != Remove {
		then = s.Want.Describe(s.Names)
	}
	out := []string{"Now: " + now, "Then: " + then}
	if s.Phase == Active || s.Phase == Restoring { // it has been written: what was then is now
		out = []string{"Before: " + now, "Now: " + then}
	}
	if s.Does != s.Change && s.ReadOK {
		out = append(out, "! Asked as “"+s.Change+"”; as things are it is a "+s.Does+".")
	}
	if s.Want.Role == workflows.RoleAdministrator {
		second := "a second factor is required of them (integrator.io shows that it is required, not that it is switched on)"
		if s.SSO {
			second = "sign-in by SSO is required of them"
		}
		out = append(out, "! An administrator can do all the owner can but give the account away; "+second+".")
	}
	return append(out, s.leastRole()...)
}

// seesNow is what a card shows as what somebody has before anything is written: what was read last.
func (s State) seesNow() *workflows.User {
	if s.Phase == Doing && s.There != nil && s.There.OK {
		return s.There.User
	}
	return s.Before
}

// leastRole proposes less, where less may do.
func (s State) leastRole() []string {
	var out []string
	if s.Does == Remove || s.Phase != Approving {
		return nil
	}
	if s.Outside && (s.Want.Role != workflows.RoleCustom || s.Length == 0) {
		out = append(out, "! "+s.Email+" is outside the company. Custom on the integrations that are needed, for a time, is the safe choice.")
	}
	switch s.Want.Role {
	case workflows.RoleAdministrator:
		out = append(out, "! Less may do: manage edits every integration without touching users and tokens.")
	case workflows.RoleManage:
		out = append(out, "! Less may do: custom on the integrations that are needed, or monitor for who only looks and runs.")
	}
	return out
}

func voteLine(v approvals.Vote) string {
	line := "✓ " + workflows.Mention(v.By) + " approved, " + workflows.When(v.At)
	if v.Choice == approvals.Refuse {
		line = "✗ " + workflows.Mention(v.By) + " refused, " + workflows.When(v.At) + ": " + workflows.Quote(v.Reason)
	}
	if v.By != v.Seat {
		line += " (in place of " + workflows.Mention(v.Seat) + ")"
	}
	return line
}

func howWord(how, who string) string {
	switch how {
	case workflows.Acted:
		return "Keyholder did it and read it back"
	case workflows.Verified:
		if who != "" {
			return workflows.Mention(who) + " says so, and it was seen at integrator.io"
		}
		return "seen at integrator.io"
	case workflows.Attested:
		return workflows.Mention(who) + " says so"
	}
	return "seen at integrator.io"
}

// stageLine is the state of things in a sentence.
func stageLine(s State) string {
	if s.Closed() {
		return outcomeLine(s)
	}
	switch s.Phase {
	case Waiting:
		return "It waits for another request about the same access."
	case Reading:
		if s.Away != "" {
			return "What they have now cannot be read: " + workflows.WhyUnread(s.Away) + "."
		}
		return "What they have now is being read."
	case Approving:
		return "It waits for approval."
	case Doing:
		if s.Drifted {
			return "Somebody changed the access since the review; an administrator decides."
		}
		if s.Manual {
			return "An administrator is asked to do it."
		}
		return "It is being done."
	case Pending:
		if !s.Declined.IsZero() {
			return s.Email + " declined the invitation; it can be sent again."
		}
		return s.Email + " is invited and has to accept."
	case Active:
		return "It runs until " + workflows.When(s.Until) + "."
	case Restoring:
		if s.Drifted {
			return "Somebody changed the access meanwhile; an administrator decides."
		}
		return "It is being ended."
	}
	return ""
}

// outcomeWord is the end in a word or two, for the notification line, where mentions do not show as names.
func outcomeWord(s State) string {
	switch {
	case s.End.Code == "nothing":
		return "nothing to do"
	case s.End.Code == "adopted":
		return "it stays as somebody changed it"
	}
	return map[string]string{Done: "done", Ended: "it has ended", Refused: "refused", Cancelled: "cancelled", Expired: "the time is over", Failed: "it could not be done"}[s.End.Outcome]
}

// outcomeLine is the end in a sentence: outcome and who decided.
func outcomeLine(s State) string {
	e := s.End
	by := ""
	if e.By.Kind == workflows.ByPerson {
		by = " by " + workflows.Mention(e.By.ID)
	}
	why := ""
	if e.Reason != "" && e.Reason != "refused" {
		why = ": " + workflows.Quote(e.Reason)
	}
	how := ""
	if e.How != "" {
		how = " (" + howWord(e.How, e.Who) + ")"
	}
	switch {
	case e.Code == "nothing":
		return "There was nothing to do: " + e.Message
	case e.Code == "adopted" && s.Review != "":
		return "It was changed since the review, and stays as somebody changed it, decided" + by + "."
	case e.Code == "adopted":
		if len(s.Taking.Votes) > 1 {
			by = " by " + s.Taking.By(e.By.ID)
		}
		return "The time is over; the access stays as somebody changed it, decided" + by + "."
	case e.Outcome == Done && s.Does == Remove:
		return s.Email + " was removed (" + howWord(s.How, s.Attested) + ")."
	case e.Outcome == Done:
		return s.Email + " has " + s.Want.Brief(s.Names) + " (" + howWord(s.How, s.Attested) + ")."
	case e.Code == "time":
		return "It has ended, because the time was over: " + s.pastEnd() + how + "."
	case e.Code == "early":
		return "It has ended, early, by " + workflows.Mention(s.EndBy) + ": " + s.pastEnd() + how + "."
	case e.Code == codeOvertaken:
		why := map[string]string{"early": " early, by " + workflows.Mention(e.By.ID), "refused": ", refused by " + workflows.Mention(e.By.ID),
			endLeft: ", because somebody it rests on has left", "cancelled": ", taken back by " + workflows.Mention(e.By.ID)}
		return "It has ended" + cmp.Or(why[e.Reason], ", because the time was over") + ". A later decision about this access stands, " +
			workflows.Esc(e.Message) + ", so nothing was changed."
	case e.Code == endLeft && e.Outcome == Ended:
		return "It has ended, because somebody it rests on has left: " + s.pastEnd() + how + "."
	case e.Code == endLeft:
		return "It was not given. " + s.leftWords(e.Who)
	case e.Code == "urgent_takes":
		return "It was not done. " + e.Message
	case e.Code == "refused":
		return "Refused by " + workflows.Mention(s.EndBy) + ": " + s.pastEnd() + how + "."
	case e.Code == "cancelled":
		return "Taken back by " + workflows.Mention(s.EndBy) + ": " + s.pastEnd() + how + "."
	case e.Code == "expired":
		if s.Does == Grant {
			return s.Email + " did not accept in time; the invitation was deleted" + how + "."
		}
		return "It was not finished in time: " + s.pastEnd() + how + "."
	case e.Outcome == Refused:
		return "Refused" + by + why + "."
	case e.Outcome == Cancelled:
		return "Cancelled" + by + why + "."
	case e.Outcome == Expired && s.Away != "":
		return "The time is over, and what " + s.Email + " has could not be read all the while: " + workflows.WhyUnread(s.Away) + ". Nothing was changed at integrator.io."
	case e.Outcome == Expired:
		return "The time is over, and not enough people answered. Nothing was changed at integrator.io."
	}
	return "It could not be done: " + remedy(s, e.Code, e.Message)
}

func (s State) pastEnd() string {
	if s.BoxFrom.IsZero() && s.Does == Grant && s.Phase != Doing {
		return "the invitation of " + s.address() + " was deleted"
	}
	b := s.brings()
	switch {
	case !b.Read:
		return s.address() + " has again what it had before"
	case b.User == nil:
		return s.address() + " was removed"
	case b.User.Disabled:
		return s.address() + " has " + b.User.Access().Brief(s.Names) + " again, and is switched off as before"
	case b.Under != "":
		return s.address() + " has " + b.User.Access().Brief(s.Names) + " again, by " + b.Under + ", whose time runs"
	}
	return s.address() + " has " + b.User.Access().Brief(s.Names) + " again"
}

func endLines(s State) []string {
	out := []string{outcomeLine(s) + "\n" + workflows.When(s.End.At)}
	if s.Urgent && s.ReadOK {
		out = append(out, s.urgentLine())
	}
	if s.Address != "" {
		out = append(out, s.renamedLine())
	}
	if votes := s.voteLines(); len(votes) > 0 {
		out = append(out, strings.Join(votes, "\n"))
	}
	if s.Review != "" {
		out[0] = s.askedLine() + "\n" + out[0]
	}
	if s.End.Outcome != Done && s.End.Code != "adopted" {
		out = append(out, "To ask again: {command} access "+s.AccountID)
	}
	return out
}

// notice is the channel's message.
func (s State) notice() []string {
	if s.Closed() {
		return endLines(s)
	}
	return []string{s.askedLine(), "It is given at once. " + workflows.Mentions(s.managers()) + " are told."}
}

// remedy turns a refusal by integrator.io into what happened and what to do.
func remedy(s State, code, message string) string {
	switch code {
	case "dead_end":
		return "too few of those who decide are still active members. Name more approvers and ask anew."
	case "not_opened":
		return message
	case "withdrawn":
		return "the invitation is gone at integrator.io; somebody deleted it there. Ask again if it is still needed."
	case "declined":
		return s.Email + " declined the invitation. Talk with them, then ask again."
	case workflows.RefusedNoSeats:
		return "every user seat of the account is taken. Remove a user or a pending invitation, or buy seats; then ask again."
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

// voteSentence explains why a vote is not taken.
func voteSentence(s State, code, detail string) string {
	others := "Nobody else is asked now."
	if open := slices.DeleteFunc(s.unanswered(), s.barred); len(open) > 0 {
		others = workflows.Mentions(open) + " still can."
	}
	switch code {
	case approvals.CodeBarred:
		if detail == "beneficiary" {
			return "This is about your own access, so you cannot decide it. " + others + " Nothing was recorded."
		}
		return "You asked for this, so you cannot decide it too. " + others + " Nothing was recorded."
	case approvals.CodeNotAsked:
		return "You are not one of those who decide about this. " + others + " Nothing was recorded."
	case approvals.CodeClosed:
		return "The time to decide is over, or it is decided already. Nothing was recorded. Look at the card."
	case approvals.CodeAlreadyVoted:
		return "Your answer is recorded already and counts once. Nothing new was recorded. " + others
	case "removed":
		return "You are no longer one of those who decide for this account. " + others + " Nothing was recorded."
	case approvals.CodeBadChoice:
		return "That is neither an approval nor a refusal. Nothing was recorded. Use the buttons on your card."
	}
	return workflows.StandingSentence(code)
}

// deadEnd refuses a request that nobody could approve.
func deadEnd(fr Frozen, err error) error {
	detail := ""
	var r *approvals.Refusal
	if errors.As(err, &r) {
		detail = r.Detail
	}
	return refused("dead_end", "Nobody could approve this: of "+workflows.Mentions(fr.Electorate)+", "+workflows.Esc(detail)+
		". Whoever asks, and whoever gains, do not count. Nothing was recorded. Let somebody else ask, or name more approvers.")
}

// unsentWord says why an invitation could not be sent again.
func unsentWord(code string) string {
	if code == workflows.RefusedForbidden {
		return "the token may not do that"
	}
	return workflows.WhyUnread(code)
}
