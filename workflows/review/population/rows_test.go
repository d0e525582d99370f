package population

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

func TestUserRowsTakeOverWhatWasRead(t *testing.T) {
	u := rowUser(func(u *workflows.User) {
		u.Email, u.Via, u.SSOLinked = " Kim@Acme.example", "new_account_auto_join", "not_linked"
		customRole("i2,i1", workflows.AllIntegrations)(u)
	})
	c := workflows.Census{Users: []workflows.User{u, rowUser(func(u *workflows.User) { u.Email = "ann@acme.example" })},
		Integrations: []workflows.Named{{ID: "i1", Name: "Orders"}, {ID: "i9", Name: "Other"}}}
	given := map[string]workflows.Given{
		workflows.GivenKey("Sandbox", "kim@acme.example"): {Mark: u.Access().Mark(), Workflow: "a07-1",
			Until: beforeRows(-aDay)},
		workflows.GivenKey("Sandbox", "ann@acme.example"): {Mark: "manage", Workflow: "a07-2"},
	}
	rows := UserRows("Sandbox", c, rowRules(), workflows.AccountState{Given: given}, rowsAt)
	if len(rows) != 2 || rows[0].Email != "ann@acme.example" || rows[1].Email != "kim@acme.example" {
		t.Fatalf("rows %+v", rows)
	}
	if rows[0].Decision != "" {
		t.Errorf("a decision for another access is said to have given this one: %q", rows[0].Decision)
	}
	k := rows[1]
	if k.Decision != "a07-1" || !k.Until.Equal(beforeRows(-aDay)) || k.Mark != u.Mark() || k.Environment != "Sandbox" ||
		k.Via != u.Via || k.Kind != KindUser {
		t.Errorf("row %+v", k)
	}
	if !slices.Equal(k.Manage, []string{"i1", "i2"}) || len(k.Names) != 1 || k.Names["i1"] != "Orders" {
		t.Errorf("integrations %v, names %v", k.Manage, k.Names)
	}
}

// Somebody who changed their address at integrator.io is still whom decisions, findings and requests
// are about, in whatever environment, and a stranger who took over the address is not.
func TestAChangedAddressHidesNeitherDecisionNorOpenRequest(t *testing.T) {
	for _, env := range []string{"", "Sandbox", "EU/Sandbox"} {
		u := rowUser(func(u *workflows.User) { u.Email, u.ID, u.UserID = "kim.new@acme.example", "r1", "p1" })
		old := workflows.GivenKey(env, "Kim@acme.example")
		account := workflows.AccountState{
			Given: map[string]workflows.Given{old: {Mark: u.Access().Mark(), Workflow: "a07-1", Who: u.Ref()}},
			Locks: map[string]string{workflows.OpenRemoval + old: "a07-2", workflows.OpenFinding + old: "d07-3"},
		}
		r := UserRows(env, workflows.Census{Users: []workflows.User{u}}, rowRules(), account, rowsAt)[0]
		if r.Email != "kim.new@acme.example" || r.Was != "kim@acme.example" || r.Decision != "a07-1" ||
			r.Asked != "a07-2" || r.Finding != "d07-3" || !slices.Contains(r.Flags, FlagRemovalAsked) {
			t.Errorf("%q: row %+v", env, r)
		}
		if _, facts := RowText(r, rowsAt); !strings.Contains(strings.Join(facts, "\n"), "kim@acme.example") {
			t.Errorf("%q: the reviewer does not see the address as it was: %s", env, facts)
		}
		stranger := rowUser(func(u *workflows.User) { u.Email, u.ID, u.UserID = "kim@acme.example", "r2", "p2" })
		r = UserRows(env, workflows.Census{Users: []workflows.User{stranger}}, rowRules(), account, rowsAt)[0]
		if r.Was != "" || r.Decision != "" {
			t.Errorf("%q: a stranger with the old address inherits %+v", env, r)
		}
	}
}

