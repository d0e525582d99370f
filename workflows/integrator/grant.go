package integrator

import (
	"context"
	"net/http"

	"github.com/keyholder/keyholder/workflows"
)

// invitation is the body of POST /v1/invite. What is nil or empty is left out.
type invitation struct {
	Email   string       `json:"email"`
	Level   string       `json:"accessLevel,omitempty"`
	Grants  []grantEntry `json:"integrationAccessLevel,omitzero"`
	NeedSSO *bool        `json:"accountSSORequired,omitempty"`
	NeedMFA *bool        `json:"accountMFARequired,omitempty"`
}

// plainInvitation has every field, so that nothing rests on defaults. An administrator has to use a second factor.
func plainInvitation(email, role string) invitation {
	sso, mfa := false, role == workflows.RoleAdministrator
	return invitation{Email: email, Level: role, Grants: []grantEntry{}, NeedSSO: &sso, NeedMFA: &mfa}
}

// exactInvitation has the address and the access, and for an administrator what they have to sign in with.
func (s *session) exactInvitation(ctx context.Context, email string, want workflows.Access) (invitation, error) {
	out := invitation{Email: email}
	out.Level, out.Grants = wire(want)
	if want.Role != workflows.RoleAdministrator {
		return out, nil
	}
	sso, err := s.asksForSSO(ctx)
	yes := true
	if sso {
		out.NeedSSO = &yes
	} else {
		out.NeedMFA = &yes
	}
	return out, err
}

// invite sends one invitation.
func (s *session) invite(ctx context.Context, body invitation) (ashare, error) {
	var out ashare
	a, err := s.do(ctx, http.MethodPost, "/v1/invite", body)
	if err != nil {
		return out, s.written(err)
	}
	err = decode(http.MethodPost, a, &out)
	if err == nil && out.ID == "" {
		err = &unreadableError{http.MethodPost, "/v1/invite", "it has no _id"}
	}
	return out, s.written(err)
}

// grant invites an address with exactly one access, and adopts what grants it already.
func (s *session) grant(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	want, err := wanted(call)
	if err != nil {
		return nil, err
	}
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	if a, found := list.whom(call); found {
		return s.adoptGrant(ctx, call, want, a)
	}
	if id := s.invitation(); id != "" { // sent by an earlier delivery; the list is old
		return s.checkGrant(ctx, want, ashare{ID: id})
	}
	body, err := s.exactInvitation(ctx, call.Email, want)
	if err != nil {
		return nil, err
	}
	if err := s.settled(); err != nil {
		return nil, err
	}
	made, err := s.invite(ctx, body)
	if err == nil {
		s.invited(made.ID)
		return s.checkGrant(ctx, want, made)
	}
	if refusedAs(workflows.OpGrant, err) != workflows.RefusedAlreadyUser {
		return nil, err
	}
	return s.grantedAfterAll(ctx, call, want, err)
}

// grantedAfterAll is asked when integrator.io says that the address has access, which the list before did not show.
func (s *session) grantedAfterAll(ctx context.Context, call workflows.Call, want workflows.Access,
	refusal error) (*workflows.Receipt, error) {
	list, err := s.users(ctx)
	switch {
	case err != nil && !refusedForGood(err):
		return nil, err
	case err != nil:
		return nil, refusal
	}
	if a, found := list.whom(call); found {
		return s.adoptGrant(ctx, call, want, a)
	}
	if s.strike() {
		return nil, &againError{why: "integrator.io says that the user has access but does not list them"}
	}
	return nil, refusal
}

// adoptGrant answers for a user who is listed: with the very access it is success. The list may be
// old, so the record itself is read before anything rests on it.
func (s *session) adoptGrant(ctx context.Context, call workflows.Call, want workflows.Access,
	a ashare) (*workflows.Receipt, error) {
	if a.ID == s.invitation() {
		return s.checkGrant(ctx, want, a)
	}
	now, _, found, err := s.ashare(ctx, a.ID)
	switch {
	case refusedForGood(err) && status(err) != http.StatusUnauthorized:
		now = a // single records are not shown to this token
	case err != nil:
		return nil, err
	case !found && s.strike():
		return nil, &againError{why: "the user is listed, but gone"}
	case !found:
		return nil, refuse(workflows.RefusedOther, "integrator.io lists "+call.Email+" but does not show the record.")
	}
	switch {
	case now.access().Mark() != want.Mark():
		if err := s.unsure("the user has another access"); err != nil {
			return nil, err
		}
		return nil, refuse(workflows.RefusedAlreadyUser, call.Email+" is in the list of users already, as "+
			now.status()+" with "+describe(now.access())+".")
	case now.status() == workflows.UserDismissed:
		return s.reinvite(ctx, now)
	}
	return &workflows.Receipt{User: now.user()}, nil
}

// checkGrant reads the invitation that was sent and compares it. Made is integrator.io's own
// answer; it has to do where the record may not be read. An invitation that was answered is never
// sent twice.
func (s *session) checkGrant(ctx context.Context, want workflows.Access, made ashare) (*workflows.Receipt, error) {
	now, _, found, err := s.ashare(ctx, made.ID)
	switch {
	case refusedForGood(err) && made.SharedWithUser.Email != "":
		now = made
	case err != nil:
		return nil, err
	case !found && s.strike():
		return nil, &againError{why: "the invitation does not show yet"}
	case !found:
		return nil, refuse(workflows.RefusedOther, "integrator.io accepted the invitation but does not list it.")
	}
	if wrong := differs(want, want.Role == workflows.RoleAdministrator, now); wrong != "" {
		return nil, refuse(workflows.RefusedOther, "integrator.io accepted the invitation of "+now.SharedWithUser.Email+
			" but "+wrong+".")
	}
	return &workflows.Receipt{User: now.user()}, nil
}
