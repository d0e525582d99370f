package integrator

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func TestReinvite(t *testing.T) {
	call := workflows.Call{Op: workflows.OpReinvite, Email: fresh}
	w := newWorld(t, integratorsim.Options{})
	w.mustRefuse(workflows.Call{Op: workflows.OpReinvite}, workflows.RefusedOther)
	if _, out := w.drive(call); !out.Refused || out.Receipt.Code != workflows.RefusedNotUser {
		t.Errorf("nobody is invited again: %+v", out)
	}
	env := w.acct.Production()
	env.AddUser(integratorsim.User{Email: fresh, Role: "monitor", Status: "dismissed"})
	mails := func() int { return len(w.sim.Mails()) }
	before := mails()
	if u := w.mustDo(call).User; u.Status != workflows.UserPending || mails() != before+1 {
		t.Errorf("after a decline: %+v, %d mails", u, mails()-before)
	}
	if u := w.mustDo(call).User; u.Status != workflows.UserPending || mails() != before+2 {
		t.Errorf("while it waits: %+v, %d mails", u, mails()-before)
	}
	// It was decided when it stood declined: somebody has sent it since.
	known := call
	known.Known = "dismissed/monitor"
	if u := w.mustDo(known).User; u.Status != workflows.UserPending || mails() != before+2 {
		t.Errorf("sent already: %+v, %d mails", u, mails()-before)
	}
	w.act(integratorsim.Action{Do: "sign_up", Email: fresh, Name: "Fresh"})
	if u := w.mustDo(call).User; u.Status != workflows.UserAccepted || mails() != before+2 ||
		effects(w, reinviteRoute) != 2 {
		t.Errorf("accepted: %+v, %d mails", u, mails()-before)
	}
	w.bench = newBench(t, w.sim, env.AddToken(integratorsim.Token{LostRights: true}))
	w.mustRefuse(call, workflows.RefusedForbidden)
}

// Somebody who accepts between the reading and the call is a user, not a fault.
func TestReinviteMeetsAnAcceptance(t *testing.T) {
	var accepted atomic.Bool
	row := func() string {
		if accepted.Load() {
			return `{"_id":"1","accepted":true,"accessLevel":"monitor","sharedWithUser":{"email":"fresh@acme.example"}}`
		}
		return `{"_id":"1","dismissed":true,"accessLevel":"monitor","sharedWithUser":{"email":"fresh@acme.example"}}`
	}
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			accepted.Store(true)
			say(422, `{"errors":[{"code":"invalid_field","message":"The user has already accepted the invitation."}]}`)(
				w, r)
		case r.URL.Path == "/v1/ashares":
			say(200, "["+row()+"]")(w, r)
		default:
			say(200, row())(w, r)
		}
	}), "tok")
	if u := b.mustDo(workflows.Call{Op: workflows.OpReinvite, Email: fresh}).User; u.Status != workflows.UserAccepted {
		t.Errorf("%+v", u)
	}
}

func TestReinviteTellsTheRefusal(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.acct.Production().AddUser(integratorsim.User{Email: fresh, Role: "monitor", Status: "dismissed"})
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: 422, Method: "PUT", Times: -1})
	w.mustRefuse(workflows.Call{Op: workflows.OpReinvite, Email: fresh}, workflows.RefusedOther)
}
