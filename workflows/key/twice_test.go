package key

import (
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// What the watch tells a use or a drill may be told again, when the program died before it had
// noted that it was: a sign-in counts once.
func TestASignInThatIsToldTwiceCountsOnce(t *testing.T) {
	w := watched(t)
	u, d := w.use(t, "Ana"), w.drill(t, "Dee")
	entry := workflows.SignIn{ID: "e1", At: w.Now}
	for range 2 {
		for r, message := range map[*run]workflows.Message[Seen]{u: seenInUse, d: seenInDrill} {
			call := message.To("acme", r.id, Seen{SignIn: entry, Person: "UANA"})
			must(t, w.do(workflows.Command{Workflow: r.id, Name: call.Command, Input: call.Input, Submitted: true,
				Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound}))
		}
	}
	if n := len(u.state.(UseState).Seen); n != 1 {
		t.Errorf("the use counts it %d times", n)
	}
	if n := len(d.state.(DrillState).Seen); n != 1 {
		t.Errorf("the drill counts it %d times", n)
	}
}