func TestPrivilegedAndProposalByRole(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*workflows.User)
		privileged bool
		proposal   string
	}{
		{"administrator", func(u *workflows.User) { u.Role = workflows.RoleAdministrator }, true, workflows.RoleManage},
		{"another owner than the record's", func(u *workflows.User) { u.Role = RoleOwner }, true, ""},
		{"manage", func(u *workflows.User) { u.Role = workflows.RoleManage }, false, workflows.RoleMonitor},
		{"monitor", nil, false, ""},
		{"custom", customRole("i1", "i2"), false, ""},
		{"custom that monitors all", customRole("i1", workflows.AllIntegrations), false, workflows.RoleMonitor},
		{"none", func(u *workflows.User) { u.Role = workflows.RoleNone }, false, ""},
		{"declined", func(u *workflows.User) { u.Role, u.Status = workflows.RoleManage, workflows.UserDismissed },
			false, ""},
		{"the owner in another environment", func(u *workflows.User) { u.Email = "jane@acme.example" }, true, ""},
		{"an alias in another environment", func(u *workflows.User) { u.Email = "Celigo@mail.acme.example" }, true, ""},
		{"no address at all", func(u *workflows.User) { u.Email = "" }, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := UserRows("Sandbox", workflows.Census{Users: []workflows.User{rowUser(c.change)}}, rowRules(),
				workflows.AccountState{}, rowsAt)[0]
			if r.Privileged != c.privileged || r.Proposal != c.proposal {
				t.Errorf("privileged %v, proposal %q; want %v, %q", r.Privileged, r.Proposal, c.privileged, c.proposal)
			}
		})
	}
}

func TestEveryUserIsARowWhateverTheOrderOfReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := rapid.SliceOfN(rapid.Custom(drawUser), 0, 20).Draw(t, "users")
		want := UserRows("", workflows.Census{Users: users}, rowRules(), workflows.AccountState{}, rowsAt)
		if len(want) != len(users) {
			t.Fatalf("%d rows of %d users", len(want), len(users))
		}
		got := UserRows("", workflows.Census{Users: rapid.Permutation(users).Draw(t, "order")}, rowRules(),
			workflows.AccountState{}, rowsAt)
		if string(FrozenCSV(got)) != string(FrozenCSV(want)) {
			t.Fatalf("the order of reading changed the file:\n%s\n%s", FrozenCSV(got), FrozenCSV(want))
		}
	})
}

func drawUser(t *rapid.T) workflows.User {
	u := rowUser(nil)
	u.Email = rapid.SampledFrom([]string{"a@acme.example", "b@acme.example", "c@partner.example", "D@acme.example",
		""}).Draw(t, "email")
	u.Role = rapid.SampledFrom([]string{workflows.RoleAdministrator, workflows.RoleManage, workflows.RoleMonitor,
		workflows.RoleNone}).Draw(t, "role")
	u.Status = rapid.SampledFrom([]string{workflows.UserAccepted, workflows.UserPending, workflows.UserDismissed}).Draw(
		t, "status")
	u.Name = rapid.SampledFrom([]string{"", "Kim", "=Kim"}).Draw(t, "name")
	return u
}

func TestARowSaysWhoInvitedThem(t *testing.T) {
	c := workflows.Census{Users: []workflows.User{{Email: "Kim@Partner.example", Role: workflows.RoleMonitor,
		Status: workflows.UserAccepted, Via: "existing_account_invite", Since: rowsAt.AddDate(-1, 0, 0)}},
		Invited: map[string]workflows.Trace{"kim@partner.example": {Email: "Ned@acme.example"}}}
	rows := UserRows("", c, Started{}, workflows.AccountState{}, rowsAt)
	if _, facts := RowText(rows[0], rowsAt); rows[0].InvitedBy != "ned@acme.example" ||
		!strings.Contains(strings.Join(facts, " "), "by ned@acme.example") {
		t.Errorf("%+v says %q", rows[0], facts)
	}
}
