package transfer

import (
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// beforeActing counts the votes and compares the facts once more; then the invitation goes out.
func (s State) beforeActing(before State, cmd workflows.Command, f workflows.Facts, r workflows.Reading) (workflows.Decision, error) {
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

// byHand reports whether the present owner has to send the invitation in the pages, as far as is known before it was tried.
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
		return evInvited.One(cmd, invited{ID: r.Transfer.ID, How: workflows.Acted, Mark: r.Transfer.Mark(), Until: cmd.At.Add(s.Policy.AcceptWithin)}), nil
	case r.Failed:
		ev := evEnding.Of(cmd, Ending{Outcome: Failed, Reason: "integrator.io did not take the invitation for " + workflows.Span(workflows.GiveUpAfter), By: cmd.Actor})
		return workflows.Decision{Events: []workflows.Event{ev}, Calls: []workflows.Call{s.withdrawCall()}}, nil
	case r.Code == workflows.RefusedForbidden || r.Code == workflows.RefusedUnauthorized || r.Code == workflows.RefusedNoToken:
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
			return workflows.Decision{}, refused("not_permitted", "Only somebody who can open "+s.To+" or an administrator can say that it is a user now. Nothing was recorded.")
		}
		if !s.unseen() {
			return workflows.Decision{}, refused("not_now", "Keyholder sees by itself when "+s.To+" is a user. Nothing was recorded. "+stageLine(s))
		}
		return s.prepared(cmd, workflows.Attested, "")
	case s.Stage == Inviting && s.Invite.Manual:
		if !workflows.Among(who, s.inviters()) {
			return workflows.Decision{}, refused("not_permitted", "Only "+whoCan(s.inviters())+" can say that the invitation was sent. Nothing was recorded.")
		}
		return evInvited.One(cmd, invited{How: workflows.Attested, Until: cmd.At.Add(s.Policy.AcceptWithin)}), nil
	case s.Stage == Accepting && s.attestable():
		if !workflows.Among(who, s.acceptors()) {
			return workflows.Decision{}, refused("not_permitted", "Only "+whoCan(s.acceptors())+" can say that the account was accepted. Nothing was recorded.")
		}
		if s.Invite.Attested != "" && f.Known(who).Same(f.Known(s.Invite.Attested)) {
			return workflows.Decision{}, refused("attested_both", "You have said that the invitation was sent, so somebody else must say that it was accepted. Nothing was recorded. "+othersOf(s.acceptors(), who))
		}
		return s.transfer(cmd, workflows.Attested, "")
	}
	return workflows.Decision{}, refused("not_now", "There is nothing to attest now; Keyholder sees this step by itself. Nothing was recorded. "+stageLine(s))
}

// inviters are the people who can invite in the pages: the present owner; when they are not in this Slack, a holder or administrator says
// that it was done.
func (s State) inviters() []string {
	if len(s.FromPeople) > 0 {
		return s.FromPeople
	}
	return workflows.Union(s.Holders, s.Admins)
}

// attestable reports whether the acceptance rests on people's word: nothing can be read.
func (s State) attestable() bool {
	return !s.Token || s.Caps.Token == workflows.No || s.Caps.ReadTransfers != workflows.Yes || s.Caps.ReadUsers != workflows.Yes || s.Invite.Mark == blind
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
		return "integrator.io refused the invitation (" + workflows.Esc(b.Code) + ")" + said(b.Message) + "."
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
			id = ", transfer " + workflows.Esc(b.ID)
		}
		return "The new owner was invited (" + howWord(b.How, e.By.ID) + id + "). To accept until " + workflows.When(b.Until) + "."
	},
}
