package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// outside is a small integrator.io: the users of each environment, and what a call does there by
// the promises of package workflows.
type outside struct {
	users     map[string][]*workflows.User // by environment
	forbidden map[string]bool              // operations that the token may not do
	token     bool                         // the token works
	full      bool                         // no seat is left
	blind     bool                         // an environment without users answers an empty list, which proves nothing
	sso       bool
	names     []workflows.Named
	mails     int // invitations sent again
	made      int // records
	log       map[string]workflows.Trace
	touched   map[string]bool // whom Keyholder's own calls wrote, by environment/address
}

func newOutside() *outside {
	o := &outside{users: map[string][]*workflows.User{}, forbidden: map[string]bool{}, token: true,
		touched: map[string]bool{}, log: map[string]workflows.Trace{},
		names: []workflows.Named{{ID: "i1", Name: "Orders to NetSuite"}, {ID: "i2", Name: "Stock to Shopify"},
			{ID: "i3", Name: "Payouts"}}}
	o.join("", "dee@acme.example", workflows.Access{Role: workflows.RoleAdministrator})
	o.join("", "ben@acme.example", workflows.Access{Role: workflows.RoleMonitor})
	o.join("Sandbox", "dee@acme.example", workflows.Access{Role: workflows.RoleAdministrator})
	return o
}

func (o *outside) user(env, email string) *workflows.User {
	for _, u := range o.users[env] {
		if workflows.SameEmail(u.Email, email) {
			return u
		}
	}
	return nil
}

// whom is the user a call is about.
func (o *outside) whom(c workflows.Call) *workflows.User {
	byAddress := o.user(c.Environment, c.Email)
	if c.Who.IsZero() || c.ByAddress && byAddress != nil {
		return byAddress
	}
	for _, u := range o.users[c.Environment] {
		if c.Who.Is(u.Ref()) {
			return u
		}
	}
	if byAddress != nil && c.Who.Other(byAddress.Ref()) {
		return nil
	}
	return byAddress
}

// rename gives a user another address at integrator.io, as they can themselves, in every environment.
func (o *outside) rename(from, to string) {
	for _, users := range o.users {
		for _, u := range users {
			if workflows.SameEmail(u.Email, from) {
				u.Email = to
			}
		}
	}
}

// join makes an address an accepted user with an access, whatever it had.
func (o *outside) join(env, email string, a workflows.Access) *workflows.User {
	u := o.user(env, email)
	if u == nil {
		o.made++
		u = &workflows.User{ID: fmt.Sprintf("a%d-%s", o.made, email), UserID: "p-" + email, Email: email, Since: monday,
			Via: "existing_account_invite"}
		o.users[env] = append(o.users[env], u)
	}
	u.Status = workflows.UserAccepted
	set(u, a)
	return u
}

func set(u *workflows.User, a workflows.Access) {
	u.Role, u.Manage, u.Monitor = a.Role, slices.Clone(a.Manage), slices.Clone(a.Monitor)
}

func (o *outside) drop(env string, gone *workflows.User) {
	o.users[env] = slices.DeleteFunc(o.users[env], func(u *workflows.User) bool { return u == gone })
}

func (o *outside) remove(env, email string) {
	o.users[env] = slices.DeleteFunc(o.users[env], func(u *workflows.User) bool {
		return workflows.SameEmail(u.Email, email)
	})
}

// mark is what somebody has, without whether an invitation was answered.
func (o *outside) mark(env, email string) string {
	u := o.user(env, email)
	if u == nil {
		return workflows.Absent
	}
	m := u.Access().Mark()
	if u.Disabled {
		m += "/disabled"
	}
	return m
}

