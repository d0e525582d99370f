package transfer

import (
	"errors"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// confirm counts one click for the transfer.
func confirm(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	return vote(s, cmd, f, approvals.Approve, "")
}

// refuse counts one against it; it asks why first.
func refuse(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Phase != Confirming {
		return workflows.Decision{}, refused("not_now", "This transfer does not ask for confirmations now. Nothing was recorded. "+stageLine(s))
	}
	if _, err := s.Ballot.Cast(cmd.Actor.ID, approvals.Refuse, "", eligible(f, s.Electorate), f.Delegations, cmd.At); err != nil {
		return workflows.Decision{}, notTaken(s, err)
	}
	why, modal := askWhy(s, cmd, "Refuse", "Refuse this transfer? That ends it at once and cannot be undone.", nil, true)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	if why == "" {
		return workflows.Decision{}, onField(BlockReason, "reason_missing", "Please say why you refuse; the one who asked reads it.")
	}
	return vote(s, cmd, f, approvals.Refuse, why)
}

// vote casts and counts. Everybody's standing is the one of now, earlier voters included.
func vote(s State, cmd workflows.Command, f workflows.Facts, choice approvals.Choice, why string) (workflows.Decision, error) {
	if s.Phase != Confirming {
		return workflows.Decision{}, refused("not_now", "This transfer does not ask for confirmations now. Nothing was recorded. "+stageLine(s))
	}
	st := eligible(f, s.Electorate)
	votes, err := s.Ballot.Cast(cmd.Actor.ID, choice, why, st, f.Delegations, cmd.At)
	if err != nil {
		return workflows.Decision{}, notTaken(s, err)
	}
	d := one(cmd, evVoted, voted{Votes: votes, Standing: relevant(st, s, votes)})
	next, err := fold(s, d.Events)
	if err != nil {
		return d, err
	}
	t := next.Ballot.Judge(st, f.Delegations, cmd.At)
	switch t.Outcome {
	case approvals.Approved:
		d.Events = append(d.Events, cmd.Event(evApproved, until{Until: cmd.At.Add(s.Policy.Cooldown)}))
	case approvals.Refused:
		more := next.end(cmd, Ended{Outcome: Refused, Reason: why})
		d.Events = append(d.Events, more.Events...)
		d.Account, d.Calls = more.Account, more.Calls
	}
	return d, nil
}

// relevant is what was known of the people whose votes are counted, kept as evidence.
func relevant(st approvals.Standing, s State, votes []approvals.Vote) approvals.Standing {
	out := approvals.Standing{}
	for _, v := range append(votes, s.Ballot.Votes...) {
		out[v.Seat], out[v.By] = st.Code(v.Seat), st.Code(v.By)
	}
	return out
}

// delegated asks the delegates of those who have not answered, too.
func delegated(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Closed() || s.Phase != Confirming {
		return workflows.Decision{}, nil
	}
	t := s.Ballot.Judge(eligible(f, s.Electorate), f.Delegations, cmd.At)
	asked := union(s.Asked, t.Waiting)
	if len(asked) == len(s.Asked) {
		return workflows.Decision{}, nil
	}
	return one(cmd, evAsked, asking{Asked: asked}), nil
}

// notTaken turns the refusal of a vote into a sentence.
func notTaken(s State, err error) error {
	var r *approvals.Refusal
	if !errors.As(err, &r) {
		return err
	}
	return refused(r.Code, voteSentence(s, r.Code, r.Detail))
}

// cancel ends the transfer before anything was sent.
func cancel(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !is(cmd.Actor.ID, []string{s.Requester}, s.Holders, s.Admins) {
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mention(s.Requester)+", who asked, the holders and the administrators can cancel. Nothing was recorded.")
	}
	switch s.Phase {
	case Checking, Preparing, Confirming, Cooling:
	case Inviting:
		if s.Invite.Sending {
			return workflows.Decision{}, refused("too_late", "The invitation is on its way to integrator.io. Nothing was recorded. When it is there, it can be withdrawn.")
		}
	default:
		return workflows.Decision{}, refused("too_late", "It is too late to cancel: "+stageLine(s)+" Nothing was recorded. The invitation can be withdrawn as long as nobody accepted it.")
	}
	why, modal := askWhy(s, cmd, "Cancel transfer", "Cancel this transfer? It cannot be taken up again; somebody would have to ask anew.", nil, false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	return s.end(cmd, Ended{Outcome: Cancelled, Reason: why}), nil
}

// end closes the transfer: the account is free again, and an invitation as a user that nobody accepted is taken back.
func (s State) end(cmd workflows.Command, e Ended) workflows.Decision {
	e.By, e.At = cmd.Actor, cmd.At
	d := one(cmd, evEnded, e)
	d.Account = s.release(cmd)
	if s.Prep.Sent && s.Prep.Done == "" {
		d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpWithdrawUser, Account: s.AccountID, Email: s.To})
	}
	return d
}

// release gives the account's lock back, unless the change of owner did already.
func (s State) release(cmd workflows.Command) []workflows.Event {
	if s.changed() {
		return nil
	}
	return []workflows.Event{cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockTransfer, Workflow: cmd.Workflow})}
}
