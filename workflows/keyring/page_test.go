package keyring

import (
	"fmt"
	"strings"
	"testing"
)

// page is the documentation as lines, for comparison.
func page(k Known) (all, open string) {
	var a, o []string
	for _, f := range Page(k, []Open{{ID: "t07-00000002", Title: "Hand <Acme> over"}}) {
		a = append(a, f.Line())
		if !f.Restricted {
			o = append(o, f.Line())
		}
	}
	return strings.Join(a, "\n"), strings.Join(o, "\n")
}

func TestThePageNamesEachFactWithItsSource(t *testing.T) {
	k := known()
	k.Policy.Aliases[0].Vault = "IT vault / Celigo owner"
	k.Policy.Conventions.Naming = "env-system-purpose"
	all, open := page(k)
	for _, want := range []string{
		"*Owner:* " + alias + " (<!date^", "`t07-00000001`",
		"<@UANA> (verified <!date^", "<@UBEN> (never shown)",
		"*Roles in production:* 1 monitor, 1 invited", "*Roles in Sandbox:* 1 manage", "seen at integrator.io",
		"*Access with an end in production:* fay@acme.example", "`a07-00000001`",
		"*Naming conventions:* env-system-purpose (as configured)",
		"! *Last drill:* never", "*Open:* Hand &lt;Acme&gt; over (`t07-00000002`)",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("missing %q in:\n%s", want, all)
		}
	}
	for _, hidden := range []string{"IT vault", "Password of", "Second factor of"} {
		if strings.Contains(open, hidden) || !strings.Contains(all, hidden) {
			t.Errorf("%q is for a few only:\n%s", hidden, open)
		}
	}
}

// A review of a large account has dozens of parts, each of which says how many of its rows are left.
func TestWhatIsOpenIsShortAndStaysWhileRowsAreDecided(t *testing.T) {
	all := []Open{{ID: "r07-acme-2026q4", Title: "Review of Acme"}}
	for i := range 40 {
		all = append(all, Open{ID: fmt.Sprintf("p07-%08d", i), Title: fmt.Sprintf("%d of 250 rows left", i)})
	}
	if got, want := opened(all), "Review of Acme (`r07-acme-2026q4`)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for i := range 40 {
		all = append(all, Open{ID: fmt.Sprintf("a07-%08d", i), Title: fmt.Sprint("Access ", i)})
	}
	if got := opened(all); !strings.HasSuffix(got, "(`a07-00000013`); and 26 more") {
		t.Errorf("much is open: %s", got)
	}
}

func TestWhatWasNotReadIsSaidToBeSo(t *testing.T) {
	k := known()
	k.Users = nil
	k.Policy.Token = true
	if all, _ := page(k); !strings.Contains(all, "! *Roles in production:* not read") {
		t.Error(all)
	}
}

func TestEachGapHasASentenceWithWhatToDo(t *testing.T) {
	people := [][]string{nil, {"UANA"}}
	for _, who := range people {
		for _, g := range []Gap{
			{Code: GapOwnerIsPerson, What: Owner, Where: "jane@acme.example"},
			{Code: GapNobody, What: Mailbox, Where: alias},
			{Code: GapAlone, What: Password, Where: alias}, {Code: GapSole, What: Password, Where: alias},
			{Code: GapQuorum, What: Approver, Need: 2}, {Code: GapQuorum, What: AccessSay, Need: 1},
			{Code: GapQuorum, What: RecoverySay, Need: 2},
			{Code: GapReviewer, What: Reviewer}, {Code: GapAdmins, What: Administrator},
		} {
			if g.People = who; who == nil && (g.Code == GapAlone || g.Code == GapSole) {
				continue // these are always about one person
			}
			text := g.Sentence("acme")
			if !strings.HasSuffix(text, ".") || strings.Count(text, ". ") < 1 || strings.Contains(text, "  ") ||
				strings.Contains(text, " of .") {
				t.Errorf("%s %s: %q", g.Code, g.What, text)
			}
		}
	}
}
