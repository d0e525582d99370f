package review

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
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
	for email, want := range map[string][2]string{"lou@acme.example": {population.FlagUnexplained, "f15-FFFF2222"},
		"max@acme.example": {population.FlagRemovalAsked, "a15-AAAA2222"}} {
		i := slices.IndexFunc(w.packet("Dee").Rows, func(r population.Row) bool { return r.Email == email })
		if i < 0 {
			t.Fatalf("%s is not with Dee", email)
		}
		r := w.packet("Dee").Rows[i]
		_, facts := population.RowText(r, w.now)
		if !slices.Contains(r.Flags, want[0]) || !strings.Contains(strings.Join(facts, " "), want[1]) {
			t.Errorf("%s: %v, %v", email, r.Flags, facts)
		}
		if v := w.verdict(email); v.Decision != "" {
			t.Errorf("%s was kept together: %+v", email, v)
		}
		if r.Lacks(population.Verdict{Decision: population.Keep}) != "reason" {
			t.Errorf("%s is kept without a reason", email)
		}
	}
}

// toldFinding are the words that a finding was told by a review.
func (w *world) toldFinding(id string) []workflows.ReviewedFinding {
	var out []workflows.ReviewedFinding
	for _, call := range w.sent {
		if call.ID != id {
			continue
		}
		b, err := workflows.FindingReviewed.Body(workflows.Command{Input: call.Input})
		if err != nil {
			w.t.Fatalf("%v", err)
		}
		out = append(out, b)
	}
	return out
}

// What is decided about a row answers its finding: keeping as soon as it is signed, taking away
// once it was carried out and read back.
func TestADecisionInTheReviewAnswersTheFindingOfItsRow(t *testing.T) {
	const finding = "f15-FFFF2222"
	for _, decision := range []string{population.Keep, population.Remove, population.Change} {
		t.Run(decision, func(t *testing.T) {
			w := newWorld(t)
			w.policy.Access.Environments = nil
			w.policy.Review.Reviewers = []string{"UDEE"}
			w.account.Locks = map[string]string{workflows.OpenFinding + "/ned@acme.example": finding}
			if err := w.start("Dee"); err != nil {
				t.Fatal(err)
			}
			w.drain()
			row := population.Row{}
			for _, p := range w.packets() {
				for _, r := range p.Rows {
					if r.Email == "ned@acme.example" {
						row = r
					}
				}
				who := strings.ToUpper(p.Reviewer[1:2]) + strings.ToLower(p.Reviewer[2:])
				w.keepEverything(who)
				i := slices.IndexFunc(p.Rows, func(r population.Row) bool { return r.Email == "ned@acme.example" })
				if i >= 0 && decision != population.Keep {
					n := strconv.Itoa(p.Rows[i].N)
					in := map[string]string{BlockRow + n: decision, BlockRole + n: workflows.RoleMonitor,
						BlockReason + n: "left"}
					if err := w.click(who, FormPacket, p.ID, in, 0); err != nil {
						t.Fatal(err)
					}
				}
				if told := w.toldFinding(finding); i >= 0 && len(told) != 0 {
					t.Fatalf("told before it was signed: %+v", told)
				}
				w.sign(who)
			}
			if decision == population.Keep {
				told := w.toldFinding(finding)
				if len(told) != 1 || told[0].Mark != row.Mark || told[0].Reviewer == "" ||
					told[0].Review != w.campaignID() || told[0].Reason != "still needed" {
					t.Errorf("told %+v", told)
				}
				return
			}
			if told := w.toldFinding(finding); len(told) != 0 {
				t.Fatalf("told before it was carried out: %+v", told)
			}
			for _, id := range w.openFixes() {
				for _, state := range []string{population.FixPending, population.FixVerified, population.FixVerified} {
					w.fix(id, state, workflows.Acted, "")
				}
			}
			told := w.toldFinding(finding)
			if len(told) != 1 || told[0].Mark != "" || !workflows.HasLetter(told[0].Access, workflows.LetterAccess) ||
				told[0].Reviewer == "" {
				t.Errorf("told %+v", told)
			}
			w.drain()
			if w.state().Phase != CampaignCompleted {
				t.Errorf("%s", w.state().Phase)
			}
		})
	}
}

// A signed keep answers the request for the removal, once, with who decided and who signed.
func TestKeepingAnswersTheRequestForTheRemoval(t *testing.T) {
	const asked = "a15-AAAA2222"
	w := newWorld(t)
	w.policy.Access.Environments = nil
	w.policy.Review.Reviewers = []string{"UDEE"}
	w.account.Locks = map[string]string{workflows.OpenRemoval + "/ned@acme.example": asked}
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.drain()
	told := func() (out []workflows.KeptAccess) {
		for _, call := range w.sent {
			if call.ID == asked {
				b, err := workflows.AccessKept.Body(workflows.Command{Input: call.Input})
				if err != nil || call.Command != workflows.AccessKept.Command {
					t.Fatalf("%s: %v", call.Command, err)
				}
				out = append(out, b)
			}
		}
		return out
	}
	for _, p := range w.packets() {
		who := strings.ToUpper(p.Reviewer[1:2]) + strings.ToLower(p.Reviewer[2:])
		w.keepEverything(who)
		ned := slices.ContainsFunc(p.Rows, func(r population.Row) bool { return r.Email == "ned@acme.example" })
		if early := told(); ned && len(early) != 0 {
			t.Fatalf("told before it was signed: %+v", early)
		}
		w.sign(who)
	}
	w.drain()
	want := workflows.KeptAccess{Review: w.campaignID(), Reviewer: "UDEE", Signed: "UDEE", Reason: "still needed"}
	if got := told(); len(got) != 1 || got[0] != want {
		t.Errorf("told %+v, want %+v", got, want)
	}
}