// perform carries a call out. A nil answer means that it learned nothing.
func (o *outside) perform(c workflows.Call, at time.Time, configured bool) *workflows.Receipt {
	refuse := func(code, words string) *workflows.Receipt {
		return &workflows.Receipt{Op: c.Op, Refused: true, Code: code, Message: words}
	}
	ok := &workflows.Receipt{Op: c.Op, OK: true}
	switch {
	case !configured && c.Op == workflows.OpReadAccess:
		ok.Access = &workflows.AccessReading{At: at, Capabilities: workflows.Capabilities{Token: workflows.No,
			ReadUsers: workflows.No, ChangeUsers: workflows.No},
			Unread: map[string]string{workflows.PartUsers: "no token"}}
		return ok
	case !configured:
		return refuse(workflows.RefusedNoToken, "No token is configured.")
	case !o.token:
		return refuse(workflows.RefusedUnauthorized, "Bearer token is invalid")
	case o.forbidden[c.Op]:
		return refuse(workflows.RefusedForbidden, "Insufficient permissions")
	}
	u := o.whom(c)
	switch c.Op {
	case workflows.OpReadAccess:
		if o.blind && len(o.users[c.Environment]) == 0 {
			ok.Access = &workflows.AccessReading{At: at, Unread: map[string]string{
				workflows.PartUsers: "an empty list"},
				Capabilities: workflows.Capabilities{Token: workflows.Yes, ReadUsers: workflows.Unknown,
					ChangeUsers: workflows.Unknown}}
			return ok
		}
		ok.Access = &workflows.AccessReading{At: at, User: copied(u), Integrations: o.names, SSOEnabled: o.sso,
			Capabilities: workflows.Capabilities{Token: workflows.Yes, ReadUsers: workflows.Yes,
				ChangeUsers: workflows.Unknown}}
	case workflows.OpGrant:
		return o.grant(c, u, ok, refuse)
	case workflows.OpChangeAccess:
		return o.change(c, u, ok, refuse)
	case workflows.OpRemoveAccess:
		if u != nil && c.Known != "" && u.Access().Mark() != c.Known {
			return refuse(workflows.RefusedChanged, "integrator.io shows "+u.Role+" for "+u.Email+
				", which is not the access that was expected.")
		}
		ok.User = copied(u)
		o.wrote(c)
		o.drop(c.Environment, u)
	case workflows.OpWithdrawUser:
		ok.User = copied(u)
		if u != nil && u.Status != workflows.UserAccepted {
			o.wrote(c)
			o.drop(c.Environment, u)
		}
	case workflows.OpReinvite:
		if u == nil {
			return refuse(workflows.RefusedNotUser, c.Email+" is not in the list of users.")
		}
		if u.Status == workflows.UserDismissed {
			u.Status = workflows.UserPending
		}
		if u.Status == workflows.UserPending {
			o.mails++
		}
		ok.User = copied(u)
	case workflows.OpTrace:
		ok.Trace = &workflows.Trace{}
		if t, found := o.log[workflows.GivenKey(c.Environment, c.Email)]; found && !t.At.Before(c.Since) {
			ok.Trace = &t
		}
	case workflows.OpWatchUser:
		if u.Mark() == cmp.Or(c.Known, workflows.Absent) {
			return nil
		}
		ok.User = copied(u)
	case workflows.OpCensus:
		census := &workflows.Census{At: at}
		for _, u := range o.users[c.Environment] {
			census.Users = append(census.Users, *u)
		}
		ok.Census = census
	default:
		return refuse(workflows.RefusedOther, "unknown operation "+c.Op)
	}
	return ok
}

func (o *outside) wrote(c workflows.Call) {
	o.touched[workflows.GivenKey(c.Environment, c.Email)] = true
}

func (o *outside) grant(c workflows.Call, u *workflows.User, ok *workflows.Receipt,
	refuse func(code, words string) *workflows.Receipt) *workflows.Receipt {
	switch {
	case u != nil && u.Access().Mark() == c.Access.Mark():
		if u.Status == workflows.UserDismissed {
			u.Status = workflows.UserPending
		}
	case u != nil:
		return refuse(workflows.RefusedAlreadyUser, u.Email+" is in the list of users already.")
	case o.full:
		return refuse(workflows.RefusedNoSeats, "entitlement_reached")
	default:
		u = o.join(c.Environment, c.Email, *c.Access)
		u.Status, u.MFA, u.Since = workflows.UserPending, c.Access.Role == workflows.RoleAdministrator && !o.sso, monday
		u.SSO = c.Access.Role == workflows.RoleAdministrator && o.sso
		o.wrote(c)
	}
	ok.User = copied(u)
	return ok
}

func (o *outside) change(c workflows.Call, u *workflows.User, ok *workflows.Receipt,
	refuse func(code, words string) *workflows.Receipt) *workflows.Receipt {
	switch {
	case u == nil:
		return refuse(workflows.RefusedNotUser, c.Email+" is not a user.")
	case u.Access().Mark() == c.Access.Mark():
	case c.Known != "" && u.Access().Mark() != c.Known:
		return refuse(workflows.RefusedChanged, "integrator.io shows "+u.Role+" for "+u.Email+
			", which is not the access that was expected.")
	default:
		set(u, *c.Access)
		if c.Required != nil {
			u.MFA, u.SSO = c.Required.MFA, c.Required.SSO
		} else {
			u.MFA = u.MFA || c.Access.Role == workflows.RoleAdministrator
		}
		o.wrote(c)
	}
	ok.User = copied(u)
	return ok
}

func copied(u *workflows.User) *workflows.User {
	if u == nil {
		return nil
	}
	c := *u
	c.Manage, c.Monitor = slices.Clone(u.Manage), slices.Clone(u.Monitor)
	return &c
}

// accessOf reads "manage" or "custom:i1,i2;i3" (managed; monitored).
func accessOf(text string) workflows.Access {
	role, lists, _ := strings.Cut(text, ":")
	a := workflows.Access{Role: role}
	if lists != "" {
		manage, monitor, _ := strings.Cut(lists, ";")
		a.Manage, a.Monitor = words(manage), words(monitor)
	}
	return a
}

func words(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
