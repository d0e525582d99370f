package transfer

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// watched decides what was seen of the invitation at integrator.io.
func watched(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Phase != Accepting && !(s.Phase == Inviting && s.Invite.Manual) {
		return workflows.Decision{}, nil
	}
	if !r.OK || r.Transfer == nil {
		if s.Invite.Mark == blind || r.Failed {
			return workflows.Decision{}, nil
		}
		return one(cmd, evSeen, seen{Mark: blind}), nil
	}
	t := *r.Transfer
	if t.Mark() == s.Invite.Mark {
		return workflows.Decision{}, nil
	}
	switch {
	case t.OwnerListed && (t.Status == workflows.TransferDone || t.Status == workflows.TransferMissing):
		return s.transfer(cmd, workflows.Verified, t.OwnerRole)
	case s.Phase == Inviting && t.Pending():
		return one(cmd, evInvited, invited{ID: t.ID, How: workflows.Verified, Mark: t.Mark(), Until: cmd.At.Add(s.Policy.AcceptWithin)}), nil
	case s.Phase == Inviting || s.Ending != nil:
		return one(cmd, evSeen, seen{Mark: t.Mark()}), nil
	case t.Dismissed:
		ev := cmd.Event(evEnding, Ending{Outcome: Declined, By: cmd.Actor})
		return workflows.Decision{Events: []workflows.Event{ev}, Calls: []workflows.Call{s.withdrawCall()}}, nil
	case t.Status == workflows.TransferCanceled, t.Status == workflows.TransferMissing, t.Status == workflows.TransferFailed:
		return one(cmd, evLost, seen{Mark: t.Mark(), Status: t.Status}), nil
	}
	return one(cmd, evSeen, seen{Mark: t.Mark(), Status: t.Status, ID: t.ID}), nil
}

// transfer records that the owner changed; the account is free for another transfer.
func (s State) transfer(cmd workflows.Command, by, role string) (workflows.Decision, error) {
	d := one(cmd, evTransferred, transferred{How: by, Role: role, Until: cmd.At.Add(SettleWithin)})
	d.Account = []workflows.Event{
		cmd.Event(workflows.OwnerChanged, workflows.OwnerChange{From: s.From, To: s.To, Workflow: cmd.Workflow, How: by}),
		cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockTransfer, Workflow: cmd.Workflow}),
	}
	if !s.Token || s.Caps.Token == workflows.No {
		return d, nil
	}
	if (s.PreviousRole == RoleAdministrator || s.PreviousRole == RoleMonitor) && role != s.PreviousRole {
		d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpSetRole, Account: s.AccountID, Email: s.From, Role: s.PreviousRole})
	}
	d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpInspect, Account: s.AccountID, Email: s.To, Owner: s.From})
	return d, nil
}

// accept records that the new owner takes the account; integrator.io wants to hear it too.
func accept(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAccept(cmd, "accept"); err != nil {
		return workflows.Decision{}, err
	}
	if s.Invite.Accepted != "" {
		return workflows.Decision{Reply: workflows.Reply{Text: workflows.Mention(s.Invite.Accepted) + " has accepted here already. What is missing is the acceptance at integrator.io: open the invitation in the mailbox of " + s.To + " and accept there."}}, nil
	}
	return one(cmd, evAcceptedHere, none{}), nil
}

