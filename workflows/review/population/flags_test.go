package population

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

const aDay = 24 * time.Hour

// rowsAt is the moment of the leap day, so that thresholds reach across it.
var rowsAt = time.Date(2028, 2, 29, 9, 0, 0, 0, time.UTC)

func beforeRows(d time.Duration) time.Time { return rowsAt.Add(-d) }

func rowRules() Started {
	return Started{
		AccountID: "acme", Owner: "Jane@acme.example",
		Aliases: []workflows.Alias{{Email: "celigo@mail.acme.example", Holders: []string{"U0ANA", "U0BEN"},
			Custodians: []string{"U0ANA"}}},
		Policy: workflows.ReviewPolicy{InactiveAfter: 90 * aDay, InactivePrivilegedAfter: 30 * aDay,
			ExemptNew: 30 * aDay},
	}
}

// rowUser is a user about whom nothing is remarkable; change makes them remarkable.
func rowUser(change func(*workflows.User)) workflows.User {
	u := workflows.User{ID: "1", Email: "kim@acme.example", Name: "Kim", Role: workflows.RoleMonitor,
		Status: workflows.UserAccepted, MFA: true,
		LastHere: beforeRows(aDay), Since: beforeRows(400 * aDay)}
	if change != nil {
		change(&u)
	}
	return u
}

func TestFlagsOfUsers(t *testing.T) {
	type user = workflows.User
	given := func(mark string, until time.Time) *workflows.Given {
		return &workflows.Given{Mark: mark, Workflow: "a07-1", Until: until}
	}
	for _, c := range []struct {
		name   string
		change func(*user)
		given  *workflows.Given
		unread map[string]string
		want   string
	}{
		{name: "nothing remarkable", want: ""},
		{name: "every MCP server", change: func(u *user) { u.AllMCP = true }, want: "all_mcp_servers"},
		{name: "an administrator, who may use all anyhow", want: "",
			change: func(u *user) { u.AllMCP, u.Role = true, workflows.RoleAdministrator }},
		{name: "some MCP servers", change: func(u *user) { u.MCP = []string{"m1 (read)"} }, want: ""},
		{name: "signed in elsewhere only", change: func(u *user) {
			u.LastHere, u.LastAny = time.Time{}, beforeRows(aDay)
		}, want: "never_signed_in"},
		{name: "never, but new", change: func(u *user) {
			u.LastHere, u.Since = time.Time{}, beforeRows(30*aDay-time.Second)
		}, want: ""},
		{name: "never, and no longer new to the second", change: func(u *user) {
			u.LastHere, u.Since = time.Time{}, beforeRows(30*aDay)
		}, want: "never_signed_in"},
		{name: "never, beginning unknown as in a CSV", change: func(u *user) {
			u.LastHere, u.Since = time.Time{}, time.Time{}
		}, want: "never_signed_in"},
		{name: "sign-ins were not to be read", change: func(u *user) {
			u.LastHere = time.Time{}
		}, unread: map[string]string{UnreadSignIn: "no such column"}, want: ""},
		{name: "exactly 90 days", change: func(u *user) { u.LastHere = beforeRows(90 * aDay) }, want: ""},
		{name: "a second more than 90 days", change: func(u *user) {
			u.LastHere = beforeRows(90*aDay + time.Second)
		}, want: "inactive"},
		{name: "leap year: same day of the year before is 365 days", change: func(u *user) {
			u.LastHere = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
		}, want: "inactive"},
		{name: "long ago, but new here", change: func(u *user) {
			u.LastHere, u.Since = beforeRows(95*aDay), beforeRows(5*aDay)
		}, want: ""},
		{name: "sign-in in the future is no inactivity", change: func(u *user) {
			u.LastHere = beforeRows(-aDay)
		}, want: ""},
		{name: "administrator, 30 days", change: func(u *user) {
			u.Role, u.LastHere = workflows.RoleAdministrator, beforeRows(30*aDay)
		}, want: ""},
		{name: "administrator, over 30 days", change: func(u *user) {
			u.Role, u.LastHere = workflows.RoleAdministrator, beforeRows(31*aDay)
		}, want: "inactive"},
		{name: "manager, over 30 days", change: func(u *user) {
			u.Role, u.LastHere = workflows.RoleManage, beforeRows(31*aDay)
		}, want: ""},
		{name: "pending", change: func(u *user) {
			u.Status, u.LastHere, u.MFA = workflows.UserPending, time.Time{},
				false
		}, want: "pending"},
		{name: "declined", change: func(u *user) {
			u.Status, u.LastHere, u.MFA = workflows.UserDismissed, time.Time{},
				false
		}, want: ""},
		{name: "disabled", change: func(u *user) { u.Disabled, u.MFA = true, false }, want: "disabled"},
		{name: "neither MFA nor SSO", change: func(u *user) { u.MFA = false }, want: "no_mfa_or_sso"},
		{name: "SSO suffices", change: func(u *user) { u.MFA, u.SSO = false, true }, want: ""},
		{name: "MFA was not to be read", change: func(u *user) {
			u.MFA = false
		}, unread: map[string]string{UnreadMFA: "no such column"}, want: ""},
		{name: "domain of the alias", change: func(u *user) { u.Email = "Kim@MAIL.acme.example" }, want: ""},
		{name: "foreign domain", change: func(u *user) { u.Email = "kim@partner.example" }, want: "foreign_domain"},
		{name: "sub-domain is foreign", change: func(u *user) {
			u.Email = "kim@x.acme.example"
		}, want: "foreign_domain"},
		{name: "look-alike domain", change: func(u *user) { u.Email = "kim@notacme.example" }, want: "foreign_domain"},
		{name: "manager who never came", change: func(u *user) {
			u.Role, u.LastHere = workflows.RoleManage, time.Time{}
		}, want: "never_signed_in wider_than_needed"},
		{name: "as decided", given: given("monitor", time.Time{}), want: ""},
		{name: "narrower than decided", given: given("manage", time.Time{}), want: ""},
		{name: "wider than decided", change: func(u *user) {
			u.Role = workflows.RoleManage
		}, given: given("monitor", time.Time{}), want: "wider_than_needed"},
		{name: "removed, and here again", given: given("", time.Time{}), want: "wider_than_needed"},
		{name: "time-box is over this second", given: given("monitor", rowsAt), want: "wider_than_needed"},
		{name: "time-box runs", given: given("monitor", beforeRows(-time.Second)), want: ""},
		{name: "time-box is over, and the access was narrowed", given: given("manage", beforeRows(aDay)), want: ""},
		{name: "one integration more than decided", change: customRole("i1,i2", "i3"),
			given: given("custom[i1;i3]", time.Time{}), want: "wider_than_needed"},
		{name: "manages what it was to monitor", change: customRole("i1", ""), given: given("custom[;i1]", time.Time{}),
			want: "wider_than_needed"},
		{name: "monitors what it may manage", change: customRole("", "i1"), given: given("custom[i1;]", time.Time{}),
			want: ""},
		{name: "monitors one of all", change: customRole("", "i1"), given: given("monitor", time.Time{}), want: ""},
		{name: "monitors all after one", given: given("custom[;i1]", time.Time{}), want: "wider_than_needed"},
		{name: "a role nobody knows", change: func(u *user) {
			u.Role = "superuser"
		}, given: given("manage", time.Time{}), want: "wider_than_needed"},
		{name: "all at once", change: func(u *user) {
			u.Email, u.Role, u.MFA, u.Disabled, u.LastHere = "kim@partner.example", workflows.RoleManage, false, true,
				time.Time{}
		}, want: "never_signed_in disabled foreign_domain wider_than_needed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := rowUser(c.change)
			record := map[string]workflows.Given{}
			if c.given != nil {
				record[workflows.GivenKey("", u.Email)] = *c.given
			}
			rows := UserRows("", workflows.Census{Users: []workflows.User{u}, Unread: c.unread}, rowRules(),
				workflows.AccountState{Given: record}, rowsAt)
			if got := strings.Join(rows[0].Flags, " "); got != c.want {
				t.Errorf("flags %q, want %q", got, c.want)
			}
		})
	}
}

