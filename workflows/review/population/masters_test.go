package population

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
)

func TestMasterRowsOfOwnerAndAliases(t *testing.T) {
	alias := workflows.Alias{Email: "Celigo@acme.example", Holders: []string{"U0ANA", "U0BEN"},
		Custodians: []string{"U0ANA"}, Vault: "IT vault"}
	spare := workflows.Alias{Email: "spare@acme.example", Holders: []string{"U0ANA", "U0BEN"},
		Custodians: []string{"U0BEN"}}
	listed := func(emails ...string) []Row {
		c := workflows.Census{}
		for _, e := range emails {
			c.Users = append(c.Users, rowUser(func(u *workflows.User) {
				u.Email, u.Role = e, workflows.RoleAdministrator
			}))
		}
		return UserRows("", c, rowRules(), workflows.AccountState{}, rowsAt)
	}
	show := func(rows []Row) string {
		var out []string
		for _, r := range rows {
			out = append(out, r.Kind+" "+strings.Split(r.Email, "@")[0]+" "+r.Role+" "+r.Status)
		}
		return strings.Join(out, "; ")
	}
	for _, c := range []struct {
		name          string
		owner         string
		aliases       []workflows.Alias
		users         []Row
		masters, rest string
	}{
		{"an owner who is no alias", "jane@acme.example", []workflows.Alias{alias}, listed("kim@acme.example"),
			"owner jane owner ; alias celigo none ", "user kim administrator accepted"},
		{"an owner who is one", "CELIGO@acme.example", []workflows.Alias{spare, alias}, nil,
			"owner celigo owner ; alias spare none ", ""},
		{"an alias that is a user has one row", "jane@acme.example", []workflows.Alias{alias},
			listed("celigo@acme.example", "kim@acme.example"),
			"owner jane owner ; alias celigo administrator accepted", "user kim administrator accepted"},
		{"an owner listed as a user has one row", "jane@acme.example", nil, listed("jane@acme.example"),
			"owner jane owner accepted", ""},
		{"an alias named twice has one row", "jane@acme.example", []workflows.Alias{alias, alias}, nil,
			"owner jane owner ; alias celigo none ", ""},
		{"no owner is known", "", []workflows.Alias{alias}, listed("kim@acme.example"), "alias celigo none ",
			"user kim administrator accepted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := Started{Owner: c.owner, OwnerSince: beforeRows(aDay), OwnerBy: "t07-1", Aliases: c.aliases}
			masters, rest := MasterRows(st, c.users, nil, nil, nil)
			if show(masters) != c.masters || show(rest) != c.rest {
				t.Errorf("masters %q, rest %q; want %q, %q", show(masters), show(rest), c.masters, c.rest)
			}
			for _, r := range masters {
				if !r.Privileged || r.Proposal != "" || !r.Master() {
					t.Errorf("%+v", r)
				}
				if r.Kind == KindOwner && (r.Decision != "t07-1" || r.Status == "" &&
					!r.Since.Equal(beforeRows(aDay))) {
					t.Errorf("owner since %v by %q", r.Since, r.Decision)
				}
				if r.Email == "celigo@acme.example" && (!slices.Equal(r.Holders, alias.Holders) ||
					!slices.Equal(r.Custodians, alias.Custodians) || r.Vault != alias.Vault) {
					t.Errorf("mailbox %+v", r)
				}
				if (r.Status == "") != (r.Mark == "") {
					t.Errorf("mark %q of status %q", r.Mark, r.Status)
				}
			}
		})
	}
}

func TestDifferencesBetweenHoldersCustodiansAndTheMailSystem(t *testing.T) {
	emails := map[string]string{"U0ANA": "Ana@acme.example", "U0BEN": "ben@acme.example"}
	for _, c := range []struct {
		name      string
		alias     workflows.Alias
		delegates []string
		want      []string // parts, one per difference
	}{
		{"all agree", workflows.Alias{Holders: []string{"U0ANA", "U0BEN"}, Custodians: []string{"U0ANA"}},
			[]string{"BEN@acme.example", "ana@acme.example", "ana@acme.example"}, nil},
		{"not compared", workflows.Alias{Holders: []string{"U0ANA", "U0CAT"}, Custodians: []string{"U0ANA"}}, nil, nil},
		{"nobody", workflows.Alias{}, nil, []string{"nobody is recorded who can read", "password and second factor"}},
		{"one holder", workflows.Alias{Holders: []string{"U0ANA"}, Custodians: []string{"U0ANA"}}, nil,
			[]string{"only <@U0ANA>"}},
		{"a custodian who is no holder", workflows.Alias{Holders: []string{"U0ANA", "U0BEN"},
			Custodians: []string{"U0CAT"}}, nil, []string{"<@U0CAT> can use its password"}},
		{"the mail system lacks a holder", workflows.Alias{Holders: []string{"U0ANA", "U0BEN"},
			Custodians: []string{"U0ANA"}}, []string{"ana@acme.example"}, []string{"does not list ben@acme.example"}},
		{"the mail system has somebody more", workflows.Alias{Holders: []string{"U0ANA", "U0BEN"},
			Custodians: []string{"U0ANA"}}, []string{"ana@acme.example", "ben@acme.example", "<eve>@x"},
			[]string{"lists &lt;eve&gt;@x, who is not recorded"}},
		{"a holder's address is not known", workflows.Alias{Holders: []string{"U0ANA", "U0CAT"},
			Custodians: []string{"U0ANA"}}, []string{"ana@acme.example", "cat@acme.example"},
			[]string{"lists cat@acme.example, who is none of those recorded whose address is known",
				"<@U0CAT> cannot be compared"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.alias.Email = "celigo@acme.example"
			masters, _ := MasterRows(Started{Aliases: []workflows.Alias{c.alias}}, nil,
				map[string][]string{"Celigo@acme.example": c.delegates},
				map[string]string{"celigo@acme.example": "U0ANA"}, emails)
			got := masters[0]
			if len(got.Differences) != len(c.want) || got.Attested != "U0ANA" {
				t.Fatalf("differences %q, attested %q; want %q", got.Differences, got.Attested, c.want)
			}
			for i, part := range c.want {
				if !strings.Contains(got.Differences[i], part) {
					t.Errorf("difference %q lacks %q", got.Differences[i], part)
				}
			}
		})
	}
}

