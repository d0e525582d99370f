package population

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// planCrew are people of Slack; their addresses are their names in lower case.
func planCrew(names ...string) map[string]workflows.Person {
	out := map[string]workflows.Person{}
	for _, n := range names {
		out["U0"+strings.ToUpper(n)] = workflows.Person{ID: "U0" + strings.ToUpper(n), Name: n,
			Email: strings.ToLower(n) + "@acme.example", EmailConfirmed: true}
	}
	return out
}

func planByRisk(rows []Row, st Started, f workflows.Facts) Planned {
	SortByRisk(rows)
	return Plan(rows, st, f, rowsAt)
}

// planRows are plain rows of people named by numbers.
func planRows(n int, change func(i int, r *Row)) []Row {
	out := make([]Row, n)
	for i := range out {
		out[i] = Row{Kind: KindUser, Email: fmt.Sprintf("user%04d@acme.example", i), Role: workflows.RoleMonitor,
			Status: workflows.UserAccepted}
		if change != nil {
			change(i, &out[i])
		}
	}
	return out
}

// whoGot lists, by reviewer, the addresses they got, up to the @.
func whoGot(p Planned) string {
	var out []string
	for _, s := range p.Shares {
		line := strings.TrimPrefix(s.Reviewer, "U0")
		if s.InPlaceOf != "" {
			line += " for " + strings.TrimPrefix(s.InPlaceOf, "U0")
		}
		for _, r := range s.Rows {
			line += " " + strings.Split(r.Email, "@")[0]
			if r.Exception != "" {
				line += "!"
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

func TestPlanWhoReviewsWhat(t *testing.T) {
	row := func(name string) Row {
		return Row{Kind: KindUser, Email: name + "@acme.example", Role: workflows.RoleMonitor,
			Status: workflows.UserAccepted}
	}
	rows := func(names ...string) (out []Row) {
		for _, n := range names {
			out = append(out, row(n))
		}
		return out
	}
	base := Started{Reviewers: []string{"U0ANA", "U0BEN"}, Holders: []string{"U0CAT"}, Admins: []string{"U0DEE"},
		Auditors: []string{"U0EVE"}}
	only := func(reviewers ...string) Started { st := base; st.Reviewers = reviewers; return st }
	away := func(id string, until time.Time) func(*workflows.Facts) {
		return func(f *workflows.Facts) { p := f.People[id]; p.Away, p.AwayUntil = true, until; f.People[id] = p }
	}
	standing := func(id, code string) func(*workflows.Facts) {
		return func(f *workflows.Facts) { p := f.People[id]; p.Standing = code; f.People[id] = p }
	}
	delegate := func(from, to string) func(*workflows.Facts) {
		return func(f *workflows.Facts) {
			f.Delegations = append(f.Delegations, approvals.Delegation{From: from, To: to,
				Since: rowsAt.Add(-time.Hour), Until: rowsAt.Add(time.Hour)})
		}
	}
	mailbox := workflows.Alias{Email: "celigo@acme.example", Holders: []string{"U0CAT"}, Custodians: []string{"U0ANA"}}
	withMailbox := func(st Started) Started { st.Aliases = []workflows.Alias{mailbox}; return st }
	owner := Row{Kind: KindOwner, Email: "celigo@acme.example", Role: RoleOwner, Holders: mailbox.Holders,
		Custodians: mailbox.Custodians, Privileged: true}

	for _, c := range []struct {
		name  string
		st    Started
		rows  []Row
		facts []func(*workflows.Facts)
		want  string
		notes string // part of the notes
	}{
		{name: "evenly, in blocks", st: base, rows: rows("k", "l", "m", "n"), want: "ANA k l; BEN m n"},
		{name: "own row goes to the other reviewer", st: base, rows: rows("ana", "ben"), want: "BEN ana; ANA ben"},
		{name: "a sole reviewer's own row goes to a holder", st: only("U0ANA"), rows: rows("ana", "k"),
			want: "ANA k; CAT ana", notes: "to the holders of the mailbox"},
		{name: "then to an administrator", st: only("U0CAT"), rows: rows("cat"), want: "DEE cat",
			notes: "to the administrators"},
		{name: "nobody else at all", st: Started{Reviewers: []string{"U0ANA"}}, rows: rows("ana", "k"),
			want: "ANA ana! k"},
		{name: "an own row is recognised by the address that Slack looked up", st: base, rows: rows("anna"),
			want: "BEN anna",
			facts: []func(*workflows.Facts){func(f *workflows.Facts) {
				f.ByEmail = map[string]string{"Anna@acme.example": "U0ANA"}
			}}},
		{name: "holder and custodian do not decide on their mailbox", st: withMailbox(base), rows: []Row{owner},
			want: "BEN celigo"},
		{name: "nor does a mailbox's row in another environment", st: withMailbox(base),
			rows: []Row{{Kind: KindUser, Environment: "Sandbox", Email: "celigo@acme.example"}}, want: "BEN celigo"},
		{name: "the mailbox of all reviewers goes past its holders to an administrator", st: withMailbox(only("U0ANA")),
			rows: []Row{owner}, want: "DEE celigo"},
		{name: "a mailbox that everybody holds", st: withMailbox(Started{Reviewers: []string{"U0ANA"},
			Holders: []string{"U0CAT"}}), rows: []Row{owner}, want: "ANA celigo!"},
		{name: "who is deactivated gets nothing", st: base, rows: rows("k", "l"), facts: []func(*workflows.Facts){
			standing("U0ANA", workflows.StandingDeactivated)}, want: "BEN k l",
			notes: "<@U0ANA> gets no rows: <@U0ANA> has a deactivated Slack account."},
		{name: "who Slack was not asked about gets nothing", st: only("U0NIK", "U0BEN"), rows: rows("k", "l"),
			want: "BEN k l", notes: "not known to Slack"},
		{name: "who is away gets nothing", st: base, rows: rows("k", "l"), facts: []func(*workflows.Facts){
			away("U0BEN", time.Time{})}, want: "ANA k l", notes: "<@U0BEN> is away."},
		{name: "two days are no absence", st: base, rows: rows("k", "l"), facts: []func(*workflows.Facts){
			away("U0BEN", rowsAt.Add(48*time.Hour))}, want: "ANA k; BEN l"},
		{name: "more than two days are", st: base, rows: rows("k", "l"), facts: []func(*workflows.Facts){
			away("U0BEN", rowsAt.Add(48*time.Hour+1))}, want: "ANA k l", notes: "is away until"},
		{name: "a delegate stands in", st: base, rows: rows("k", "l"), facts: []func(*workflows.Facts){
			delegate("U0BEN", "U0FAY")}, want: "ANA k; FAY for BEN l", notes: "<@U0FAY> reviews in place of <@U0BEN>"},
		{name: "a delegate does not decide on whom they stand in for", st: only("U0BEN"), rows: rows("ben", "k"),
			facts: []func(*workflows.Facts){delegate("U0BEN", "U0FAY")}, want: "FAY for BEN k; CAT ben"},
		{name: "nor on themselves", st: only("U0BEN"), rows: rows("fay", "k"), facts: []func(*workflows.Facts){
			delegate("U0BEN", "U0FAY")}, want: "FAY for BEN k; CAT fay"},
		{name: "a delegate who reviews anyhow has one packet", st: base, rows: rows("k", "l"),
			facts: []func(*workflows.Facts){delegate("U0BEN", "U0ANA")}, want: "ANA k l",
			notes: "in place of <@U0BEN>"},
		{name: "an auditor is no delegate", st: base, rows: rows("k", "l"), facts: []func(*workflows.Facts){
			delegate("U0BEN", "U0EVE")}, want: "ANA k; BEN l", notes: "is an auditor"},
		{name: "a delegate who is away does not stand in", st: base, rows: rows("k", "l"),
			facts: []func(*workflows.Facts){delegate("U0BEN", "U0FAY"), away("U0FAY", time.Time{})},
			want:  "ANA k; BEN l",
			notes: "although they delegated"},
		{name: "a delegation that is over does nothing", st: base, rows: rows("k", "l"), want: "ANA k; BEN l",
			facts: []func(*workflows.Facts){func(f *workflows.Facts) {
				f.Delegations = []approvals.Delegation{{From: "U0BEN", To: "U0FAY", Until: rowsAt}}
			}}},
		{name: "the least concerned keeps what concerns everybody", st: only("U0BEN"), rows: rows("ben"),
			want: "FAY for BEN ben!",
			facts: []func(*workflows.Facts){delegate("U0BEN", "U0FAY"), standing("U0CAT", workflows.StandingGuest),
				standing("U0DEE", workflows.StandingBot)}},
		{name: "rather who holds the mailbox than who it is named after", rows: rows("ana"), want: "CAT ana!",
			st: Started{Reviewers: []string{"U0ANA"}, Aliases: []workflows.Alias{{Email: "ana@acme.example",
				Holders: []string{"U0CAT"}}}}},
		{name: "a group is its members", st: only("S0ALL"), rows: rows("k", "l"), want: "DEE k; FAY l",
			facts: []func(*workflows.Facts){func(f *workflows.Facts) {
				f.Groups = map[string][]string{"S0ALL": {"U0DEE", "U0FAY"}}
			}}},
		{name: "nobody", st: only("U0NIK"), rows: rows("k"), want: "", notes: "Nobody can review anything",
			facts: []func(*workflows.Facts){
				standing("U0CAT", workflows.StandingGuest), standing("U0DEE", workflows.StandingBot)}},
		{name: "nothing", st: base, want: "", notes: "There is nothing to review."},
		{name: "an address that Slack does not show", st: base, rows: rows("ana", "k"), want: "ANA ana; BEN k",
			notes: "Own rows could not be recognised for <@U0ANA>:",
			facts: []func(*workflows.Facts){func(f *workflows.Facts) {
				p := f.People["U0ANA"]
				p.Email = ""
				f.People["U0ANA"] = p
			}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := workflows.Facts{People: planCrew("Ana", "Ben", "Cat", "Dee", "Eve", "Fay")}
			for _, change := range c.facts {
				change(&f)
			}
			p := planByRisk(c.rows, c.st, f)
			if got := whoGot(p); got != c.want {
				t.Errorf("got %q, want %q\nnotes: %q", got, c.want, p.Notes)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, c.notes) || c.notes == "" &&
				notes != "" && strings.Contains(notes, "gets no rows") {
				t.Errorf("notes %q lack %q", notes, c.notes)
			}
			if strings.Count(whoGot(p), "!") != len(p.Exceptions) {
				t.Errorf("exceptions told: %q", p.Exceptions)
			}
		})
	}
}

func TestRulesNameReviewersForIntegrationsThenRoles(t *testing.T) {
	st := Started{Reviewers: []string{"U0ANA"}, Policy: workflows.ReviewPolicy{
		ByRole:        map[string][]string{workflows.RoleAdministrator: {"U0BEN"}, workflows.RoleCustom: {"U0CAT"}},
		ByIntegration: map[string][]string{"i1": {"U0DEE"}, "Orders": {"U0FAY"}},
	}}
	rows := []Row{
		{Kind: KindUser, Email: "admin@x", Role: workflows.RoleAdministrator},
		{Kind: KindUser, Email: "byid@x", Role: workflows.RoleCustom, Monitor: []string{"i1"}},
		{Kind: KindUser, Email: "byname@x", Role: workflows.RoleCustom, Manage: []string{"i2"}, Monitor: []string{"i1"},
			Names: map[string]string{"i2": "Orders"}},
		{Kind: KindUser, Email: "byrole@x", Role: workflows.RoleCustom, Manage: []string{"i3"}},
		{Kind: KindUser, Email: "ben@acme.example", Role: workflows.RoleAdministrator},
		{Kind: KindUser, Email: "plain@x", Role: workflows.RoleMonitor},
	}
	p := planByRisk(rows, st, workflows.Facts{People: planCrew("Ana", "Ben", "Cat", "Dee", "Fay")})
	if got, want := whoGot(p), "FAY byname; DEE byid; BEN admin; CAT byrole; ANA ben plain"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes,
		"Those named for rows with the role administrator cannot decide on themselves, or on a mailbox of theirs: 1 row goes to the reviewers.") {
		t.Errorf("notes %q", notes)
	}
}

func TestEnvironmentsAndRolesStayTogether(t *testing.T) {
	rows := planRows(40, func(i int, r *Row) {
		if i%2 == 1 {
			r.Environment = "Sandbox"
		}
	})
	p := planByRisk(rows, Started{Reviewers: []string{"U0ANA", "U0BEN"}},
		workflows.Facts{People: planCrew("Ana", "Ben")})
	for _, s := range p.Shares {
		for _, r := range s.Rows {
			if r.Environment != s.Rows[0].Environment {
				t.Fatalf("%s has rows of both environments although two reviewers can have one each", s.Reviewer)
			}
		}
	}
}

func TestManyRowsBecomeSeveralPacketsOfAboutTheSameLength(t *testing.T) {
	p := planByRisk(planRows(2*MaxRows+2, nil), Started{Reviewers: []string{"U0ANA"}, Admins: []string{"U0DEE"}},
		workflows.Facts{People: planCrew("Ana", "Dee")})
	var lengths []int
	for _, s := range p.Shares {
		lengths = append(lengths, len(s.Rows))
		if s.Rows[0].N != 1 || s.Rows[len(s.Rows)-1].N != len(s.Rows) || !slices.Equal(s.Backups, []string{"U0DEE"}) {
			t.Errorf("numbered %d to %d, backups %v", s.Rows[0].N, s.Rows[len(s.Rows)-1].N, s.Backups)
		}
	}
	if !slices.Equal(lengths, []int{167, 167, 168}) {
		t.Errorf("lengths %v", lengths)
	}
}

func TestBackupsAreReviewersThenAdministratorsThenHolders(t *testing.T) {
	st := Started{Reviewers: []string{"U0ANA", "U0BEN", "U0GUS"}, Admins: []string{"U0DEE", "U0ANA"},
		Holders: []string{"U0CAT"}, Auditors: []string{"U0EVE"}}
	rows := append(planRows(7, nil), Row{Kind: KindUser, Email: "gus@acme.example", Role: workflows.RoleMonitor})
	p := planByRisk(rows, st, workflows.Facts{People: planCrew("Ana", "Ben", "Cat", "Dee", "Eve", "Gus")})
	// Ana has Gus's row, so he may not follow her; Ben has as many rows as she.
	for _, s := range p.Shares {
		want := map[string][]string{"U0ANA": {"U0BEN", "U0DEE", "U0CAT"}, "U0BEN": {"U0GUS", "U0ANA", "U0DEE", "U0CAT"},
			"U0GUS": {"U0ANA", "U0BEN", "U0DEE", "U0CAT"}}[s.Reviewer]
		if !slices.Equal(s.Backups, want) {
			t.Errorf("%s (%d rows) is followed by %v, want %v", s.Reviewer, len(s.Rows), s.Backups, want)
		}
	}
}

// Where nobody finishes in time, everybody is to get one more packet, and not one person all of them.
func TestManyPacketsAreNotFollowedByOnePerson(t *testing.T) {
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("Rev%02d", i))
	}
	people := planCrew(names...)
	st := Started{Reviewers: slices.Sorted(maps.Keys(people)), Admins: []string{"U0DEE"}}
	p := planByRisk(planRows(5003, nil), st, workflows.Facts{People: people})
	first := map[string]int{}
	for _, s := range p.Shares {
		first[s.Backups[0]]++
	}
	for who, n := range first {
		if n > 2 {
			t.Errorf("%s is the first to follow in %d of %d packets", who, n, len(p.Shares))
		}
	}
	if len(p.Shares) != 40 || len(first) < 30 {
		t.Errorf("%d packets, followed by %d people", len(p.Shares), len(first))
	}
}

// planCase is a random situation; everything may happen to anybody.
type planCase struct {
	rows []Row
	st   Started
	f    workflows.Facts
}

func drawPlanCase(t *rapid.T) planCase {
	ids := []string{"U0A", "U0B", "U0C", "U0D", "U0E", "U0F"}
	email := func(id string) string { return strings.ToLower(id) + "@acme.example" }
	some := func(label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 4, rapid.ID).Draw(t, label)
	}
	f := workflows.Facts{People: map[string]workflows.Person{}, ByEmail: map[string]string{},
		Groups: map[string][]string{"S0G": some("group")}}
	for _, id := range ids {
		p := workflows.Person{ID: id, Email: email(id)}
		switch rapid.IntRange(0, 9).Draw(t, "state of "+id) {
		case 0:
			p.Standing = workflows.StandingDeactivated
		case 1:
			p.Away = true
		case 2:
			p.Away, p.AwayUntil = true, rowsAt.Add(time.Hour)
		case 3:
			p.Email = ""
			f.ByEmail[email(id)] = id
		}
		f.People[id] = p
		if rapid.IntRange(0, 4).Draw(t, "delegates") == 0 {
			f.Delegations = append(f.Delegations, approvals.Delegation{From: id, To: rapid.SampledFrom(ids).Draw(t,
				"to")})
		}
	}
	st := Started{Reviewers: append(some("reviewers"), "S0G"), Admins: some("admins"), Holders: some("holders"),
		Auditors: some("auditors")}
	st.Aliases = []workflows.Alias{{Email: "celigo@acme.example", Holders: some("alias holders"),
		Custodians: some("custodians")}}
	st.Policy.ByRole = map[string][]string{workflows.RoleManage: some("by role"), RoleOwner: some("by owner")}
	st.Policy.ByIntegration = map[string][]string{"i1": some("by i1"), "i2": some("by i2")}
	emails := []string{"celigo@acme.example", "k@acme.example", "l@partner.example", ""}
	for _, id := range ids {
		emails = append(emails, email(id))
	}
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Row {
		r := Row{Kind: KindUser, Email: rapid.SampledFrom(emails).Draw(t, "email"),
			Environment: rapid.SampledFrom([]string{"", "Sandbox"}).Draw(t, "environment"),
			Role: rapid.SampledFrom([]string{workflows.RoleAdministrator, workflows.RoleManage, workflows.RoleMonitor,
				workflows.RoleCustom}).Draw(t, "role")}
		if r.Role == workflows.RoleCustom {
			r.Manage = rapid.SliceOfN(rapid.SampledFrom([]string{"i1", "i2", "i3"}), 0, 2).Draw(t, "manage")
		}
		r.Flags = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{FlagInactive, FlagForeignDomain}), 0, 2,
			rapid.ID).Draw(t, "flags")
		return r
	}), 0, 30).Draw(t, "rows")
	rows = append(rows, Row{Kind: KindOwner, Email: "celigo@acme.example", Role: RoleOwner, Privileged: true})
	for i := range rows {
		rows[i].Name = fmt.Sprint("row ", i) // tells them apart
	}
	SortByRisk(rows)
	return planCase{rows, st, f}
}

