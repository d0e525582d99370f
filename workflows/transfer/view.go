package transfer

import (
	"fmt"

	"github.com/keyholder/keyholder/workflows"
)

// view computes what the world should show.
func (s State) view() workflows.View {
	return workflows.View{Cards: s.cards(), Timers: s.timers(), Watches: s.watches(), Waiting: s.waiting()}
}

// watches says what is looked at until it changes.
func (s State) watches() []workflows.Watch {
	if s.Closed() || !s.Token || s.Caps.Token == workflows.No && !s.rereads() || s.Ending != nil && s.Ending.TakesBack {
		return nil
	}
	watch := func(name string, c workflows.Call) []workflows.Watch {
		c.Account = s.AccountID
		return []workflows.Watch{{Name: name, Call: c, Every: s.Policy.WatchEvery}}
	}
	switch {
	case s.rereads():
		return watch("checks", inspectCall(s.AccountID, s.Frozen, s.Target)) // whatever is read is worth knowing
	case s.Stage == Preparing:
		return watch("user", workflows.Call{Op: workflows.OpWatchUser, Email: s.To, Who: s.Target, Known: s.Prep.Mark})
	case s.Stage == Accepting, s.Stage == Inviting && s.Invite.Manual:
		return watch("transfer", workflows.Call{Op: workflows.OpWatchTransfer, ID: s.Invite.ID, Email: s.To, Seen: s.Seen, Owner: s.From, Known: s.Invite.Mark})
	case s.held():
		c := inspectCall(s.AccountID, s.Frozen, s.Target)
		c.Known = s.Mark
		return watch("checks", c)
	}
	return nil
}

// waiting lists who can move the transfer on now.
func (s State) waiting() []string {
	if s.Closed() || s.Ending != nil {
		return nil
	}
	if s.held() || s.rereads() {
		return workflows.Union([]string{s.Requester}, s.Holders)
	}
	switch s.Stage {
	case Preparing:
		if s.Prep.Manual != "" || !s.Token {
			return workflows.Union(s.Admins, s.acceptors())
		}
		return s.acceptors()
	case Confirming:
		return s.Question.Waiting
	case Inviting:
		if s.Invite.Manual {
			return s.inviters()
		}
		if s.Invite.Code != "" {
			return workflows.Union([]string{s.Requester}, s.Holders)
		}
	case Accepting, Settling:
		if !s.carrying() && !s.Settle.Removing {
			return s.acceptors()
		}
	case Finishing:
		return s.finishers()
	}
	return nil
}

// audience lists who must have a card now. Apply adds them to Told, from which nobody is ever taken.
func (s State) audience() []string {
	who := []string{s.Requester}
	if s.held() || s.rereads() {
		who = workflows.Union(who, s.Holders)
	}
	switch s.Stage {
	case Preparing:
		who = workflows.Union(who, s.acceptors())
		if s.Prep.Manual != "" {
			who = workflows.Union(who, s.Admins)
		}
	case Confirming:
		who = workflows.Union(who, s.Question.Audience())
		if e := s.Question.Escalated; e != nil {
			who = workflows.Union(who, e.To)
		}
	case Cooling:
		who = workflows.Union(who, s.Holders, s.Admins, s.FromPeople)
	case Inviting:
		if s.Invite.Manual {
			who = workflows.Union(who, s.inviters())
		}
	case Accepting:
		who = workflows.Union(who, s.acceptors())
	case Settling:
		who = workflows.Union(who, s.acceptors(), s.Admins)
	case Finishing:
		who = workflows.Union(who, s.acceptors(), s.Admins, s.Holders)
	}
	return who
}

// Names of cards.
const (
	cardMain    = "main"
	cardNotice  = "notice"  // in the channel: the start
	cardOutcome = "outcome" // in the channel: the end
	cardChanged = "changed" // to the previous owner and the channel: the owner has changed
)

// cards builds every message of the transfer.
func (s State) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		out = append(out, s.card(who))
	}
	if s.Channel != "" {
		out = append(out, s.notice())
	}
	if s.changed() {
		for _, who := range workflows.Union(s.FromPeople, []string{s.Channel}) {
			out = append(out, s.changedCard(who))
		}
	}
	if s.Closed() && s.Channel != "" {
		out = append(out, workflows.Card{Name: cardOutcome, Recipient: s.Channel, Title: endTitle(s), Lines: endLines(s, ""), Note: s.note(), Fallback: endFallback(s)})
	}
	out = append(out, asks.Cards(s, cardMain, s.note())...)
	for _, r := range s.Reminders {
		for _, who := range r.To {
			out = append(out, s.reminder(r, who))
		}
	}
	return out
}

// card is one person's card.
func (s State) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: s.note()}
	if s.Closed() {
		c.Title, c.Lines, c.Fallback = endTitle(s), endLines(s, who), endFallback(s)
		return c
	}
	c.Title = title(s)
	c.Fallback = fallback(s, who)
	c.Lines = append([]string{askedLine(s)}, lines(s, who)...)
	c.Facts = s.facts()
	c.Buttons = s.buttons(who)
	return c
}

func (s State) note() string { return "Transfer " + s.ID }

// facts are the checks and votes, one line each.
func (s State) facts() []string {
	var out []string
	switch s.Stage {
	case Checking, Confirming, Cooling, Inviting:
		if s.Caps.Token == workflows.No && len(s.Checks) > 0 {
			out = append(out, "? Keyholder has no token for this account, so it saw nothing there. Look in integrator.io yourself: "+s.To+" must be listed under Users as accepted and enabled, "+
				"no other transfer may be pending, and open errors, running jobs and what is shared are worth a look.")
		}
		for _, c := range s.Checks {
			if c.Kind == Advice && c.Result == Pass || c.Result == Unknown && s.Caps.Token == workflows.No {
				continue
			}
			out = append(out, s.checkLine(c))
		}
	}
	if s.Stage == Cooling {
		out = append(out, s.votes()...)
	}
	return out
}

// checkLine shows one check with its remedy or its waiver.
func (s State) checkLine(c Check) string {
	line := s.mark(c) + " " + c.Text
	for _, w := range s.Waivers {
		if w.Check == c.Key && c.Result == Block {
			return line + " (waived by " + workflows.Mention(w.By) + ": " + workflows.Quote(w.Reason) + ")"
		}
	}
	if c.Result != Pass && c.Remedy != "" {
		line += ". " + c.Remedy
	}
	return line
}

// buttons are what this person may press now; deciding authorises again.
func (s State) buttons(who string) []workflows.Button {
	if s.Ending != nil {
		return nil
	}
	requester, holder, admin := who == s.Requester, workflows.Among(who, s.Holders), workflows.Among(who, s.Admins)
	var out []workflows.Button
	add := func(ok bool, b workflows.Button) {
		if ok {
			out = append(out, b)
		}
	}
	check := workflows.Button{Action: ActRecheck, Label: "Check again"}
	waive := workflows.Button{Action: ActWaive, Label: "Waive…"}
	mayWaive := s.held() && holder && len(s.waivable()) > 0
	stop := workflows.Button{Action: ActCancel, Label: "Cancel transfer…", Style: workflows.Danger}
	switch s.Stage {
	case Checking:
		add((s.held() || s.rereads()) && (requester || holder), check)
		add(mayWaive, waive)
		add(requester || holder || admin, stop)
	case Preparing:
		out = append(out, s.prepareButtons(who)...)
		add(requester || holder || admin, stop)
	case Confirming:
		out = s.confirmingButtons(who)
	case Cooling:
		add((s.held() || s.rereads()) && (requester || holder), check)
		add(mayWaive, waive)
		add(requester || holder || admin, stop)
	case Inviting:
		out = append(out, s.inviteButtons(who)...)
		add(mayWaive, waive)
	case Accepting:
		out = append(out, s.acceptButtons(who)...)
	case Finishing:
		out = s.finishingButtons(who)
	case Settling:
		add(!s.Settle.Removing && (workflows.Among(who, s.acceptors()) || admin), workflows.Button{Action: ActSettle, Label: "Finish…", Style: workflows.Primary})
	}
	return out
}

