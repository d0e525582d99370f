package transfer

import (
	"fmt"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// outside is a small integrator.io: one account with its users, its transfers and what the checks
// look at. What a call does here follows the promises of package workflows for each operation.
type outside struct {
	owner     string
	users     []*workflows.User
	transfers []*record
	made      int // transfers made so far, for their IDs
	errors    []workflows.Count
	jobs      int
	gaps      []string
	shared    []workflows.Resource
	token     bool            // the token works
	forbidden map[string]bool // operations that the token may not do; "read_transfers" too
	elsewhere map[string]bool // addresses that are users of another account
	full      bool            // no seat is left
	sso       bool            // the target must use SSO and is not linked
}

// record is a transfer at integrator.io; ByHand when a person sent it in the pages.
type record struct {
	workflows.Transfer
	ByHand bool
}

func newOutside(owner string) *outside {
	return &outside{owner: owner, token: true, forbidden: map[string]bool{}, elsewhere: map[string]bool{},
		users: []*workflows.User{{ID: "u-dee", Email: "dee@acme.example", Role: "administrator",
			Status: workflows.UserAccepted}}}
}

func (o *outside) user(email string) *workflows.User {
	for _, u := range o.users {
		if workflows.SameEmail(u.Email, email) {
			return u
		}
	}
	return nil
}

// join makes an address an accepted user.
func (o *outside) join(email, role string) {
	if u := o.user(email); u != nil {
		u.Status = workflows.UserAccepted
		return
	}
	o.users = append(o.users, &workflows.User{ID: "u-" + email, Email: email, Role: role,
		Status: workflows.UserAccepted})
}

func (o *outside) remove(email string) {
	o.users = slices.DeleteFunc(o.users, func(u *workflows.User) bool { return workflows.SameEmail(u.Email, email) })
}

// pending is the invitation that can still be accepted.
func (o *outside) pending() *record {
	for _, t := range o.transfers {
		if t.Status == workflows.TransferUnapproved && !t.Dismissed {
			return t
		}
	}
	return nil
}

// invite is what the owner does in the pages, or a call does.
func (o *outside) invite(email string) *record {
	o.made++
	t := &record{Transfer: workflows.Transfer{ID: fmt.Sprintf("x%d", o.made), Email: email,
		Status: workflows.TransferUnapproved}}
	o.transfers = append(o.transfers, t)
	return t
}

// accept is the new owner pressing Accept there.
func (o *outside) accept() bool {
	t := o.pending()
	if t == nil {
		return false
	}
	t.Status = workflows.TransferDone
	before := o.owner
	o.owner = t.Email
	o.remove(t.Email)
	o.users = append(o.users, &workflows.User{ID: "u-" + before, Email: before, Role: RoleManage,
		Status: workflows.UserAccepted})
	return true
}

func (o *outside) reading(c workflows.Call, at time.Time, token bool) *workflows.Reading {
	r := &workflows.Reading{At: at, Capabilities: workflows.Capabilities{Token: workflows.No, ReadUsers: workflows.No,
		ReadTransfers: workflows.No,
		ChangeUsers:   workflows.No, Start: workflows.No}, Unread: map[string]string{}}
	if !token {
		r.Unread[workflows.PartUsers] = "no token"
		return r
	}
	r.Capabilities = workflows.Capabilities{Token: workflows.Yes, ReadUsers: workflows.Yes,
		ReadTransfers: workflows.Yes, ChangeUsers: workflows.Unknown,
		Start: workflows.Unknown}
	r.UserID, r.UserCount, r.Jobs = "5f0a", len(o.users), o.jobs
	r.Errors, r.Shared, r.StackGaps = slices.Clone(o.errors), slices.Clone(o.shared), slices.Clone(o.gaps)
	if u := o.whom(c); u != nil {
		seen := *u
		if o.sso {
			seen.SSO, seen.SSOLinked = true, "not_linked"
		}
		r.Target = &seen
	}
	r.Owner = copied(o.user(c.Owner))
	for _, u := range o.users {
		if u.Role == RoleAdministrator && u.Status == workflows.UserAccepted && !u.Disabled {
			r.Admins = append(r.Admins, *u)
		}
	}
	if o.forbidden["read_transfers"] {
		r.Capabilities.ReadTransfers, r.Capabilities.Start = workflows.No, workflows.No
		r.Unread[workflows.PartTransfers] = "the token may not read this (403)"
		return r
	}
	for _, t := range o.transfers {
		r.Transfers = append(r.Transfers, t.Transfer)
	}
	return r
}

// perform carries a call out. A nil answer of a watch means that it learned nothing.
func (o *outside) perform(c workflows.Call, at time.Time, configured bool) *workflows.Receipt {
	refuse := func(code, words string) *workflows.Receipt {
		return &workflows.Receipt{Op: c.Op, Refused: true, Code: code, Message: words}
	}
	ok := &workflows.Receipt{Op: c.Op, OK: true}
	switch {
	case !configured && c.Op == workflows.OpInspect:
		ok.Reading = o.reading(c, at, false)
		return ok
	case !configured:
		return refuse(workflows.RefusedNoToken, "No token is configured.")
	case !o.token:
		return refuse(workflows.RefusedUnauthorized, "Bearer token is invalid")
	case o.forbidden[c.Op]:
		return refuse(workflows.RefusedForbidden, "Insufficient permissions")
	}
	switch c.Op {
	case workflows.OpInspect:
		ok.Reading = o.reading(c, at, true)
	case workflows.OpInviteOwner:
		return o.inviteOwner(c, ok, refuse)
	case workflows.OpWithdraw:
		return o.withdraw(c, ok)
	case workflows.OpWatchTransfer:
		return o.watch(c, ok, refuse)
	case workflows.OpInviteUser:
		return o.inviteUser(c, ok, refuse)
	case workflows.OpWatchUser:
		known := c.Known
		if known == "" {
			known = (*workflows.User)(nil).Mark()
		}
		if o.whom(c).Mark() == known {
			return nil
		}
		ok.User = copied(o.whom(c))
	case workflows.OpSetRole:
		u := o.whom(c)
		if u == nil {
			return refuse(workflows.RefusedNotUser, "")
		}
		u.Role = c.Role
		ok.User = copied(u)
	case workflows.OpRemoveUser:
		if u := o.whom(c); u != nil {
			ok.User = copied(u)
			o.remove(u.Email)
		}
	case workflows.OpRemoveAccess:
		u := o.whom(c)
		if u != nil && c.Known != "" && u.Role != c.Known {
			return refuse(workflows.RefusedChanged, "")
		}
		ok.User = copied(u)
		if u != nil {
			o.remove(u.Email)
		}
	default:
		return refuse(workflows.RefusedOther, "unknown operation "+c.Op)
	}
	return ok
}

// whom is the user that a call is about: by what it knows of them, else by address.
func (o *outside) whom(c workflows.Call) *workflows.User {
	for _, u := range o.users {
		if c.Who.Is(u.Ref()) {
			return u
		}
	}
	if u := o.user(c.Email); u != nil && !c.Who.Other(u.Ref()) {
		return u
	}
	return nil
}

func (o *outside) inviteOwner(c workflows.Call, ok *workflows.Receipt,
	refuse func(code, words string) *workflows.Receipt) *workflows.Receipt {
	for _, t := range o.transfers {
		if workflows.SameEmail(t.Email, c.Email) && !slices.Contains(c.Seen, t.ID) &&
			(t.Pending() || t.Status == workflows.TransferDone) {
			ok.Transfer = copied(&t.Transfer)
			ok.Transfer.Adopted = true
			return ok
		}
	}
	u := o.user(c.Email)
	switch {
	case o.pending() != nil:
		return refuse(workflows.RefusedPending, "An account transfer is already pending.")
	case u == nil || u.Status != workflows.UserAccepted:
		return refuse(workflows.RefusedNotUser, "Not a user")
	case u.Disabled:
		return refuse(workflows.RefusedDisabled, "User is disabled")
	case o.elsewhere[c.Email]:
		return refuse(workflows.RefusedMultipleOrgs,
			"Cannot transfer account ownership to selected user as he is part of multiple organizations.")
	}
	ok.Transfer = copied(&o.invite(c.Email).Transfer)
	return ok
}

// find is the transfer a call speaks of.
func (o *outside) find(c workflows.Call) *record {
	for _, t := range slices.Backward(o.transfers) {
		if c.ID != "" && t.ID == c.ID || c.ID == "" && workflows.SameEmail(t.Email, c.Email) && !slices.Contains(c.Seen,
			t.ID) {
			return t
		}
	}
	return nil
}

func (o *outside) withdraw(c workflows.Call, ok *workflows.Receipt) *workflows.Receipt {
	t := o.find(c)
	switch {
	case t == nil:
	case t.Status == workflows.TransferDone, t.Status == workflows.TransferQueued,
		t.Status == workflows.TransferStarted:
		ok.Transfer = copied(&t.Transfer)
	default:
		o.transfers = slices.DeleteFunc(o.transfers, func(x *record) bool { return x == t })
	}
	return ok
}

func (o *outside) watch(c workflows.Call, ok *workflows.Receipt,
	refuse func(code, words string) *workflows.Receipt) *workflows.Receipt {
	if o.forbidden["read_transfers"] {
		return refuse(workflows.RefusedForbidden, "Insufficient permissions")
	}
	out := &workflows.Transfer{ID: c.ID, Email: c.Email, Status: workflows.TransferMissing}
	found := o.find(c)
	if found != nil {
		out = copied(&found.Transfer)
	}
	if u := o.user(c.Owner); u != nil {
		out.OwnerListed, out.OwnerRole = true, u.Role
	} else if found != nil && out.Status == workflows.TransferDone && o.user(c.Email) == nil {
		out.NewUnlisted = true
	}
	if found == nil && !out.OwnerListed && (c.Known == "" || c.Known == "absent") || out.Mark() == c.Known {
		return nil
	}
	ok.Transfer = out
	return ok
}

func (o *outside) inviteUser(c workflows.Call, ok *workflows.Receipt,
	refuse func(code, words string) *workflows.Receipt) *workflows.Receipt {
	if u := o.user(c.Email); u == nil {
		if o.full {
			return refuse(workflows.RefusedNoSeats, "entitlement_reached")
		}
		o.users = append(o.users, &workflows.User{ID: "u-" + c.Email, Email: c.Email, Role: c.Role,
			Status: workflows.UserPending})
	}
	ok.User = copied(o.user(c.Email))
	return ok
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}
