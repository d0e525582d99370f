package access

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// undelegate ends a delegation and tells the workflows that wait for its giver, as the desk does.
func (w *world) undelegate(from string) {
	w.T.Helper()
	w.Delegations = slices.DeleteFunc(w.Delegations, func(d approvals.Delegation) bool {
		return d.From == machinetest.UserID(from)
	})
	for _, r := range w.runs {
		if slices.Contains(r.view.Waiting, machinetest.UserID(from)) {
			w.do(workflows.Command{Workflow: r.id, Name: workflows.CmdDelegated, Actor: person(from),
				Round: workflows.NoRound})
		}
	}
}

// TestDelegationIsOfNow: Ana lets Eve decide, then Fay, then nobody.
func TestDelegationIsOfNow(t *testing.T) {
	w := newWorld(t)
	w.request("Dee", form{For: "Ben", Change: Change, Role: workflows.RoleManage, Length: "1d"}.fields())
	w.deliverAll()
	r := w.newest()
	text := func(who string) (main, all string) {
		for _, c := range r.view.Cards {
			if c.Recipient == machinetest.UserID(who) {
				all += strings.Join(append(c.Lines, c.Title), "\n")
				if c.Name == cardMain {
					main = strings.Join(c.Lines, "\n")
					for _, b := range c.Buttons {
						main += " [" + b.Action + "]"
					}
				}
			}
		}
		return main, all
	}
	w.delegate("Ana", "Eve", day)
	if main, _ := text("Eve"); !strings.Contains(main, ActApprove) {
		t.Fatalf("Eve is not asked: %s", main)
	}
	w.delegate("Ana", "Fay", day)
	main, all := text("Eve")
	if strings.Contains(main, ActApprove) || !strings.Contains(all, "You are no longer asked") {
		t.Errorf("Eve is still asked, or was not told: %s", all)
	}
	if seen, _ := text("Cat"); strings.Contains(seen, "UEVE") || !strings.Contains(seen, "UFAY") {
		t.Errorf("Cat reads of those asked before: %s", seen)
	}
	if slices.Contains(r.view.Waiting, "UEVE") || !slices.Contains(r.view.Waiting, "UFAY") {
		t.Errorf("waits for %v", r.view.Waiting)
	}
	if st := w.click("Eve", "approve"); st.code() != approvals.CodeNotAsked || strings.Contains(st.refusal().Text,
		"UEVE") {
		t.Errorf("Eve hears: %v", st.err)
	}
	w.undelegate("Ana")
	if slices.Contains(r.view.Waiting, "UFAY") {
		t.Errorf("waits for %v", r.view.Waiting)
	}
	w.delegate("Ana", "Fay", time.Hour)
	w.wait(2 * time.Hour)
	if slices.Contains(r.view.Waiting, "UFAY") {
		t.Errorf("its time is over, and Fay is waited for: %v", r.view.Waiting)
	}
}

// TestWhoIsAskedFollowsEveryDelegation: in whatever order delegations are given, given to somebody
// else, ended, and over by their time, and votes come, who is named and waited for is who can
// answer now; nobody is asked who cannot.
func TestWhoIsAskedFollowsEveryDelegation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.Policy.Access.Quorum = 3
		w.request("Dee", form{For: "kim@partner.example", Change: Grant, Role: workflows.RoleManage,
			Length: "1d"}.fields())
		w.deliverAll()
		r := w.newest()
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			from := rapid.SampledFrom([]string{"Ana", "Ben", "Cat"}).Draw(t, "from")
			switch rapid.SampledFrom([]string{"give", "give", "end", "wait", "vote"}).Draw(t, "kind") {
			case "give":
				to := rapid.SampledFrom([]string{"Eve", "Fay", "Cat", "Dee", "Jane"}).Draw(t, "to")
				if to != from {
					w.delegate(from, to, time.Duration(rapid.IntRange(1, 30).Draw(t, "hours"))*time.Hour)
				}
			case "end":
				w.undelegate(from)
			case "wait":
				w.wait(time.Duration(rapid.IntRange(1, 12).Draw(t, "hours")) * time.Hour)
			case "vote":
				w.clickAt(r, round(r.state), rapid.SampledFrom([]string{"Ana", "Cat", "Eve", "Fay"}).Draw(t, "who"),
					"approve")
			}
			s := r.access()
			if s.Stage != Approving {
				return
			}
			f := w.Facts(r.machine.Needs(s, workflows.Command{Name: ActApprove, Actor: person("Ana")}, w.Policy,
				w.Account))
			want := asks.Recount(s, f, w.Now).Waiting
			if got := s.asked().Waiting; !slices.Equal(sorted(got), sorted(want)) {
				t.Fatalf("named are %v, and %v can answer: %s", got, want, machinetest.Encode(t, w.Delegations))
			}
			for _, c := range r.view.Cards {
				asks := slices.ContainsFunc(c.Buttons, func(b workflows.Button) bool { return b.Action == ActApprove })
				if c.Name == cardMain && asks != slices.Contains(want, c.Recipient) {
					t.Fatalf("the card of %s asks: %v, and they can answer: %v", c.Recipient, asks,
						slices.Contains(want, c.Recipient))
				}
			}
		}
	})
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }
