package transfer

import (
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// beforeActing counts the votes and compares the facts once more; then the invitation goes out.
func (s State) beforeActing(before State, cmd workflows.Command, f workflows.Facts,
	r workflows.Reading) (workflows.Decision, error) {
	if why := s.left(f); why != "" {
		return s.endAsLeft(cmd, why), nil
	}
	t := asks.Recount(s, f, cmd.At)
	if t.Outcome != approvals.Approved {
		return s.void(cmd, f, voidedWords(t.Voided), append([]approvals.Vote{}, t.Counted...))
	}
	blocked := len(s.blocking(s.Checks)) > 0
	if diff := worse(before.Checks, s.Checks); len(diff) > 0 && (s.Stage == Cooling || !blocked) {
		return s.void(cmd, f, diff, nil)
	}
	if blocked {
		if s.Paused {
			return workflows.Decision{}, nil
		}
		return evPaused.One(cmd, workflows.None{}), nil
	}
	if needsInvitation(r) && s.ToPerson != "" {
		return s.prepare(cmd, r) // decided; now they may be made a user
	}
	return s.invite(cmd, f.Account)
}

// invite sends the invitation, or hands the page steps to the present owner where the token cannot.
func (s State) invite(cmd workflows.Command, account workflows.AccountState) (workflows.Decision, error) {
	manual := s.byHand()
	d := evInviting.One(cmd, inviting{Until: cmd.At.Add(s.Policy.AcceptWithin), Manual: manual})
	if !manual {
		d.Calls = []workflows.Call{s.inviteCall()}
	}
	d.Calls = append(d.Calls, s.supersede(cmd, account)...)
	return d, nil
}

// byHand reports whether the present owner has to send the invitation in the pages, as far as is
// known before it was tried.
func (s State) byHand() bool {
	return !s.Token || s.Caps.Token == workflows.No || s.Caps.Start == workflows.No
}

func (s State) inviteCall() workflows.Call {
	return workflows.Call{Op: workflows.OpInviteOwner, Account: s.AccountID, Email: s.To, Seen: s.Seen}
}

// supersede tells an older transfer of the account that still settles to come to its end.
func (s State) supersede(cmd workflows.Command, account workflows.AccountState) []workflows.Call {
	old := account.By
	if old == cmd.Workflow || !workflows.HasLetter(old, workflows.LetterTransfer) {
		return nil
	}
	return []workflows.Call{superseding.To(s.AccountID, old, workflows.None{})}
}

// ownerInvited decides integrator.io's answer to the invitation.
func ownerInvited(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Stage != Inviting || !s.Invite.Sending && s.Ending == nil {
		return workflows.Decision{}, nil
	}
	if s.Ending != nil {
		return workflows.Decision{}, nil // the withdrawal is queued behind this very call and answers next
	}
	switch {
	case r.OK && r.Transfer == nil:
		return evInvited.One(cmd, invited{How: workflows.Acted, Until: cmd.At.Add(s.Policy.AcceptWithin)}), nil
	case r.OK:
		return evInvited.One(cmd, invited{ID: r.Transfer.ID, How: workflows.Acted, Mark: r.Transfer.Mark(),
			Until: cmd.At.Add(s.Policy.AcceptWithin)}), nil
	case r.Failed:
		ev := evEnding.Of(cmd, Ending{Outcome: Failed, Reason: workflows.Say("integrator.io did not take the "+
			"invitation for %l", workflows.GiveUpAfter), By: cmd.Actor})
		return workflows.Decision{Events: []workflows.Event{ev}, Calls: []workflows.Call{s.withdrawCall()}}, nil
	case r.Code == workflows.RefusedForbidden || r.Code == workflows.RefusedUnauthorized ||
		r.Code == workflows.RefusedNoToken:
		return evInviteRefused.One(cmd, refusal{Code: r.Code, Message: r.Message, Manual: true}), nil
	}
	return evInviteRefused.One(cmd, refusal{Code: r.Code, Message: r.Message}), nil
}

func (s State) withdrawCall() workflows.Call {
	return workflows.Call{Op: workflows.OpWithdraw, Account: s.AccountID, Email: s.To, ID: s.Invite.ID, Seen: s.Seen}
}

// attest records what a person swears to, where Keyholder cannot see it.
func attest(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	who := cmd.Actor.ID
	switch {
	case s.Stage == Preparing:
		if !workflows.Among(who, s.acceptors(), s.Admins) {
			return workflows.Decision{}, refused("not_permitted", "Only somebody who can open "+s.To+
				" or an administrator can say that it is a user now. Nothing was recorded.")
		}
		if !s.unseen() {
			return workflows.Decision{}, refused("not_now", "Keyholder sees by itself when "+s.To+
				" is a user. Nothing was recorded. "+stageLine(s))
		}
		return s.prepared(cmd, workflows.Attested, "")
	case s.Stage == Inviting && s.Invite.Manual:
		if !workflows.Among(who, s.inviters()) {
			return workflows.Decision{}, refused("not_permitted", "Only "+whoCan(s.inviters())+
				" can say that the invitation was sent. Nothing was recorded.")
		}
		return evInvited.One(cmd, invited{How: workflows.Attested, Until: cmd.At.Add(s.Policy.AcceptWithin)}), nil
	case s.Stage == Accepting && s.attestable():
		if !workflows.Among(who, s.acceptors()) {
			return workflows.Decision{}, refused("not_permitted", "Only "+whoCan(s.acceptors())+
				" can say that the account was accepted. Nothing was recorded.")
		}
		if s.Invite.Attested != "" && f.Known(who).Same(f.Known(s.Invite.Attested)) {
			return workflows.Decision{}, refused("attested_both",
				"You have said that the invitation was sent, so somebody else must say that it was accepted. Nothing was recorded. "+othersOf(s.acceptors(), who))
		}
		return s.transfer(cmd, workflows.Attested, "")
	}
	return workflows.Decision{}, refused("not_now",
		"There is nothing to attest now; Keyholder sees this step by itself. Nothing was recorded. "+stageLine(s))
}

// inviters are the people who can invite in the pages: the present owner; when they are not in this
// Slack, a holder or administrator says that it was done.
func (s State) inviters() []string {
	if len(s.FromPeople) > 0 {
		return s.FromPeople
	}
	return workflows.Union(s.Holders, s.Admins)
}

// attestable reports whether the acceptance rests on people's word: nothing can be read.
func (s State) attestable() bool {
	return !s.Token || s.Caps.Token == workflows.No || s.Caps.ReadTransfers != workflows.Yes ||
		s.Caps.ReadUsers != workflows.Yes || s.Invite.Mark == blind
}

// blind is the mark of a watch that was refused: from then on only people see.
const blind = "refused"

type inviting struct {
	Until  time.Time `json:"until"`
	Manual bool      `json:"manual,omitempty"`
}

type invited struct {
	ID    string    `json:"id,omitempty"`
	How   string    `json:"how"`
	Mark  string    `json:"mark,omitempty"`
	Until time.Time `json:"until"`
}

var evInviting = workflows.Kind[State, inviting]{
	Type: "transfer.inviting",
	Fold: func(s *State, e workflows.Event, b inviting) {
		s.enter(Inviting, e)
		s.Until, s.Paused = b.Until, false
		s.Invite = Invite{Manual: b.Manual, Sending: !b.Manual}
	},
	Tell: func(e workflows.Event, b inviting) string {
		if b.Manual {
			return "The present owner was asked to send the invitation in the pages."
		}
		return "integrator.io was asked to invite the new owner."
	},
}

var evInviteRefused = workflows.Kind[State, refusal]{
	Type: "transfer.invitation_refused",
	Fold: func(s *State, e workflows.Event, b refusal) {
		s.Invite.Sending, s.Invite.Code, s.Invite.Message, s.Invite.Manual = false, b.Code, b.Message, b.Manual
		s.Round++
	},
	Tell: func(e workflows.Event, b refusal) string {
		return workflows.Say("integrator.io refused the invitation (%s)%s.", b.Code,
			workflows.Text(workflows.Quoted(b.Message)))
	},
}

var evInvited = workflows.Kind[State, invited]{
	Type: "transfer.invited",
	Fold: func(s *State, e workflows.Event, b invited) {
		s.enter(Accepting, e)
		s.Until = b.Until
		s.Invite = Invite{Manual: s.Invite.Manual, ID: b.ID, How: b.How, Mark: b.Mark}
		if b.How == workflows.Attested {
			s.Invite.Attested = e.By.ID
		}
	},
	Tell: func(e workflows.Event, b invited) string {
		id := ""
		if b.ID != "" {
			id = workflows.Say(", transfer %s", b.ID)
		}
		return workflows.Say("The new owner was invited (%s%s). To accept until %t.",
			workflows.Text(howWord(b.How, e.By.ID)), workflows.Text(id), b.Until)
	},
}

// invitingStage sends the invitation to become the owner, or has the present owner send it.
type invitingStage struct{ plain }

func (invitingStage) now(s State) string {
	switch {
	case s.Invite.Manual:
		return "The present owner is asked to send the invitation."
	case s.Invite.Code != "":
		return "integrator.io refused the invitation."
	case s.Paused:
		return "A check holds the invitation up."
	case s.Reading:
		return "The checks run again, then the invitation goes out."
	}
	return "The invitation is on its way."
}

func (invitingStage) notify(s State, who string) string {
	if s.Invite.Manual && workflows.Among(who, s.inviters()) {
		return "Please invite " + s.To + " to become the owner of " + s.AccountName
	}
	return "Handing " + s.what() + ": the invitation"
}

func (invitingStage) lines(s State, who string) []string {
	switch {
	case s.rereads():
		return []string{s.unreadLine()}
	case s.Reading, s.Doubt != "":
		return []string{workflows.Say("… The checks run again, then the invitation goes out. By %t, or this "+
			"ends.", s.Until)}
	case s.Paused:
		line := "! A check holds the invitation up; the confirmations stand. As soon as it is mended, the invitation goes out by itself."
		if len(s.waivable()) > 0 {
			line += " A holder may waive it with a reason."
		}
		return []string{workflows.Say("%s By %u, or this ends.", workflows.Text(line), s.Until)}
	case s.Invite.Manual:
		out := []string{}
		if s.Invite.Code != "" && s.Invite.Code != workflows.RefusedNoToken {
			out = append(out, "! Keyholder's token may not start a transfer"+workflows.Quoted(s.Invite.Message)+
				"; the present owner does it in the pages.")
		}
		if workflows.Among(who, s.FromPeople) {
			out = append(out, "You are asked because you own the account, as "+s.From+". "+pageSteps(s)+
				" Then press “The invitation is sent”.")
		} else if len(s.FromPeople) > 0 {
			out = append(out, workflows.Say("%m, the present owner, is asked to invite %s in integrator.io.",
				s.FromPeople, s.To))
		} else {
			out = append(out, s.From+" is nobody's address in this Slack. Ask the owner: "+pageSteps(s)+" Then "+
				workflows.List(mentioned(s.inviters()), "or")+" says here that it was done.")
		}
		return append(out, workflows.Say("By %u, or this ends.", s.Until))
	case s.Invite.Code != "":
		return []string{workflows.Say("! %s By %u, or this ends.",
			workflows.Text(remedy(s, s.Invite.Code, s.Invite.Message)), s.Until)}
	}
	return []string{"… integrator.io is being asked to invite " + s.To + "."}
}

func (invitingStage) facts(s State, who string) []string { return s.checkLines(who) }

func (invitingStage) buttons(s State, who string) []workflows.Button {
	var out []workflows.Button
	if s.Invite.Manual && workflows.Among(who, s.inviters()) {
		out = append(out, workflows.Button{Action: ActAttest, Label: "The invitation is sent", Style: workflows.Primary,
			Confirm: &workflows.Confirm{
				Title: "Do you swear to it?", Text: "In integrator.io, " + s.To +
					" was invited to become the owner of " +
					s.AccountName + ". This is recorded under your name.", Yes: "It is sent", No: "Not yet"}})
	}
	manages := workflows.Among(who, []string{s.Requester}, s.Holders)
	if !s.Invite.Manual && !s.Invite.Sending && manages && !s.Reading {
		out = append(out, workflows.Button{Action: ActRecheck, Label: "Check again", Style: workflows.Primary})
	}
	if manages || workflows.Among(who, s.FromPeople) {
		out = append(out, workflows.Button{Action: ActWithdraw, Label: "Withdraw…", Style: workflows.Danger})
	}
	return append(out, s.waiveButton(who)...)
}

func (invitingStage) waiting(s State) []string {
	switch {
	case s.Invite.Manual:
		return s.inviters()
	case s.Invite.Code != "":
		return workflows.Union([]string{s.Requester}, s.Holders)
	}
	return nil
}

func (invitingStage) audience(s State) []string {
	if s.Invite.Manual {
		return s.inviters()
	}
	return nil
}

func (invitingStage) watches(s State) []workflows.Watch {
	if !s.Invite.Manual {
		return nil
	}
	return acceptingStage{}.watches(s)
}

func (invitingStage) expire(s State, cmd workflows.Command) (workflows.Decision, error) {
	return s.endAfterWithdrawal(cmd, Ending{Outcome: Expired, By: cmd.Actor}), nil
}

func (invitingStage) late() string { return "The invitation could not be sent in time." }

// pageSteps are the steps of integrator.io's help article on switching the owner.
func pageSteps(s State) string {
	where := "integrator.io"
	if s.UIHost != "" {
		where = s.UIHost
	}
	return "Sign in to " + where + " as " + s.From + ", open Users, press the arrow next to " + s.To +
		", choose Make account owner, and press Confirm."
}

// invites says who sends the invitation.
func (s State) invites() string {
	if s.byHand() {
		return "the present owner invites " + s.To + " at integrator.io"
	}
	return "integrator.io invites " + s.To
}

// remedy turns a refusal by integrator.io into what happened and what to do.
func remedy(s State, code, message string) string {
	switch code {
	case workflows.RefusedMultipleOrgs:
		return "integrator.io refused the invitation: " + s.To +
			" is part of multiple organizations, that is, a user of another account as well. The owner of that account has to remove it under Users; then press Check again. Nothing was changed here."
	case workflows.RefusedPending:
		return "integrator.io refused the invitation: another account transfer is already pending there. Delete it under My account > Transfers; then press Check again. Nothing was changed here."
	case workflows.RefusedDisabled:
		return "integrator.io refused the invitation: " + s.To +
			" is switched off (disabled) as a user. Switch it on under Users; then press Check again. Nothing was changed here."
	case workflows.RefusedNotUser:
		return "integrator.io refused the invitation: " + s.To +
			" is not an accepted user of the account. Invite it under Users and let it accept; then press Check again. Nothing was changed here."
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
		return workflows.Say("integrator.io did not answer for %l. Ask again with %s transfer when it does.",
			workflows.GiveUpAfter, workflows.Text(workflows.Slash))
	}
	if message == "" {
		message = "no reason given"
	}
	return workflows.Say("integrator.io refused it: %q. Mend that in integrator.io; then press Check again. "+
		"Nothing was changed here.", message)
}
