package population

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

func TestSortByRisk(t *testing.T) {
	// In the order wanted; the names say why.
	want := []Row{
		{Name: "owner", Kind: KindOwner, Role: RoleOwner, Privileged: true},
		{Name: "alias", Kind: KindAlias, Role: workflows.RoleNone, Privileged: true},
		{Name: "administrator, two flags", Role: workflows.RoleAdministrator, Privileged: true,
			Flags: []string{FlagInactive, FlagNoMFAOrSSO}},
		{Name: "administrator, one flag", Role: workflows.RoleAdministrator, Privileged: true,
			Flags: []string{FlagInactive}},
		{Name: "administrator", Role: workflows.RoleAdministrator, Privileged: true},
		{Name: "administrator in Sandbox", Role: workflows.RoleAdministrator, Privileged: true, Environment: "Sandbox"},
		{Name: "monitor, two flags", Role: workflows.RoleMonitor, Flags: []string{FlagInactive, FlagForeignDomain}},
		{Name: "manage, one flag", Role: workflows.RoleManage, Flags: []string{FlagForeignDomain}},
		{Name: "monitor, one flag", Role: workflows.RoleMonitor, Flags: []string{FlagPending}},
		{Name: "manage", Role: workflows.RoleManage},
		{Name: "custom that manages", Role: workflows.RoleCustom, Manage: []string{"i1"}},
		{Name: "monitor a", Role: workflows.RoleMonitor, Email: "a@x"},
		{Name: "monitor b", Role: workflows.RoleMonitor, Email: "b@x"},
		{Name: "monitor in Sandbox", Role: workflows.RoleMonitor, Email: "a@x", Environment: "Sandbox"},
		{Name: "custom that monitors", Role: workflows.RoleCustom, Monitor: []string{"i1"}},
		{Name: "none", Role: workflows.RoleNone},
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.Permutation(want).Draw(t, "rows")
		SortByRisk(rows)
		if !slices.EqualFunc(rows, want, func(a, b Row) bool { return a.Name == b.Name }) {
			var names []string
			for _, r := range rows {
				names = append(names, r.Name)
			}
			t.Fatalf("got %s", strings.Join(names, "; "))
		}
	})
}

func TestRoleMayFitsAMenuAndSaysWhatEachRoleMay(t *testing.T) {
	seen := map[string]string{}
	for _, role := range []string{RoleOwner, workflows.RoleAdministrator, workflows.RoleManage, workflows.RoleMonitor,
		workflows.RoleCustom, workflows.RoleNone, "superuser"} {
		text := RoleMay(role)
		if n := utf8.RuneCountInString(text); n == 0 || n > 75 {
			t.Errorf("%s: %d characters; a description in a menu of Slack's takes 75", role, n)
		}
		if seen[text] != "" {
			t.Errorf("%s and %s may the same", role, seen[text])
		}
		seen[text] = role
	}
}
