package transfer

import (
	"errors"
	"slices"

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
	if _, err := s.ballot(f).Cast(cmd.Actor.ID, approvals.Refuse, "", eligible(f, s.Electorate), f.Delegations, cmd.At); err != nil {
		return workflows.Decision{}, notTaken(s, cmd.Actor.ID, err)
	}
	why, modal := askWhy(s, cmd, "Refuse", "Refuse this transfer? That ends it at once and cannot be undone.", nil, true)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	if why == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockReason, "reason_missing", "Please say why you refuse; the one who asked reads it.")
	}
	return vote(s, cmd, f, approvals.Refuse, why)
}

// vote casts and counts. Everybody's standing is the one of now, earlier voters included.
func vote(s State, cmd workflows.Command, f workflows.Facts, choice approvals.Choice, why string) (workflows.Decision, error) {
	if s.Phase != Confirming {
		return workflows.Decision{}, refused("not_now", "This transfer does not ask for confirmations now. Nothing was recorded. "+stageLine(s))
	}
	st := eligible(f, s.Electorate)
	approved := cmd.Event(evApproved, until{Until: cmd.At.Add(s.Policy.Cooldown)})
	ballot := s.ballot(f)
	votes, err := ballot.Cast(cmd.Actor.ID, choice, why, st, f.Delegations, cmd.At)
	if choice == approvals.Approve && len(s.blocking(s.Checks)) > 0 && (err == nil || enough(err)) {
		return workflows.Decision{}, refused("blocked", "A check is in the way, so nobody can confirm just now. Nothing was recorded. When it is mended or waived, your card shows Confirm again.")
	}
	if why := s.left(f); why != "" && choice == approvals.Approve && enough(err) {
		return s.endAsLeft(cmd, why), nil
	}
	if choice == approvals.Approve && enough(err) {
		// A voter who was away is back, and with their vote it was approved before this click.
		return workflows.Decision{Events: []workflows.Event{approved}, Reply: workflows.Reply{Text: "Enough people had confirmed already, so yours was not needed and is not counted. The transfer goes on."}}, nil
	}
	if err != nil {
		return workflows.Decision{}, notTaken(s, cmd.Actor.ID, err)
	}
	if why := s.left(f); why != "" && choice == approvals.Approve {
		return s.endAsLeft(cmd, why), nil
	}
	b := ballot
	b.Votes = slices.Concat(b.Votes, votes)
	t := b.Judge(st, f.Delegations, cmd.At)
	d := one(cmd, evVoted, voted{Votes: votes, Standing: relevant(st, s, votes), Given: len(t.Counted), Waiting: t.Waiting, Bars: s.newBars(f)})
	switch t.Outcome {
	case approvals.Approved:
		d.Events = append(d.Events, approved)
	case approvals.Refused:
		more := s.end(cmd, Ended{Outcome: Refused, Reason: why})
		d.Events = append(d.Events, more.Events...)
		d.Account, d.Calls = more.Account, more.Calls
	}
	return d, nil
}

// enough reports whether a vote was not taken because the ballot is approved already.
func enough(err error) bool {
	var r *approvals.Refusal
	return errors.As(err, &r) && r.Code == approvals.CodeClosed && r.Detail == string(approvals.Approved)
}

// relevant is what was known of the people whose votes are counted, kept as evidence.
func relevant(st approvals.Standing, s State, votes []approvals.Vote) approvals.Standing {
	out := approvals.Standing{}
	for _, v := range slices.Concat(votes, s.Ballot.Votes) {
		out[v.Seat], out[v.By] = st.Code(v.Seat), st.Code(v.By)
	}
	return out
}

// delegated asks the delegates of those who have not answered, too.
func delegated(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Closed() || s.Phase != Confirming || s.Ending != nil {
		return workflows.Decision{}, nil
	}
	t := s.ballot(f).Judge(eligible(f, s.Electorate), f.Delegations, cmd.At)
	if slices.Equal(t.Waiting, s.Waiting) {
		return workflows.Decision{}, nil
	}
	return one(cmd, evAsked, asking{Asked: t.Waiting}), nil
}

// notTaken turns the refusal of a vote into a sentence.
func notTaken(s State, who string, err error) error {
	s.Waiting = slices.DeleteFunc(slices.Clone(s.Waiting), func(id string) bool { return id == who })
	var r *approvals.Refusal
	if !errors.As(err, &r) {
		return err
	}
	return refused(r.Code, voteSentence(s, r.Code, r.Detail))
}

// cancel ends the transfer before anything was sent.
func cancel(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, []string{s.Requester}, s.Holders, s.Admins) {
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

// end closes the transfer: the account is free again, and what was given is taken back first.
func (s State) end(cmd workflows.Command, e Ended) workflows.Decision {
	return s.endBy(cmd, cmd.Actor, e)
}

// endBy ends it in the name of whoever wanted that before the command came. Access that the transfer gave is taken back first, accepted or
// not, and the end waits for integrator.io's word.
func (s State) endBy(cmd workflows.Command, by workflows.Actor, e Ended) workflows.Decision {
	e.By, e.At, e.Stage = by, cmd.At, s.Phase
	if s.gave() {
		d := one(cmd, evEnding, Ending{Outcome: e.Outcome, Reason: e.Reason, By: by, TakesBack: true, Stage: e.Stage, Code: e.Code, Message: e.Message, Left: e.Left})
		d.Calls = []workflows.Call{{Op: workflows.OpRemoveAccess, Account: s.AccountID, Email: s.To, Known: workflows.Access{Role: RoleMonitor}.Mark()}}
		return d
	}
	return s.over(cmd, e)
}

// over ends it now.
func (s State) over(cmd workflows.Command, e Ended) workflows.Decision {
	d := one(cmd, evEnded, e)
	d.Account = s.release(cmd)
	return d
}

// gave reports whether the transfer made the target a user of the account, or may have, and still has to take that back.
func (s State) gave() bool { return (s.Prep.Sent || s.Prep.Sending) && !s.changed() }

// tookBack decides what became of the access that was to be taken back: the transfer is over.
func tookBack(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	end := s.Ending
	if end == nil || !end.TakesBack {
		return workflows.Decision{}, nil
	}
	e := Ended{Outcome: end.Outcome, Reason: end.Reason, By: end.By, At: cmd.At, Stage: end.Stage, Code: end.Code, Message: end.Message, Left: end.Left}
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
	return []workflows.Event{cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockTransfer, Workflow: cmd.Workflow})}
}
