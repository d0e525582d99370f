package access

import (
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// What a review keeps answers the request for its removal: whoever asked and the approvers see who
// decided, in which review, and why.
func TestKeepingInAReviewEndsTheRequestForARemoval(t *testing.T) {
	const review = "r07-acme-2026q4"
	for name, c := range map[string]struct {
		kept     workflows.KeptAccess
		approved bool // by enough people, before
		stage    string
		says     string
	}{
		"by a reviewer": {workflows.KeptAccess{Reviewer: "UANA", Signed: "UANA", Reason: "Does the close"}, false,
			Refused,
			"<@UANA> kept this access in the review r07-acme-2026q4 and signed that off: “Does the close”. Nothing was changed"},
		"by a reviewer who approves nothing": {workflows.KeptAccess{Reviewer: "UKIM", Signed: "UANA"}, false, Refused,
			"<@UKIM> kept this access in the review r07-acme-2026q4, and <@UANA> signed that off. Nothing"},
		"as the time ended it": {workflows.KeptAccess{Reviewer: "UANA"}, false, Refused,
			"which ended by its time. Nothing"},
		"by who asked": {workflows.KeptAccess{Reviewer: "UDEE", Signed: "UDEE"}, false, Cancelled,
			"<@UDEE> kept"},
		"by whose it is": {workflows.KeptAccess{Reviewer: "UBEN", Signed: "UBEN"}, false, Approving,
			"does not end this request: it is their own access"},
		"too late": {workflows.KeptAccess{Reviewer: "UANA", Signed: "UANA"}, true, Doing, "and it is being done"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.request("Dee", map[string]string{BlockAccount: "acme", BlockPerson: "UBEN", BlockChange: Remove,
				BlockReason: "left"})
			w.deliverAll()
			asked := w.newest()
			if c.approved {
				w.click("Ana", "approve")
			}
			c.kept.Review = review
			call := workflows.AccessKept.To("acme", asked.id, c.kept)
			cmd := workflows.Command{Workflow: asked.id, Name: call.Command, Input: call.Input, Actor: keyholder,
				Round: workflows.NoRound}
			st := w.do(cmd)
			s := asked.state.(State)
			if s.StageName() != c.stage || len(st.calls) != 0 {
				t.Fatalf("%s, calls %+v", s.StageName(), st.calls)
			}
			for _, who := range []string{"UDEE", "UANA"} {
				card := s.card(who)
				if !strings.Contains(strings.Join(card.Lines, "\n"), c.says) || s.Closed() && len(card.Buttons) > 0 {
					t.Errorf("%s sees %q, %+v", who, card.Lines, card.Buttons)
				}
			}
			told := ""
			for _, e := range st.events {
				told += Machine().Tell(e) + "\n"
			}
			if !strings.Contains(told, review) {
				t.Errorf("the story says %q", told)
			}
			if held := w.Account.Locks[workflows.OpenRemoval+"/ben@acme.example"] == asked.id; held == s.Closed() {
				t.Errorf("held: %t", held)
			}
			if again := w.do(cmd); len(again.events) != 0 {
				t.Errorf("told twice, and recorded twice: %+v", again.events)
			}
		})
	}
}
