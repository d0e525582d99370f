package workflows_test

import (
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// TestEveryAccessNamesItsLastDecision: whichever machine made it, and none that is about another
// access than the one of now.
func TestEveryAccessNamesItsLastDecision(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 23, hour, 0, 0, 0, time.UTC) }
	user := workflows.User{ID: "a1", UserID: "p1", Email: "eve@acme.example", Role: workflows.RoleManage,
		Status: workflows.UserAccepted}
	event := func(hour int, kind string, body any) workflows.Event {
		return workflows.Command{At: at(hour)}.Event(kind, body)
	}
	given := func(hour int, workflow, mark, means string, until time.Time) workflows.Event {
		return event(hour, workflows.AccessGiven, workflows.GivenChange{Key: "/eve@acme.example", Time: means,
			Workflow: workflow,
			Given:    workflows.Given{Workflow: workflow, Mark: mark, Since: at(hour), Until: until, Who: user.Ref()}})
	}
	wrote := event(2, workflows.AccessGiven, workflows.GivenChange{Key: "/eve@acme.example", Time: workflows.OwnHand,
		Workflow: "t07-00000001",
		Given: workflows.Given{Wrote: &workflows.Wrote{Mark: workflows.RoleManage, Workflow: "t07-00000001", At: at(2)},
			Who: user.Ref()}})
	for name, c := range map[string]struct {
		events []workflows.Event
		want   workflows.Decided
	}{
		"nothing": {nil, workflows.Decided{}},
		"a request for a time": {[]workflows.Event{given(1, "a07-00000001", workflows.RoleManage, workflows.TimeBegins,
			at(9))},
			workflows.Decided{Workflow: "a07-00000001", Since: at(1), Until: at(9)}},
		"about another access": {[]workflows.Event{given(1, "a07-00000001", workflows.RoleMonitor, "", time.Time{})},
			workflows.Decided{}},
		"a role that a transfer": {[]workflows.Event{wrote}, workflows.Decided{Workflow: "t07-00000001", Since: at(2)}},
		"the former owner": {[]workflows.Event{event(5, workflows.OwnerChanged, workflows.OwnerChange{From: user.Email,
			To: "celigo@acme.example", Workflow: "t07-00000002"})},
			workflows.Decided{Workflow: "t07-00000002", Since: at(5)}},
	} {
		a := workflows.AccountState{ID: "acme"}
		for _, e := range c.events {
			var err error
			if a, err = workflows.ApplyAccount(a, e); err != nil {
				t.Fatal(err)
			}
		}
		renamed := user
		renamed.Email = "eve.two@acme.example"
		if name == "the former owner" {
			renamed = user // an owner's address is all that is known of them
		}
		for _, u := range []workflows.User{user, renamed} {
			if got := a.DecisionOn("", u); got != c.want {
				t.Errorf("%s: %s is decided by %+v, want %+v", name, u.Email, got, c.want)
			}
		}
	}
	gave := workflows.Decided{Workflow: "a07-00000001", Since: at(1), Until: at(9)}
	if got := gave.Or(workflows.Decided{Workflow: "r07-acme-2026q4", Since: at(3), Kept: "UDEE"}); got.Kept != "UDEE" ||
		!got.Until.Equal(at(9)) {
		t.Errorf("kept while its time runs: %+v", got)
	}
	if got := gave.Or(workflows.Decided{Workflow: "r07-acme-2026q3", Since: at(0), Kept: "UDEE"}); got != gave {
		t.Errorf("decided after it was kept: %+v", got)
	}
}
