package integrator

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// change is one rewriting of a user's record.
type change struct {
	email   string
	who     workflows.UserRef
	want    workflows.Access
	known   string // the mark it must have before, "" for any
	secured bool   // a new administrator has to use a second factor or SSO
	careful bool   // what could not be restored is not erased
	require *workflows.Required
}

// setRole changes the account's access level of one user and nothing else.
func (s *session) setRole(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	if !slices.Contains(roles, call.Role) {
		return nil, refuse(workflows.RefusedOther, "The roles that can be given are administrator, manage and monitor.")
	}
	return s.rewrite(ctx, change{email: call.Email, who: call.Who, want: workflows.Access{Role: call.Role}})
}

// changeAccess gives a user another access, if they have the one that Call.Known names.
func (s *session) changeAccess(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	want, err := wanted(call)
	if err != nil {
		return nil, err
	}
	return s.rewrite(ctx, change{email: call.Email, who: call.Who, want: want, known: call.Known, careful: true,
		secured: want.Role == workflows.RoleAdministrator && call.Required == nil, require: call.Required})
}

// rewrite reads the record, sends it with the access changed, and reads it again: PUT replaces, and
// erases what it leaves out.
func (s *session) rewrite(ctx context.Context, c change) (*workflows.Receipt, error) {
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	listed, found := list.whom(workflows.Call{Email: c.email, Who: c.who})
	if !found {
		return nil, s.notListed(list, c.email)
	}
	rec, raw, found, err := s.ashare(ctx, listed.ID)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, s.notListed(list, c.email)
	case rec.access().Mark() == c.want.Mark():
		return &workflows.Receipt{User: rec.user()}, nil
	}
	if err := s.expect(rec, c.known); err != nil {
		return nil, err
	}
	if c.careful && rec.role() == workflows.RoleCustom && slices.ContainsFunc(rec.grants(), func(g grantEntry) bool {
		return !g.known()
	}) {
		return nil, refuse(workflows.RefusedOther, c.email+
			" has a level on an integration that this version of Keyholder does not know, and would erase. Change it at integrator.io.")
	}
	if err := s.edit(ctx, c, rec, raw); err != nil {
		return nil, err
	}
	if err := s.settled(); err != nil {
		return nil, err
	}
	if err := s.put(ctx, ashareByID(rec.ID), raw); err != nil {
		if absent(err) {
			return nil, s.notListed(list, c.email)
		}
		return nil, err
	}
	return s.readBack(ctx, c, rec.ID, list)
}

// edit puts the access into the record's fields and touches no other one.
func (s *session) edit(ctx context.Context, c change, rec ashare, raw map[string]json.RawMessage) error {
	if c.secured && !rec.AccountMFARequired && !rec.AccountSSORequired {
		sso, err := s.asksForSSO(ctx)
		if err != nil {
			return err
		}
		// SSO required there would lock them out here
		if sso && rec.SharedWithUser.AccountSSOLinked != "other_account" {
			raw["accountSSORequired"] = json.RawMessage("true")
		} else {
			raw["accountMFARequired"] = json.RawMessage("true")
		}
	}
	if c.require != nil {
		raw["accountMFARequired"], raw["accountSSORequired"] = encoded(c.require.MFA), encoded(c.require.SSO)
	}
	level, grants := wire(c.want)
	if level == "" {
		delete(raw, "accessLevel")
	} else {
		raw["accessLevel"] = encoded(level)
	}
	raw["integrationAccessLevel"] = encoded(merged(rec, grants))
	return nil
}

// merged is the list of grants to write: entries that stay keep their place and whatever else they hold.
func merged(rec ashare, want []grantEntry) []json.RawMessage {
	out := []json.RawMessage{}
	for i, g := range rec.grants() {
		if at := slices.Index(want, g); at >= 0 {
			out = append(out, rec.IntegrationAccessLevel[i])
			want = slices.Delete(want, at, at+1)
		}
	}
	for _, g := range want {
		out = append(out, encoded(g))
	}
	return out
}

// encoded is JSON of texts and lists of them, which always encode.
func encoded(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("integrator: a record's field cannot be encoded: " + err.Error())
	}
	return raw
}

// readBack compares what integrator.io shows after a write with what was wanted.
func (s *session) readBack(ctx context.Context, c change, id string, list roster) (*workflows.Receipt, error) {
	now, _, found, err := s.ashare(ctx, id)
	var api *APIError
	switch {
	case errors.As(err, &api) && !passing(api):
		return nil, refuse(refusalCode(workflows.OpChangeAccess, api),
			"The change was written but cannot be read back: "+api.words())
	case err != nil:
		return nil, err
	case !found:
		return nil, s.notListed(list, c.email)
	}
	wrong := differs(c.want, c.secured, now)
	if wrong == "" {
		return &workflows.Receipt{User: now.user()}, nil
	}
	if now.access().Mark() != c.want.Mark() && s.strike() {
		// Not before it had time to show is the record read, and only then written, again.
		return nil, s.written(&unreadableError{"PUT", ashareByID(id), "the new access does not show yet"})
	}
	return nil, refuse(workflows.RefusedOther, "integrator.io accepted the change of "+c.email+" but "+wrong+".")
}

// asksForSSO reports whether the account has a single sign-on client that is switched on. Where the
// token may not know, it counts as none.
func (s *session) asksForSSO(ctx context.Context) (bool, error) {
	on, err := s.ssoEnabled(ctx)
	if refusedForGood(err) && status(err) != 401 {
		return false, nil
	}
	return on, err
}
