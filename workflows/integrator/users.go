package integrator

import (
	"context"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// words for an empty answer that proves nothing.
const emptyList = "integrator.io returned no list; a token that lost its rights reads an empty list too"

// roles are the levels of a whole account.
var roles = []string{workflows.RoleAdministrator, workflows.RoleManage, workflows.RoleMonitor}

// inviteUser invites an address, adopts what is there already, and sends a declined invitation again.
func (s *session) inviteUser(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	if call.Email == "" || !slices.Contains(roles, call.Role) {
		return nil, refuse(workflows.RefusedOther,
			"An invitation needs an address and one of the roles administrator, manage and monitor.")
	}
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	if a, found := list.whom(call); found {
		if !a.Dismissed || a.Accepted {
			return &workflows.Receipt{User: a.user()}, nil
		}
		return s.reinvite(ctx, a)
	}
	if err := s.settled(); err != nil {
		return nil, err
	}
	made, err := s.invite(ctx, plainInvitation(call.Email, call.Role))
	if err == nil {
		u := made.user()
		if u.Email == "" {
			u.Email = call.Email
		}
		return &workflows.Receipt{User: u}, nil
	}
	if refusedAs(workflows.OpInviteUser, err) != workflows.RefusedAlreadyUser {
		return nil, err
	}
	// The list was older than the invitation.
	if list, again := s.users(ctx); again == nil {
		if a, found := list.whom(call); found {
			return &workflows.Receipt{User: a.user()}, nil
		}
	} else if !refusedForGood(again) {
		return nil, again
	}
	if s.strike() {
		return nil, &againError{why: "integrator.io says that the user has access but does not list them"}
	}
	return nil, err
}

func (s *session) reinvite(ctx context.Context, a ashare) (*workflows.Receipt, error) {
	if err := s.settled(); err != nil {
		return nil, err
	}
	if err := s.put(ctx, ashareByID(a.ID)+"/reinvite", nil); err != nil {
		return nil, err
	}
	s.g.memory.change(s.claim.Effect.ID, s.g.now(), func(m *memo) { m.mailed = true })
	now, _, found, err := s.ashare(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if !found || now.status() == workflows.UserDismissed {
		if s.strike() { // each repetition is a mail: not before it had time to show
			return nil, s.written(&unreadableError{"PUT", ashareByID(a.ID) + "/reinvite",
				"the invitation still shows as declined"})
		}
		return nil, refuse(workflows.RefusedOther,
			"integrator.io accepted the repeated invitation but still shows it as declined.")
	}
	return &workflows.Receipt{User: now.user()}, nil
}

// notListed is the refusal for a user that is not there, or not to be seen.
func (s *session) notListed(list roster, email string) error {
	if !list.shown {
		return refuse(workflows.RefusedForbidden, emptyList+".")
	}
	if err := s.unsure("the user is not listed"); err != nil {
		return err
	}
	return refuse(workflows.RefusedNotUser, email+" is not in integrator.io's list of users.")
}

// removeUser switches a user off, which takes effect at once and can be undone, and then deletes
// the record. A Known that is not empty is the access it must find.
func (s *session) removeUser(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	a, found := list.whom(call)
	if !found {
		return s.nothingToRemove(ctx, list)
	}
	if call.Known != "" { // the list may be old, and what somebody else changed since is not removed
		if a, _, found, err = s.ashare(ctx, a.ID); err != nil {
			return nil, err
		}
		if !found {
			return s.nothingToRemove(ctx, list)
		}
		if err := s.expect(a, call.Known); err != nil {
			return nil, err
		}
	}
	if a.Accepted && !a.Disabled {
		if err := s.disable(ctx, a.ID); err != nil {
			return nil, err
		}
	}
	return s.deleteUser(ctx, a)
}

// withdrawUser takes back an invitation that nobody accepted. Somebody who accepted meanwhile stays as they are.
func (s *session) withdrawUser(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	a, found := list.whom(call)
	switch {
	case !found:
		return s.nothingToRemove(ctx, list)
	case a.Accepted:
		return &workflows.Receipt{User: a.user()}, nil
	}
	return s.deleteUser(ctx, a)
}

// deleteUser deletes the record and reads that it is gone.
func (s *session) deleteUser(ctx context.Context, a ashare) (*workflows.Receipt, error) {
	if err := s.delete(ctx, ashareByID(a.ID)); err != nil && !absent(err) {
		return nil, err
	}
	_, _, found, err := s.ashare(ctx, a.ID)
	switch {
	case err != nil && !refusedForGood(err):
		return nil, err
	case found && s.strike():
		return nil, &againError{why: "the user is still listed"}
	case found:
		return nil, refuse(workflows.RefusedOther, "integrator.io accepted the removal but still lists the user.")
	}
	return &workflows.Receipt{User: a.user()}, nil
}

// disable uses the toggle exactly once: it is called for an enabled user only, and after an unclear
// answer the next delivery reads first.
func (s *session) disable(ctx context.Context, id string) error {
	if err := s.settled(); err != nil {
		return err
	}
	if err := s.put(ctx, ashareByID(id)+"/disable", nil); err != nil {
		if refusedForGood(err) && status(err) != 401 && status(err) != 403 {
			return nil // it cannot be switched off; deleting is what was asked for
		}
		return err
	}
	now, _, found, err := s.ashare(ctx, id)
	if err == nil && found && !now.Disabled && s.strike() {
		return s.written(&unreadableError{"PUT", ashareByID(id) + "/disable", "the user still shows as enabled"})
	}
	return err
}

// nothingToRemove is success when the absence is certain: an empty answer counts only if the same
// token still sees transfers.
func (s *session) nothingToRemove(ctx context.Context, list roster) (*workflows.Receipt, error) {
	if list.shown {
		if err := s.unsure("the user is not listed"); err != nil {
			return nil, err
		}
		return &workflows.Receipt{}, nil
	}
	_, shown, err := s.transfers(ctx)
	if err != nil && !refusedForGood(err) {
		return nil, err
	}
	if err == nil && shown {
		return &workflows.Receipt{}, nil
	}
	return nil, refuse(workflows.RefusedForbidden, emptyList+".")
}

// watchUser answers a receipt when the user is not what Call.Known says. An empty Known stands for "absent".
func (s *session) watchUser(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	var u *workflows.User
	if a, found := list.whom(call); found {
		u = a.user()
	} else if !list.shown {
		return nil, nil
	}
	known := call.Known
	if known == "" {
		known = absentMark()
	}
	if u.Mark() == known {
		return nil, nil
	}
	if u == nil {
		if err := s.unsure("the user is listed no more"); err != nil {
			return nil, err
		}
	}
	return &workflows.Receipt{User: u}, nil
}

// absentMark is the mark of a user that is not there; that of a transfer is the same.
func absentMark() string { return (*workflows.User)(nil).Mark() }
