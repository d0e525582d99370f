package population

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

func TestPreviewSaysWhoIsAskedAndWhatIsUnusual(t *testing.T) {
	admin := Row{Role: workflows.RoleAdministrator, Status: workflows.UserAccepted, Flags: []string{FlagInactive}}
	off := Row{Role: workflows.RoleAdministrator, Status: workflows.UserAccepted, Disabled: true}
	p := Planned{
		Shares: []Share{
			{Reviewer: "U0DEE", Rows: []Row{{Role: RoleOwner}, admin, off}, Backups: []string{"U0ANA", "U0BEN"}},
			{Reviewer: "U0DEE", Rows: []Row{admin}, Backups: []string{"U0ANA"}},
			{Reviewer: "U0FAY", InPlaceOf: "U0CAT", Rows: []Row{{Role: workflows.RoleMonitor}}},
		},
		Exceptions: []string{"<@U0DEE> decides on dee@x."}, Notes: []string{"A note."},
	}
	want := []string{
		"<@U0DEE>: 4 rows in 2 parts, 3 of them can administer the account, 2 flagged. If they do not answer: <@U0ANA>.",
		"<@U0FAY> (in place of <@U0CAT>): 1 row. ! If they do not answer, nobody else can.",
		"! <@U0DEE> decides on dee@x.",
		"A note.",
	}
	if got := Preview(p); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := Preview(Planned{}); len(got) != 0 {
		t.Errorf("nothing planned, and yet %q", got)
	}
}