// concerned is a dumb twin of the panel: whom a row concerns, by the words of the rule.
func (c planCase) concerned(id string, r Row) bool {
	if r.Email != "" && (c.f.People[id].Email == r.Email || c.f.ByEmail[r.Email] == id) {
		return true
	}
	a := c.st.Aliases[0]
	return r.Email == a.Email && workflows.Among(id, a.Holders, a.Custodians)
}

// able lists everybody who may review in place of whom, by the words of the rule; "" for themselves.
func (c planCase) able() (out [][2]string) {
	named := slices.Concat(c.st.Reviewers, c.st.Holders, c.st.Admins, c.st.Aliases[0].Holders)
	for _, m := range []map[string][]string{c.st.Policy.ByRole, c.st.Policy.ByIntegration} {
		for _, ids := range m {
			named = append(named, ids...)
		}
	}
	named = c.f.Expand(named)
	fit := func(id string) bool {
		p := c.f.People[id]
		return p.Standing == "" && (!p.Away || !p.AwayUntil.IsZero()) &&
			(slices.Contains(named, id) || !slices.Contains(c.st.Auditors, id))
	}
	for _, id := range named {
		i := slices.IndexFunc(c.f.Delegations, func(d approvals.Delegation) bool { return d.From == id && d.To != id })
		switch {
		case i >= 0 && fit(c.f.Delegations[i].To):
			out = append(out, [2]string{c.f.Delegations[i].To, id})
		case fit(id):
			out = append(out, [2]string{id, ""})
		}
	}
	return out
}

func TestPlanKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawPlanCase(t)
		before := fmt.Sprintf("%+v", c.rows)
		p := Plan(c.rows, c.st, c.f, rowsAt)
		if fmt.Sprintf("%+v", c.rows) != before {
			t.Fatal("the rows given were changed")
		}
		able := c.able()
		if (len(able) == 0) != (len(p.Shares) == 0) {
			t.Fatalf("%d can review, %d shares; notes %q", len(able), len(p.Shares), p.Notes)
		}
		if len(p.Shares) == 0 {
			if len(p.Notes) == 0 {
				t.Fatal("nobody is told why there are no shares")
			}
			return
		}
		c.everyRowOnce(t, p)
		told := 0
		for _, s := range p.Shares {
			if !slices.ContainsFunc(able, func(a [2]string) bool {
				return a[0] == s.Reviewer && (s.InPlaceOf == "" || a[1] == s.InPlaceOf)
			}) {
				t.Fatalf("%s reviews in place of %q, and may not", s.Reviewer, s.InPlaceOf)
			}
			for _, r := range s.Rows {
				told += c.ownRow(t, s, r, able)
			}
			c.backups(t, s, able)
		}
		if told != len(p.Exceptions) {
			t.Fatalf("%d exceptions, told %q", told, p.Exceptions)
		}
	})
}

