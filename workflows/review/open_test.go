package review

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// What is open about an access is shown on its row with its ID, asks a reason to keep it, and is
// never kept together.
func TestWhatIsOpenAboutAnAccessIsAFlagOfItsRow(t *testing.T) {
	w := newWorld(t)
	w.policy.Access.Environments = nil
	w.policy.Review.Reviewers = []string{"UDEE"}
	w.account.Locks = map[string]string{workflows.OpenFinding + "/lou@acme.example": "f15-FFFF2222",
		workflows.OpenRemoval + "/max@acme.example": "a15-AAAA2222", "access//ned@acme.example": "a15-NNNN2222"}
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.drain()
	id := w.packet("Dee").ID
	if err := w.click("Dee", ActKeepAll, id, map[string]string{}, 0); err != nil {
		t.Fatal(err)
	}
	for email, want := range map[string][2]string{"lou@acme.example": {FlagUnexplained, "f15-FFFF2222"}, "max@acme.example": {FlagRemovalAsked, "a15-AAAA2222"}} {
		i := slices.IndexFunc(w.packet("Dee").Rows, func(r Row) bool { return r.Email == email })
		if i < 0 {
			t.Fatalf("%s is not with Dee", email)
		}
		r := w.packet("Dee").Rows[i]
		_, facts := RowText(r)
		if !slices.Contains(r.Flags, want[0]) || !strings.Contains(strings.Join(facts, " "), want[1]) {
			t.Errorf("%s: %v, %v", email, r.Flags, facts)
		}
		if v := w.verdict(email); v.Decision != "" {
			t.Errorf("%s was kept together: %+v", email, v)
		}
		if r.Lacks(Verdict{Decision: Keep}) != "reason" {
			t.Errorf("%s is kept without a reason", email)
		}
	}
}