// customRole makes a custom role of lists separated by commas.
func customRole(manage, monitor string) func(*workflows.User) {
	list := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, ",")
	}
	return func(u *workflows.User) {
		u.Role, u.Manage, u.Monitor = workflows.RoleCustom, list(manage), list(monitor)
	}
}

func TestAccessOfMarkIsItsReverse(t *testing.T) {
	for _, a := range []workflows.Access{
		{Role: workflows.RoleNone}, {Role: workflows.RoleMonitor}, {Role: workflows.RoleAdministrator},
		{Role: workflows.RoleCustom}, {Role: workflows.RoleCustom, Manage: []string{"b", "a"}},
		{Role: workflows.RoleCustom, Manage: []string{"a"}, Monitor: []string{workflows.AllIntegrations}},
	} {
		if got := accessOfMark(a.Mark()).Mark(); got != a.Mark() {
			t.Errorf("%q came back as %q", a.Mark(), got)
		}
	}
	if got := accessOfMark("").Role; got != workflows.RoleNone {
		t.Errorf("no mark is %q", got)
	}
}

func TestNoFlagWithoutDomainsToCompareWith(t *testing.T) {
	if foreignDomain("kim@partner.example", Started{}) {
		t.Error("flagged as foreign although nobody's domain is known")
	}
}

func TestEveryFlagHasWordsAndOnlyMissingMFAAsksNoReason(t *testing.T) {
	all := []string{FlagNeverSignedIn, FlagInactive, FlagPending, FlagDisabled, FlagNoMFAOrSSO, FlagForeignDomain,
		FlagNoAnswer, FlagWider}
	for _, f := range all {
		if FlagText(f) == f {
			t.Errorf("%s has no words", f)
		}
		if AsksReason([]string{f}) == (f == FlagNoMFAOrSSO) {
			t.Errorf("%s: asks for a reason is %v", f, AsksReason([]string{f}))
		}
	}
	if AsksReason(nil) {
		t.Error("a row without flags asks for a reason")
	}
	if !AsksReason(slices.Clone(all[:5])) {
		t.Error("several flags ask for no reason")
	}
}