func (s State) prepareButtons(who string) []workflows.Button {
	var out []workflows.Button
	acceptor := workflows.Among(who, s.acceptors())
	if acceptor && s.Prep.Claimed == "" && s.ToPerson == "" && (s.Prep.Invited || s.Prep.Sending || s.othersInvite()) {
		out = append(out, workflows.Button{Action: ActClaim, Label: "I'm on it", Style: workflows.Primary})
	}
	if s.unseen() && (acceptor || workflows.Among(who, s.Admins)) {
		out = append(out, workflows.Button{Action: ActAttest, Label: "It is a user now", Confirm: &workflows.Confirm{Title: "Do you swear to it?",
			Text: s.To + " has signed up through the invitation and is listed as an accepted user of " + s.AccountName + ". This is recorded under your name.", Yes: "I have seen it", No: "Not yet"}})
	}
	if workflows.Among(who, []string{s.Requester}, s.Holders) && !s.Reading && !s.Prep.Sending {
		out = append(out, workflows.Button{Action: ActRecheck, Label: "Check again"})
	}
	return out
}

func (s State) inviteButtons(who string) []workflows.Button {
	var out []workflows.Button
	if s.Invite.Manual && workflows.Among(who, s.inviters()) {
		out = append(out, workflows.Button{Action: ActAttest, Label: "The invitation is sent", Style: workflows.Primary, Confirm: &workflows.Confirm{
			Title: "Do you swear to it?", Text: "In integrator.io, " + s.To + " was invited to become the owner of " + s.AccountName + ". This is recorded under your name.", Yes: "It is sent", No: "Not yet"}})
	}
	manages := workflows.Among(who, []string{s.Requester}, s.Holders)
	if !s.Invite.Manual && !s.Invite.Sending && manages && !s.Reading {
		out = append(out, workflows.Button{Action: ActRecheck, Label: "Check again", Style: workflows.Primary})
	}
	if manages || workflows.Among(who, s.FromPeople) {
		out = append(out, workflows.Button{Action: ActWithdraw, Label: "Withdraw…", Style: workflows.Danger})
	}
	return out
}

func (s State) acceptButtons(who string) []workflows.Button {
	if s.carrying() {
		return nil
	}
	var out []workflows.Button
	acceptor := workflows.Among(who, s.acceptors())
	standing := s.Invite.Lost == "" && !s.Invite.Resend
	if acceptor && standing && s.Invite.Accepted == "" {
		out = append(out, workflows.Button{Action: ActAccept, Label: "Accept", Style: workflows.Primary})
	}
	if acceptor && standing && s.attestable() && who != s.Invite.Attested {
		out = append(out, workflows.Button{Action: ActAttest, Label: "It is accepted", Confirm: &workflows.Confirm{Title: "Do you swear to it?",
			Text: "You accepted the invitation in integrator.io, and " + s.To + " is shown there as the owner of " + s.AccountName + ". This is recorded under your name.", Yes: "It is accepted", No: "Not yet"}})
	}
	if acceptor {
		out = append(out, workflows.Button{Action: ActDecline, Label: "Decline…", Style: workflows.Danger})
	}
	if workflows.Among(who, []string{s.Requester}, s.Holders, s.FromPeople) {
		if !s.Invite.Resend {
			out = append(out, workflows.Button{Action: ActResend, Label: "Send again"})
		}
		out = append(out, workflows.Button{Action: ActWithdraw, Label: "Withdraw…"})
	}
	return out
}

// reminder is a thread reply under the person's card. Its text rests on what was kept when it was sent, so that it never changes.
func (s State) reminder(r Reminder, who string) workflows.Card {
	text := reminderText(s, r)
	return workflows.Card{Name: fmt.Sprintf("nudge-%d", r.N), Recipient: who, Under: cardMain, Title: text, Note: s.note(),
		Fallback: workflows.Plain(text, nil), Bulk: true}
}