func (c planCase) everyRowOnce(t *rapid.T, p Planned) {
	place := map[string]int{}
	for i, r := range c.rows {
		place[r.Name] = i
	}
	seen := map[string]bool{}
	for _, s := range p.Shares {
		last := -1
		if len(s.Rows) == 0 || len(s.Rows) > MaxRows {
			t.Fatalf("a share of %d rows", len(s.Rows))
		}
		for n, r := range s.Rows {
			if seen[r.Name] || r.N != n+1 || place[r.Name] < last {
				t.Fatalf("%s: twice %v, numbered %d at %d, order of risk %d after %d", r.Name, seen[r.Name], r.N, n+1,
					place[r.Name], last)
			}
			seen[r.Name], last = true, place[r.Name]
			was := c.rows[place[r.Name]]
			was.N, was.Exception = r.N, r.Exception
			if !reflect.DeepEqual(was, r) {
				t.Fatalf("row changed: %+v, was %+v", r, was)
			}
		}
	}
	if len(seen) != len(c.rows) {
		t.Fatalf("%d rows shared of %d", len(seen), len(c.rows))
	}
}

// ownRow checks that a row that concerns its reviewer is an exception, and that it is one only when
// nobody else could have it; it answers 1 for an exception.
func (c planCase) ownRow(t *rapid.T, s Share, r Row, able [][2]string) int {
	concerned := c.concerned(s.Reviewer, r) || s.InPlaceOf != "" && c.concerned(s.InPlaceOf, r)
	if r.Exception == "" {
		if concerned {
			t.Fatalf("%s (for %q) decides on %s without an exception", s.Reviewer, s.InPlaceOf, r.Email)
		}
		return 0
	}
	for _, a := range able {
		// Who stands in for several is barred by any of them, unless they review on their own account, too.
		barred := c.concerned(a[0], r)
		for _, b := range able {
			barred = barred || b[0] == a[0] && b[1] != "" && c.concerned(b[1], r) && !slices.Contains(able,
				[2]string{a[0], ""})
		}
		if !barred {
			t.Fatalf("%s keeps %s although %s (for %q) could decide it", s.Reviewer, r.Email, a[0], a[1])
		}
	}
	return 1
}

