package population

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// SortByRisk sorts rows in place so that what matters most is seen first: the owner, the aliases,
// privileged rows with flags, other privileged rows, rows with flags, the rest; then the API tokens,
// which have pages of their own, those with full access first. Within these: more
// flags first, then wider roles, production before the other environments, then by address. The
// order depends on nothing but the rows.
func SortByRisk(rows []Row) {
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(riskClass(a), riskClass(b)),
			cmp.Compare(len(b.Flags), len(a.Flags)),
			cmp.Compare(roleWidth(b), roleWidth(a)),
			compareHome(a, b),
		)
	})
}

// compareHome orders rows by environment, production first, then by address, then by what else may
// tell two rows of one address apart.
func compareHome(a, b Row) int {
	return cmp.Or(strings.Compare(a.Environment, b.Environment), strings.Compare(a.Email, b.Email),
		strings.Compare(a.Kind, b.Kind),
		strings.Compare(a.Mark, b.Mark), strings.Compare(a.Name, b.Name), a.Since.Compare(b.Since),
		strings.Compare(a.ID, b.ID))
}

func riskClass(r Row) int {
	switch {
	case r.IsToken() && r.Privileged:
		return 6
	case r.IsToken():
		return 7
	case r.Kind == KindOwner:
		return 0
	case r.Kind == KindAlias:
		return 1
	case r.Privileged && len(r.Flags) > 0:
		return 2
	case r.Privileged:
		return 3
	case len(r.Flags) > 0:
		return 4
	}
	return 5
}

// roleWidth orders roles by how much they allow. A custom role that manages something weighs more
// than one that monitors everything: it changes things.
func roleWidth(r Row) int {
	switch r.Role {
	case RoleOwner:
		return 6
	case workflows.RoleAdministrator:
		return 5
	case workflows.RoleManage:
		return 4
	case workflows.RoleCustom:
		if len(r.Manage) > 0 {
			return 3
		}
		return 1
	case workflows.RoleMonitor:
		return 2
	}
	return 0
}

// RoleMay says in one short sentence what a role may do at integrator.io: at most 75 characters, so
// that a menu of Slack's can show it. Source: Celigo help 115003929872, "Roles".
func RoleMay(role string) string {
	switch role {
	case RoleOwner:
		return "May do everything, in all environments, and hand the account over."
	case workflows.RoleAdministrator:
		return "May do all but hand the account over; users and API tokens included."
	case workflows.RoleManage:
		return "May change all integrations and connections; no users, no API tokens."
	case workflows.RoleMonitor:
		return "May see all integrations, run flows, resolve errors; changes nothing."
	case workflows.RoleCustom:
		return "May manage or monitor the integrations named, and nothing else."
	case workflows.RoleNone, "":
		return "May do nothing: no role and no integration."
	}
	return "Keyholder does not know this role: look it up in integrator.io."
}

// RoleInShort is [RoleMay] in few words, for where many rows stand below each other; "" where the
// role's name says it all.
func RoleInShort(role string) string {
	switch role {
	case RoleOwner:
		return "May do everything."
	case workflows.RoleAdministrator:
		return "May do all but hand the account over."
	case workflows.RoleManage:
		return "May change every integration."
	case workflows.RoleMonitor:
		return "May look at everything, and run flows."
	}
	return RoleMay(role)
}
