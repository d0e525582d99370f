package population

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// UserRows makes one row per user of an environment ("" is production), sorted by address. Declined
// invitations are rows, too (see userFlags). account is the account's record: what decisions gave,
// and what is open about an access; at is when the population is frozen.
//
// Decision and Until are set only when that decision gave exactly the access that was found, so
// that whoever samples a row can trace it to its approval; an access that is another has none, and
// is flagged where it is wider.
func UserRows(environment string, c workflows.Census, st Started, account workflows.AccountState, at time.Time) []Row {
	names := make(map[string]string, len(c.Integrations))
	for _, n := range c.Integrations {
		if n.Name != "" {
			names[n.ID] = n.Name
		}
	}
	masters := masterEmails(st)
	out := make([]Row, 0, len(c.Users))
	for _, u := range c.Users {
		r := plainRow(environment, u)
		r.Privileged = u.Role == RoleOwner || u.Role == workflows.RoleAdministrator || r.Email != "" &&
			slices.Contains(masters, r.Email)
		r.Names = namesOf(names, r.Manage, r.Monitor)
		r.Proposal = proposal(u)
		var known *workflows.Given
		under, g, found := account.GivenOf(environment, r.Email, u.Ref())
		if found && g.Workflow != "" {
			known = &g
			if g.Mark == u.Access().Mark() {
				r.Decision, r.Until = g.Workflow, g.Until
			}
		}
		for _, part := range []string{UnreadMFA, UnreadSSO} {
			if c.Unread[part] != "" {
				r.Unknown = append(r.Unknown, part)
			}
		}
		r.InvitedBy = cleanEmail(c.Invited[r.Email].Email)
		// Who changed their address is still whom a decision, a finding or a request is about.
		key := workflows.GivenKey(environment, r.Email)
		if under != key {
			r.Was = strings.TrimPrefix(under, environment+"/")
		}
		open := func(what string) string { return cmp.Or(account.Locks[what+key], account.Locks[what+under]) }
		r.Finding, r.Asked = open(workflows.OpenFinding), open(workflows.OpenRemoval)
		r.Flags = userFlags(u, r, st, c.Unread, known, at)
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Row) int {
		return cmp.Or(strings.Compare(a.Email, b.Email), strings.Compare(a.Mark, b.Mark),
			strings.Compare(a.Name, b.Name), a.Since.Compare(b.Since))
	})
	return out
}

// plainRow is what a row takes over from the user as read. The integrations are sorted; only a custom role has any.
func plainRow(environment string, u workflows.User) Row {
	r := Row{
		Kind: KindUser, Environment: environment, Email: cleanEmail(u.Email), Name: strings.TrimSpace(u.Name),
		Role:   u.Role,
		Status: u.Status, Disabled: u.Disabled, MFA: u.MFA, SSO: u.SSO, SSOLinked: u.SSOLinked,
		LastHere: u.LastHere, LastAny: u.LastAny, Since: u.Since, Via: u.Via, ID: u.ID, Mark: u.Mark(),
		MCP: u.MCP,
	}
	if u.Role == workflows.RoleCustom {
		r.Manage, r.Monitor = slices.Sorted(slices.Values(u.Manage)), slices.Sorted(slices.Values(u.Monitor))
	}
	return r
}

// namesOf are the names of the integrations listed, as far as they are known; nil for none.
func namesOf(names map[string]string, lists ...[]string) map[string]string {
	var out map[string]string
	for _, l := range lists {
		for _, id := range l {
			if n := names[id]; n != "" {
				if out == nil {
					out = map[string]string{}
				}
				out[id] = n
			}
		}
	}
	return out
}

// proposal is the next narrower role that can be given without asking which integrations are meant:
// manage for an administrator, monitor for who manages all, or who monitors all and manages some.
// Else, and for a declined invitation, there is none.
func proposal(u workflows.User) string {
	switch {
	case u.Status == workflows.UserDismissed:
		return ""
	case u.Role == workflows.RoleAdministrator:
		return workflows.RoleManage
	case u.Role == workflows.RoleManage:
		return workflows.RoleMonitor
	case u.Role == workflows.RoleCustom && len(u.Manage) > 0 && slices.Contains(u.Monitor, workflows.AllIntegrations):
		return workflows.RoleMonitor
	}
	return ""
}