func TestWhatIntegratorSaysAboutTheOwnerIsComparedWithTheRecord(t *testing.T) {
	listed := func(email, role string) Row {
		return Row{Kind: KindUser, Email: email, Role: role, Status: workflows.UserAccepted,
			Flags: []string{FlagInactive, FlagWider}, Until: rowsAt}
	}
	for _, c := range []struct {
		name string
		user Row
		want string // part of the one difference
	}{
		{"the page lists the owner as such", listed("jane@acme.example", RoleOwner), ""},
		{"the owner is a mere user", listed("jane@acme.example", workflows.RoleManage), "as a user (manage)"},
		{"the page names another owner", listed("kim@acme.example", RoleOwner),
			"names kim@acme.example as the owner, the record names jane@acme.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			masters, rest := MasterRows(Started{Owner: "jane@acme.example", OwnerBy: "t07-1"}, []Row{c.user}, nil, nil,
				nil)
			got := masters[0]
			if strings.Join(got.Differences, "; ") == "" != (c.want == "") ||
				!strings.Contains(strings.Join(got.Differences, "; "), c.want) || len(got.Differences) > 1 {
				t.Errorf("differences %q, want %q", got.Differences, c.want)
			}
			if len(masters) != 1 || slices.Contains(got.Flags, FlagWider) || !got.Until.IsZero() ||
				got.Decision != "t07-1" {
				t.Errorf("owner %+v, rest %d", got, len(rest))
			}
			if c.user.Email == got.Email && (!slices.Contains(got.Flags, FlagInactive) || len(rest) != 0) {
				t.Errorf("what was read about the owner is lost: %+v", got)
			}
		})
	}
}

func TestMasterRowsLoseNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		emails := rapid.SampledFrom([]string{"a@acme.example", "b@acme.example", "c@acme.example", "d@acme.example"})
		st := Started{Owner: emails.Draw(t, "owner")}
		for range rapid.IntRange(0, 3).Draw(t, "aliases") {
			st.Aliases = append(st.Aliases, workflows.Alias{Email: emails.Draw(t, "alias")})
		}
		users := rapid.SliceOfNDistinct(emails, 0, 4, rapid.ID).Draw(t, "users")
		var production []Row
		for _, e := range users {
			production = append(production, Row{Kind: KindUser, Email: e, Role: workflows.RoleManage,
				Status: workflows.UserAccepted, Mark: "accepted/manage"})
		}
		masters, rest := MasterRows(st, production, nil, nil, nil)
		count := map[string]int{}
		for _, r := range slices.Concat(masters, rest) {
			count[r.Email]++
			if slices.Contains(users, r.Email) != (r.Status != "") {
				t.Fatalf("%+v: is a user %v", r, slices.Contains(users, r.Email))
			}
		}
		want := map[string]int{}
		for _, e := range slices.Concat(users, masterEmails(st)) {
			want[e] = 1
		}
		if !reflect.DeepEqual(count, want) {
			t.Fatalf("rows by address %v, want %v", count, want)
		}
		if masters[0].Kind != KindOwner || slices.ContainsFunc(rest, Row.Master) {
			t.Fatalf("masters %+v, rest %+v", masters, rest)
		}
	})
}

// TestAMailboxsRowNamesWhoHasShownItsKey: proofs of another address are not its own.
func TestAMailboxsRowNamesWhoHasShownItsKey(t *testing.T) {
	st := rowRules()
	at := beforeRows(aDay)
	st.Proofs = []workflows.Proof{
		{What: workflows.KeyMailbox, Owner: "Celigo@mail.acme.example", Person: "U0ANA", How: workflows.Verified,
			At: at, By: "d07-1"},
		{What: workflows.KeyMailbox, Owner: "celigo@mail.acme.example", Person: "U0BEN", How: workflows.Attested,
			At: at, By: "d07-1"},
		{What: workflows.KeyPassword, Owner: "celigo@mail.acme.example", Person: "U0ANA", How: workflows.Verified,
			At: at, By: "d07-1"},
		{What: workflows.KeyPassword, Owner: "jane@acme.example", Person: "U0DEE", How: workflows.Verified, At: at,
			By: "d07-1"},
	}
	masters, _ := MasterRows(st, nil, nil, nil, nil)
	if len(masters) != 2 || len(masters[1].Proofs) != 3 {
		t.Fatalf("rows %+v", masters)
	}
	_, facts := RowText(masters[1], at.AddDate(0, 0, 3))
	want := "Last shown: the mailbox by <@U0ANA> 3 days ago (verified) and <@U0BEN> 3 days ago (attested); " +
		"the password by <@U0ANA> 3 days ago (verified)"
	if !slices.Contains(facts, want) {
		t.Errorf("the row says %q, want among it %q", facts, want)
	}
	if _, facts := RowText(masters[0], at); strings.Contains(strings.Join(facts, " "), "Last shown") {
		t.Errorf("an owner who is no mailbox shows %q", facts)
	}
}