// backups checks that nobody follows who has an own row in the share, and that those who hold a
// mailbox of it come after all others.
func (c planCase) backups(t *rapid.T, s Share, able [][2]string) {
	held := false
	for i, id := range s.Backups {
		if id == s.Reviewer || slices.Contains(s.Backups[:i], id) || !slices.ContainsFunc(able, func(a [2]string) bool {
			return a[0] == id
		}) {
			t.Fatalf("%s is no backup of %s: %v", id, s.Reviewer, s.Backups)
		}
		concerned := false
		for _, r := range s.Rows {
			concerned = concerned || c.concerned(id, r)
			if r.Email != "" && (c.f.People[id].Email == r.Email || c.f.ByEmail[r.Email] == id) {
				t.Fatalf("backup %s would decide on themselves", id)
			}
		}
		if held && !concerned {
			t.Fatalf("%s, whom no row concerns, follows after somebody whom one does: %v", id, s.Backups)
		}
		held = held || concerned
	}
}

func TestPlanDependsOnNothingButItsArguments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawPlanCase(t)
		want := Plan(c.rows, c.st, c.f, rowsAt)
		// Go walks maps in another order each time; besides, they are built anew in another order here.
		f := c.f
		f.People = map[string]workflows.Person{}
		for _, id := range rapid.Permutation([]string{"U0A", "U0B", "U0C", "U0D", "U0E", "U0F"}).Draw(t, "order") {
			f.People[id] = c.f.People[id]
		}
		rows := rapid.Permutation(c.rows).Draw(t, "rows")
		SortByRisk(rows)
		for range 3 {
			if got := Plan(rows, c.st, f, rowsAt); !reflect.DeepEqual(got, want) {
				t.Fatalf("got\n%+v\nwant\n%+v", got, want)
			}
		}
	})
}

