package access

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// A removal that a review decides takes over one that was asked for and not decided: its approvers
// are asked no more, and integrator.io is told once.
func TestARemovalOfAReviewTakesOverAnOpenRequest(t *testing.T) {
	w := newWorld(t)
	w.request("Dee", map[string]string{BlockAccount: "acme", BlockPerson: "UBEN", BlockChange: Remove,
		BlockReason: "left"})
	w.deliverAll()
	asked := w.newest()
	if asked.state.(State).Stage != Approving {
		t.Fatalf("%s", asked.state.(State).Stage)
	}
	st := w.review("Ana", "Ben", map[string]string{BlockChange: Remove, inWas: "accepted/monitor"})
	by := w.newest().state.(State)
	i := slices.IndexFunc(st.calls, func(c workflows.Call) bool {
		return c.Command == workflows.AccessOvertaken.Command
	})
	if by.Stage != Waiting || i < 0 || st.calls[i].ID != asked.id || by.Wait.Again.Sub(by.Begun) != soonAgain {
		t.Fatalf("%s until %s, calls %+v", by.Stage, by.Wait.Again, st.calls)
	}
	w.deliverAll()
	over := asked.state.(State)
	if !over.Closed() || over.StageName() != Cancelled || !strings.Contains(outcomeLine(over),
		"r07-acme-2026q4 decided the same, by <@UANA>") {
		t.Fatalf("%s: %s", over.StageName(), outcomeLine(over))
	}
	if w.Account.Locks[workflows.OpenRemoval+"/ben@acme.example"] == asked.id {
		t.Error("it still holds the word of the removal")
	}
	again := w.do(workflows.Command{Workflow: asked.id, Name: st.calls[i].Command, Input: st.calls[i].Input,
		Actor: keyholder, Round: workflows.NoRound})
	if len(again.events) != 0 {
		t.Errorf("told twice, and decided twice: %+v", again.events)
	}
	w.wait(2 * soonAgain)
	w.deliverAll()
	if end := w.find(by.ID).state.(State); end.StageName() != Done || end.Email != "ben@acme.example" {
		t.Errorf("the review's removal is %s", end.StageName())
	}
}
