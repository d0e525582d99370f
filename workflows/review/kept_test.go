package review

import (
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

func TestWhatWasSignedForIsKept(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	row := func(email, id, role string) population.Row {
		return population.Row{Email: email, ID: id, Role: role, Mark: "accepted/" + role}
	}
	p := PacketState{Assigned: Assigned{Campaign: "r07-acme-2026q4",
		Rows: []population.Row{row("eve@acme.example", "a1", "manage"), row("fay@acme.example", "a2", "monitor"),
			{Email: "jane@acme.example", Role: population.RoleOwner}}},
		Verdicts: []population.Verdict{{Decision: population.Keep, By: "UDEE"},
			{Decision: population.Remove}, {Decision: population.Keep}}}
	k := Kept{}
	k.Add(p)
	if len(k) > 0 {
		t.Fatalf("nobody signed: %v", k)
	}
	p.Signed = &Signature{By: "UANA", At: at}
	k.Add(p)
	if got := k.On("", workflows.User{ID: "a1", Email: "eve.two@acme.example", Role: "manage"}); got.Kept != "UDEE" ||
		got.Workflow != p.Campaign || !got.Since.Equal(at) {
		t.Errorf("Eve: %+v", got)
	}
	for _, u := range []workflows.User{{ID: "a1", Email: "eve@acme.example", Role: "administrator"},
		{ID: "a2", Email: "fay@acme.example", Role: "monitor"}} {
		if got := k.On("", u); got.Workflow != "" {
			t.Errorf("%s as %s was not kept: %+v", u.Email, u.Role, got)
		}
	}
	if got := k.On("Sandbox", workflows.User{ID: "a1", Role: "manage"}); got.Workflow != "" {
		t.Errorf("another environment: %+v", got)
	}
}