// decline ends the transfer for the new owner; the invitation is withdrawn first.
func decline(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAccept(cmd, "decline"); err != nil {
		return workflows.Decision{}, err
	}
	why, modal := askWhy(s, cmd, "Decline", "Decline to become the owner? The invitation is then withdrawn at integrator.io.", nil, false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.endAfterWithdrawal(cmd, Ending{Outcome: Declined, Reason: why, By: cmd.Actor}), nil
}

func (s State) mayAccept(cmd workflows.Command, word string) error {
	if !workflows.Among(cmd.Actor.ID, s.acceptors()) {
		return refused("not_permitted", "Only the new owner can "+word+": "+whoCan(s.acceptors())+". Nothing was recorded.")
	}
	if s.Phase != Accepting {
		return refused("not_now", "There is no invitation to "+word+" now. Nothing was recorded. "+stageLine(s))
	}
	return nil
}

// withdraw takes the invitation back.
func withdraw(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayManageInvitation(cmd, "withdraw"); err != nil {
		return workflows.Decision{}, err
	}
	why, modal := askWhy(s, cmd, "Withdraw", "Withdraw the invitation? The account stays with "+s.From+", and this transfer ends.", nil, false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.endAfterWithdrawal(cmd, Ending{Outcome: Cancelled, Reason: why, By: cmd.Actor}), nil
}

// resend withdraws the invitation and sends a new one.
func resend(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if err := s.mayManageInvitation(cmd, "resend"); err != nil {
		return workflows.Decision{}, err
	}
	if s.Phase != Accepting {
		return workflows.Decision{}, refused("not_now", "There is no invitation to resend yet. Nothing was recorded. "+stageLine(s))
	}
	if s.Invite.Resend {
		return workflows.Decision{Reply: workflows.Reply{Text: "The invitation is being sent again already; your card changes when it is out."}}, nil
	}
	d := one(cmd, evResend, reason{})
	if s.Invite.How == workflows.Attested || !s.Token || s.Caps.Start == workflows.No {
		d.Events = append(d.Events, cmd.Event(evInviting, inviting{Until: cmd.At.Add(s.Policy.AcceptWithin), Manual: true}))
		return d, nil
	}
	d.Calls = []workflows.Call{s.withdrawCall()}
	return d, nil
}

func (s State) mayManageInvitation(cmd workflows.Command, word string) error {
	if !workflows.Among(cmd.Actor.ID, []string{s.Requester}, s.Holders, s.FromPeople) {
		return refused("not_permitted", "Only "+workflows.Mention(s.Requester)+", who asked, the holders and the present owner can "+word+" the invitation. Nothing was recorded.")
	}
	if s.Phase != Accepting && s.Phase != Inviting {
		return refused("not_now", "There is no invitation to "+word+" now. Nothing was recorded. "+stageLine(s))
	}
	return nil
}

// endAfterWithdrawal ends the transfer once integrator.io holds no invitation of it any more. Where nothing was sent, or only people can
// withdraw, it ends at once; the card then says what is left to do.
func (s State) endAfterWithdrawal(cmd workflows.Command, e Ending) workflows.Decision {
	if s.Phase == Inviting && !s.Invite.Sending {
		return s.end(cmd, Ended{Outcome: e.Outcome, Reason: e.Reason, Left: s.Invite.Manual})
	}
	if !s.Token || s.Caps.Token == workflows.No {
		return s.end(cmd, Ended{Outcome: e.Outcome, Reason: e.Reason, Left: true})
	}
	d := one(cmd, evEnding, e)
	d.Calls = []workflows.Call{s.withdrawCall()}
	return d
}

// withdrawn decides what became of a withdrawal.
func withdrawn(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	if s.Phase != Accepting && s.Phase != Inviting {
		return workflows.Decision{}, nil
	}
	if s.Ending == nil && !s.Invite.Resend {
		return workflows.Decision{}, nil
	}
	if r.OK && r.Transfer != nil {
		switch r.Transfer.Status {
		case workflows.TransferDone:
			return s.transfer(cmd, workflows.Verified, r.Transfer.OwnerRole)
		case workflows.TransferStarted, workflows.TransferQueued:
			// Accepted, and not yet carried out: that can still fail, so it is watched, not believed.
			end := cmd.At.Add(s.Policy.AcceptWithin)
			if s.Invite.Taken {
				end = s.Until // the time for that was given once
			}
			return one(cmd, evTaken, taken{Mark: r.Transfer.Mark(), ID: r.Transfer.ID, Until: end}), nil
		}
	}
	switch {
	case s.Ending != nil:
		e := Ended{Outcome: s.Ending.Outcome, Reason: s.Ending.Reason, Left: !r.OK}
		if !r.OK {
			e.Code, e.Message = r.Code, r.Message
		}
		return s.endBy(cmd, s.Ending.By, e), nil
	case s.Invite.Resend && !r.OK:
		return one(cmd, evInviting, inviting{Until: cmd.At.Add(s.Policy.AcceptWithin), Manual: true}), nil
	default:
		d := one(cmd, evInviting, inviting{Until: cmd.At.Add(s.Policy.AcceptWithin)})
		call := s.inviteCall()
		call.Seen = workflows.Union(s.Seen, []string{s.Invite.ID})
		d.Calls = []workflows.Call{call}
		return d, nil
	}
}

// carrying reports whether integrator.io is carrying the change of owner out: accepted, not yet done.
func (s State) carrying() bool {
	return s.Phase == Accepting && (strings.HasPrefix(s.Invite.Mark, workflows.TransferQueued) || strings.HasPrefix(s.Invite.Mark, workflows.TransferStarted))
}