func TestRowText(t *testing.T) {
	user := func(change func(*workflows.User), given map[string]workflows.Given) Row {
		return UserRows("Sandbox", workflows.Census{Users: []workflows.User{rowUser(change)},
			Integrations: []workflows.Named{{ID: "i1", Name: "<Orders>"}}}, rowRules(),
			workflows.AccountState{Given: given}, rowsAt)[0]
	}
	decided := func(g workflows.Given) map[string]workflows.Given {
		return map[string]workflows.Given{workflows.GivenKey("Sandbox", "kim@acme.example"): g}
	}
	masters, _ := MasterRows(Started{Owner: "jane@acme.example", OwnerSince: beforeRows(aDay), OwnerBy: "configuration",
		Aliases: []workflows.Alias{{Email: "celigo@acme.example", Holders: []string{"U0ANA", "U0BEN"},
			Vault: "IT vault"}}}, nil, nil, map[string]string{"celigo@acme.example": "U0BEN"}, nil)
	for _, c := range []struct {
		name  string
		row   Row
		title string
		facts []string
	}{
		{"usual", user(nil, nil), "*kim@acme.example* · monitor · Sandbox",
			[]string{"Kim. May look at everything, and run flows",
				"Signed in here 2028-02-28 (1 day ago)", "There since 2027-01-25 (13 months ago)"}},
		{"never signed in, joined by domain", user(func(u *workflows.User) {
			u.Role, u.LastHere, u.LastAny, u.Via, u.Name = workflows.RoleManage, time.Time{}, beforeRows(aDay),
				"new_account_auto_join", ""
		}, nil), "*kim@acme.example* · manage · Sandbox",
			[]string{"! never signed in to this account, less would do: it was never used",
				"May change every integration",
				"No sign-in here is known; to some account 2028-02-28 (1 day ago)",
				"Joined by domain, uninvited 2027-01-25 (13 months ago)"}},
		{"custom, with a time-box that is over", user(customRole("i1,i2,i3,i4,i5,i6", workflows.AllIntegrations),
			decided(workflows.Given{Mark: "custom[i1,i2,i3,i4,i5,i6;*]", Workflow: "a07-7KQ2M",
				Until: beforeRows(aDay)})), "*kim@acme.example* · custom · Sandbox",
			[]string{"! its time is over",
				"Kim. May manage “<Orders>”, i2, i3, i4 and 2 more; monitor all integrations",
				"Signed in here 2028-02-28 (1 day ago)",
				"There since 2027-01-25 (13 months ago); decided in `a07-7KQ2M` until 2028-02-28"}},
		{"wider than decided", user(nil, decided(workflows.Given{Mark: "custom[;i1]", Workflow: "a07-7KQ2M"})),
			"*kim@acme.example* · monitor · Sandbox",
			[]string{"! wider than what was decided last", "Kim. May look at everything, and run flows",
				"Signed in here 2028-02-28 (1 day ago)", "There since 2027-01-25 (13 months ago)"}},
		{"declined", user(func(u *workflows.User) {
			u.Status, u.Via, u.Name = workflows.UserDismissed, "existing_account_invite", ""
		}, nil), "*kim@acme.example* · monitor · Sandbox",
			[]string{"May look at everything, and run flows",
				"Invited 2027-01-25 (13 months ago); declined: no access now"}},
		{"an owner who is a person", masters[0], "*jane@acme.example* · owner",
			[]string{"May do everything", "Owner since 2028-02-28 (1 day ago); named in the configuration",
				"Not one of the shared mailboxes: whoever has this address has the account"}},
		{"an alias that is no user", masters[1], "*celigo@acme.example* · alias, not a user of the account",
			[]string{"A shared mailbox that may own the account later",
				"Can read it: U0ANA and U0BEN. Password and second factor: nobody recorded. Kept in IT vault",
				"! nobody is recorded who can use its password and second factor",
				"U0BEN says that the mail system agrees with this"}},
		{"hostile words stay words", Row{Email: "<!channel>@x", Role: "<@U0ANA>", Name: "*<http://x|y>*",
			Environment: "<S>"}, "*<!channel>@x* · <@U0ANA> · <S>",
			[]string{"∗<http∶//x|y>∗. Keyholder does not know this role: look it up in integrator.io"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			title, facts := RowText(c.row, rowsAt)
			if strings.Contains(title+strings.Join(facts, ""), "<!ch") || strings.Contains(title, "<@") {
				t.Errorf("not escaped: %s %q", title, facts)
			}
			plain := strings.NewReplacer("&lt;", "<", "&gt;", ">")
			if plain.Replace(title) != c.title {
				t.Errorf("title %q, want %q", title, c.title)
			}
			var got []string
			for _, f := range facts {
				f = datePlain(f)
				got = append(got, plain.Replace(f))
			}
			if strings.Join(got, "\n") != strings.Join(c.facts, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.facts, "\n"))
			}
		})
	}
}

// datePlain shows dates in UTC and mentions as IDs, and leaves all else as it is.
func datePlain(s string) string {
	for {
		i := strings.Index(s, "<!date^")
		if i < 0 {
			return strings.NewReplacer("<@U0ANA>", "U0ANA", "<@U0BEN>", "U0BEN").Replace(s)
		}
		end := i + strings.IndexByte(s[i:], '>')
		_, label, _ := strings.Cut(s[i:end], "|")
		s = s[:i] + label + s[end+1:]
	}
}

func TestFactsOfARowAreShort(t *testing.T) {
	r := UserRows("Sandbox", workflows.Census{Users: []workflows.User{rowUser(func(u *workflows.User) {
		customRole("i1,i2,i3,i4,i5,i6", "i7,i8,i9")(u)
		u.Email, u.Name, u.LastHere, u.Disabled = "kim@partner.example", strings.Repeat("long ", 100),
			beforeRows(400*aDay), true
	})}, Integrations: []workflows.Named{{ID: "i1", Name: strings.Repeat("name ", 100)}}}, rowRules(),
		workflows.AccountState{}, rowsAt)[0]
	_, facts := RowText(r, rowsAt)
	if n := len(strings.Join(facts, "")); n > 600 {
		t.Errorf("%d bytes of facts for one row of four on a page", n)
	}
}
