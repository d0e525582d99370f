package integrator

import (
	"context"

	"github.com/keyholder/keyholder/workflows"
)

// inviteOwner lets exactly one invitation stand: it adopts one that is there and sends one only
// after a reading that shows none.
func (s *session) inviteOwner(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	if call.Email == "" {
		return nil, refuse(workflows.RefusedOther, "An invitation to become the owner needs an address.")
	}
	all, err := s.certainTransfers(ctx)
	if err != nil {
		if absent(err) {
			return nil, refuse(workflows.RefusedForbidden,
				"integrator.io does not offer ownership transfers to this token.")
		}
		return nil, err
	}
	if r := adopt(all, call); r != nil {
		return r, nil
	}
	if err := s.settled(); err != nil {
		return nil, err
	}
	made, err := s.sendTransfer(ctx, call.Email)
	if err == nil {
		return &workflows.Receipt{Transfer: made.record(call.Email)}, nil
	}
	if refusedAs(workflows.OpInviteOwner, err) != workflows.RefusedPending {
		return nil, err
	}
	return s.pendingAfterAll(ctx, call, err)
}

// adopt answers for a transfer that is new since the decision: one that can still be accepted, or
// one that was carried out already.
func adopt(all []transfer, call workflows.Call) *workflows.Receipt {
	t, ok := newest(all, func(t transfer) bool { return t.mayBeFor(call) && t.record("").Pending() })
	if !ok {
		t, ok = newest(all, func(t transfer) bool {
			return t.mayBeFor(call) && t.TransferToUser.Email != "" && t.state() == workflows.TransferDone
		})
	}
	if !ok {
		return nil
	}
	out := t.record(call.Email)
	out.Adopted = true
	return &workflows.Receipt{Transfer: out}
}

// pendingAfterAll is asked when integrator.io refuses because of a pending transfer that the
// reading before did not show: ours, if an earlier attempt took effect and the reading was old.
func (s *session) pendingAfterAll(ctx context.Context, call workflows.Call, refusal error) (*workflows.Receipt, error) {
	all, _, err := s.transfers(ctx)
	if err != nil {
		if refusedForGood(err) {
			return nil, refusal
		}
		return nil, err
	}
	if r := adopt(all, call); r != nil {
		return r, nil
	}
	if len(all) == 0 && s.strike() {
		return nil, &againError{why: "integrator.io speaks of a pending transfer but shows none"}
	}
	return nil, refusal
}

// certainTransfers reads the account transfers. It takes an empty answer for none only if the token sees users and
// the answer is the same afterwards.
func (s *session) certainTransfers(ctx context.Context) ([]transfer, error) {
	all, shown, err := s.transfers(ctx)
	if err != nil || shown {
		return all, err
	}
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	if !list.shown {
		return nil, refuse(workflows.RefusedForbidden, emptyList+".")
	}
	all, _, err = s.transfers(ctx)
	return all, err
}

// withdraw cancels and deletes an invitation, reading in between: the new owner may accept at any
// moment. A receipt with a transfer says that they did.
func (s *session) withdraw(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	all, err := s.certainTransfers(ctx)
	if err != nil {
		return nil, err
	}
	t, found := ours(all, call)
	if !found {
		if err := s.unsure("the invitation is not listed"); err != nil {
			return nil, err
		}
		return &workflows.Receipt{}, nil
	}
	call.ID = t.ID
	if !t.accepted() && t.state() == workflows.TransferUnapproved && !t.Dismissed {
		refused := s.put(ctx, transferByID(t.ID)+"/cancel", nil)
		if refused != nil && !refusedForGood(refused) {
			return nil, refused
		}
		if t, found, err = s.reread(ctx, call); err != nil {
			return nil, err
		}
		if found && refused != nil && t.record("").Pending() && !t.accepted() {
			return nil, refused
		}
	}
	switch {
	case !found:
		return &workflows.Receipt{}, nil
	case t.accepted():
		return &workflows.Receipt{Transfer: t.record(call.Email)}, nil
	}
	return s.deleteTransfer(ctx, call)
}

// reread looks at the transfer again.
func (s *session) reread(ctx context.Context, call workflows.Call) (transfer, bool, error) {
	all, err := s.certainTransfers(ctx)
	if err != nil {
		return transfer{}, false, err
	}
	t, found := ours(all, call)
	return t, found, nil
}

// deleteTransfer removes the record, which would stand in the way of the next transfer. One that
// was cancelled but cannot be deleted is as good as withdrawn.
func (s *session) deleteTransfer(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	refused := s.delete(ctx, transferByID(call.ID))
	if refused != nil && !refusedForGood(refused) {
		return nil, refused
	}
	t, found, err := s.reread(ctx, call)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return &workflows.Receipt{}, nil
	case t.accepted():
		return &workflows.Receipt{Transfer: t.record(call.Email)}, nil
	case refused == nil && s.strike():
		return nil, &againError{why: "the deleted transfer is still listed"}
	case t.record("").Pending() && refused != nil:
		return nil, refused
	case t.record("").Pending():
		return nil, refuse(workflows.RefusedOther,
			"integrator.io accepted the deletion but still lists the invitation.")
	}
	return &workflows.Receipt{}, nil
}

// watchTransfer looks at the invitation and at whether the previous owner is listed as a user, where an owner never is.
func (s *session) watchTransfer(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	all, shown, err := s.transfers(ctx)
	if err != nil {
		return nil, err
	}
	known := workflows.ParseMark(call.Known)
	list, err := s.users(ctx)
	if err != nil && !refusedForGood(err) {
		return nil, err
	}
	if !shown && list.shown { // once more, now that the token was seen to work
		if all, _, err = s.transfers(ctx); err != nil {
			return nil, err
		}
	}
	out := &workflows.Transfer{ID: call.ID, Email: call.Email, Status: workflows.TransferMissing}
	t, found := ours(all, call)
	switch {
	case found:
		out = t.record(call.Email)
	case !shown && !list.shown:
		return nil, nil // neither list was shown: nothing is known
	}
	if a, listed := list.find(call.Owner); listed {
		out.OwnerListed, out.OwnerRole = true, a.role()
	} else if !list.shown {
		out.OwnerListed, out.OwnerRole, out.NewUnlisted = known.OwnerListed, known.OwnerRole, known.NewUnlisted
	} else if out.Status == workflows.TransferDone {
		_, listed := list.find(call.Email)
		out.NewUnlisted = !listed
	}
	if !found && !out.OwnerListed && (call.Known == "" || call.Known == absentMark()) {
		return nil, nil // not sent yet
	}
	if out.Mark() == call.Known {
		return nil, nil
	}
	// The list may be behind the transfer, and the previous owner about to appear in it.
	if out.NewUnlisted && !known.NewUnlisted && s.strike() {
		return nil, &againError{why: "the transfer is done, and the previous owner is not listed yet"}
	}
	if !found && known.Status != workflows.TransferMissing {
		if err := s.unsure("the invitation is listed no more"); err != nil {
			return nil, err
		}
	}
	return &workflows.Receipt{Transfer: out}, nil
}
