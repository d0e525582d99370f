package integrator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// AllIntegrations stands in [workflows.Access.Monitor] for every integration, those to come
// included. integrator.io lets the level monitor of a whole account carry single integrations that
// the user manages; only with this sign can such a hybrid be told from both of its parts, and be
// written back as it was. It never stands alone, which would be the role monitor, and never in
// Manage.
const AllIntegrations = workflows.AllIntegrations

// unknownLevel stands between integration and level of a grant that this version does not
// understand. Such an access is shown, equals no access that can be asked for, and is not written.
const unknownLevel = "="

// grantEntry is one integration in integrationAccessLevel.
type grantEntry struct {
	Integration string `json:"_integrationId"`
	Level       string `json:"accessLevel"`
}

// known reports whether Keyholder understands the entry.
func (g grantEntry) known() bool {
	return g.Integration != "" && (g.Level == workflows.RoleManage || g.Level == workflows.RoleMonitor)
}

// grants reads integrationAccessLevel. What is not understood becomes an entry that is not known.
func (a ashare) grants() []grantEntry {
	out := make([]grantEntry, len(a.IntegrationAccessLevel))
	for i, raw := range a.IntegrationAccessLevel {
		if json.Unmarshal(raw, &out[i]) != nil {
			out[i] = grantEntry{}
		}
	}
	return out
}

// access is what the record allows.
func (a ashare) access() workflows.Access {
	out := workflows.Access{Role: a.role()}
	if out.Role != workflows.RoleCustom {
		return out
	}
	for _, g := range a.grants() {
		switch {
		case !g.known():
			out.Manage = append(out.Manage, g.Integration+unknownLevel+g.Level)
		case g.Level == workflows.RoleManage:
			out.Manage = append(out.Manage, g.Integration)
		default:
			out.Monitor = append(out.Monitor, g.Integration)
		}
	}
	if a.AccessLevel == workflows.RoleMonitor {
		out.Monitor = append(out.Monitor, AllIntegrations)
	}
	out.Manage, out.Monitor = tidy(out.Manage), tidy(out.Monitor)
	return out
}

// tidy makes lists of the same integrations equal.
func tidy(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// wire is an access as integrator.io writes it: the level, "" for none, and the grants.
// Administrator, manage and monitor have no grants; custom has no level, but for the hybrid, whose
// level is monitor.
func wire(a workflows.Access) (level string, grants []grantEntry) {
	switch a.Role {
	case workflows.RoleNone:
		return "", nil
	case workflows.RoleCustom:
	default:
		return a.Role, nil
	}
	for _, id := range tidy(slices.Clone(a.Manage)) {
		grants = append(grants, grantEntry{id, workflows.RoleManage})
	}
	for _, id := range tidy(slices.Clone(a.Monitor)) {
		if id == AllIntegrations {
			level = workflows.RoleMonitor
			continue
		}
		grants = append(grants, grantEntry{id, workflows.RoleMonitor})
	}
	return level, grants
}

// wanted is the access a call asks for, or the refusal of one that cannot be given.
func wanted(call workflows.Call) (workflows.Access, error) {
	no := func(why string) (workflows.Access, error) {
		return workflows.Access{}, refuse(workflows.RefusedOther, why)
	}
	odd := func(id string) bool { return id == "" || strings.Contains(id, unknownLevel) }
	switch a := call.Access; {
	case call.Email == "" || a == nil:
		return no("A change of access needs an address and the access.")
	case slices.Contains(roles, a.Role):
		return workflows.Access{Role: a.Role}, nil
	case a.Role == workflows.RoleNone && call.Op == workflows.OpChangeAccess:
		return workflows.Access{Role: a.Role}, nil
	case a.Role != workflows.RoleCustom:
		return no("The roles that can be given are administrator, manage, monitor and custom.")
	case slices.Contains(a.Manage, AllIntegrations) || slices.ContainsFunc(a.Manage, odd) ||
		slices.ContainsFunc(a.Monitor, odd):
		return no("A custom role needs the IDs of its integrations.")
	default:
		if _, grants := wire(*a); len(grants) == 0 {
			return no("A custom role needs at least one integration.")
		}
		return *a, nil
	}
}

// describe is an access in words.
func describe(a workflows.Access) string {
	switch a.Role {
	case workflows.RoleNone:
		return "no access"
	case workflows.RoleCustom:
	default:
		return a.Role
	}
	var parts []string
	for _, p := range []struct {
		level string
		ids   []string
	}{{workflows.RoleManage, a.Manage}, {workflows.RoleMonitor, a.Monitor}} {
		if len(p.ids) > 0 {
			parts = append(parts, p.level+" on "+strings.ReplaceAll(strings.Join(p.ids, ", "), AllIntegrations, "all"))
		}
	}
	return workflows.Clip("custom ("+strings.Join(parts, "; ")+")", 200)
}

// differs says in words how a record is not what was wanted, "" when it is. Secured asks for a
// second factor or SSO as well.
func differs(want workflows.Access, secured bool, now ashare) string {
	switch is := now.access(); {
	case is.Mark() != want.Mark():
		return "shows " + describe(is) + " instead of " + describe(want)
	case secured && !now.AccountMFARequired && !now.AccountSSORequired:
		return "requires neither a second factor nor SSO of the new administrator"
	}
	return ""
}

// expect answers nil when a record has the access known, "" for any. Readings may be old, so only
// the second contradiction is refused.
func (s *session) expect(a ashare, known string) error {
	if known == "" || a.access().Mark() == known {
		return nil
	}
	if err := s.unsure("the access is not the one expected"); err != nil {
		return err
	}
	return refuse(workflows.RefusedChanged,
		fmt.Sprintf("integrator.io shows %s for %s, which is not the access that was expected.", describe(a.access()),
			a.SharedWithUser.Email))
}