func TestSharesAreEvenWhenNothingIsSpecial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "rows")
		names := []string{"A", "B", "C", "D", "E"}[:rapid.IntRange(1, 5).Draw(t, "reviewers")]
		st := Started{}
		for _, name := range names {
			st.Reviewers = append(st.Reviewers, "U0"+name)
		}
		rows := planRows(n, func(i int, r *Row) {
			if k := i % 97; k < len(names) { // some are their own
				r.Email = strings.ToLower(names[k]) + "@acme.example"
			}
		})
		got := map[string]int{}
		for _, s := range planByRisk(rows, st, workflows.Facts{People: planCrew(names...)}).Shares {
			got[s.Reviewer] += len(s.Rows)
		}
		least, most := n, 0
		for _, id := range st.Reviewers {
			least, most = min(least, got[id]), max(most, got[id])
		}
		if most-least > 1 && n > 2*len(names)+4 {
			t.Fatalf("%d rows: %v", n, got)
		}
	})
}

func BenchmarkPlan5000RowsFor40Reviewers(b *testing.B) {
	var names []string
	st := Started{}
	for i := range 40 {
		names = append(names, fmt.Sprintf("R%d", i))
		st.Reviewers = append(st.Reviewers, fmt.Sprintf("U0R%d", i))
	}
	rows := planRows(5000, func(i int, r *Row) {
		if i%50 == 0 {
			r.Email = fmt.Sprintf("r%d@acme.example", i/50%40)
		}
		r.Role = []string{workflows.RoleMonitor, workflows.RoleManage, workflows.RoleAdministrator}[i%3]
	})
	SortByRisk(rows)
	f := workflows.Facts{People: planCrew(names...)}
	for b.Loop() {
		if p := Plan(rows, st, f, rowsAt); len(p.Shares) != 40 {
			b.Fatalf("%d shares", len(p.Shares))
		}
	}
}
