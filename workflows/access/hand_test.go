package access

import (
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// findings counts the cards about drift.
func (w *world) findings() (n int) {
	for _, r := range w.runs {
		if r.machine.Letter() == workflows.LetterFinding {
			n++
		}
	}
	return n
}

// wrote is what a transfer's call wrote at integrator.io, noted as the machines note it.
func (w *world) wrote(op string, u *workflows.User) {
	w.T.Helper()
	cmd := workflows.Command{ID: "receipt", Workflow: "t07-00000001", At: w.Now,
		Actor:   workflows.Actor{Kind: workflows.ByIntegrator},
		Receipt: &workflows.Receipt{Op: op, OK: true, User: copied(u)}}
	d := workflows.WithOwnHand(workflows.Decision{Events: []workflows.Event{cmd.Event("transfer.invited", struct{}{})}},
		cmd,
		workflows.Facts{Account: w.Account})
	if len(d.Account) != 1 {
		w.T.Fatalf("%s by Keyholder is noted as %s", op, machinetest.Encode(w.T, d.Account))
	}
	var err error
	if w.Account, err = workflows.ApplyAccount(w.Account, d.Account[0]); err != nil {
		w.T.Fatalf("%v", err)
	}
}

// TestKeyholderKnowsItsOwnHand: what it wrote for a transfer is no drift, and what somebody makes
// of that is.
func TestKeyholderKnowsItsOwnHand(t *testing.T) {
	w := newWorld(t)
	w.watch("")
	eve := w.out.join("", "eve@acme.example", workflows.Access{Role: workflows.RoleMonitor})
	w.wrote(workflows.OpInviteUser, eve)
	w.poll()
	w.deliverAll()
	set(eve, workflows.Access{Role: workflows.RoleManage})
	w.wrote(workflows.OpSetRole, eve)
	w.poll()
	w.deliverAll()
	if w.findings() > 0 {
		t.Fatal("what Keyholder did itself became a card")
	}
	set(eve, workflows.Access{Role: workflows.RoleAdministrator})
	w.poll()
	w.deliverAll()
	if w.findings() != 1 {
		t.Fatal("what somebody made of it did not")
	}
	set(eve, workflows.Access{Role: workflows.RoleManage})
	w.poll()
	w.deliverAll()
	w.out.remove("", "eve@acme.example")
	w.wrote(workflows.OpRemoveUser, eve)
	w.poll()
	w.deliverAll()
	if w.findings() != 1 {
		t.Error("what Keyholder took away became a card")
	}
}

func TestTakingAsExpectedNeedsTheQuorumOfTheRole(t *testing.T) {
	w := newWorld(t)
	w.watch("")
	w.out.join("", "eve@acme.example", workflows.Access{Role: workflows.RoleAdministrator})
	w.poll()
	w.deliverAll()
	r := w.newest()
	w.clickAt(r, round(r.state), "Dee", "adopt")
	if r.state.Closed() {
		t.Fatal("one person alone took an administrator as expected")
	}
	if st := w.clickAt(r, round(r.state), "Dee", "adopt"); len(st.events) > 0 {
		t.Error("one person counted twice")
	}
	w.clickAt(r, round(r.state), "Ana", "adopt")
	if !r.state.Closed() {
		t.Error("two people are enough")
	}
	w.deliverAll()
	w.out.join("", "fay@acme.example", workflows.Access{Role: workflows.RoleMonitor})
	w.poll()
	w.deliverAll()
	if w.click("Dee", "adopt"); !w.newest().state.Closed() {
		t.Error("one is enough for less")
	}
}

// TestWhatSomebodyMadeOfItSinceIsAskedAnew: votes are for what the card showed.
func TestWhatSomebodyMadeOfItSinceIsAskedAnew(t *testing.T) {
	w := newWorld(t)
	w.Policy.Access.Quorum = 2
	w.watch("")
	u := w.out.join("", "eve@acme.example", workflows.Access{Role: workflows.RoleMonitor})
	w.poll()
	w.deliverAll()
	r := w.newest()
	w.clickAt(r, round(r.state), "Dee", "adopt")
	set(u, workflows.Access{Role: workflows.RoleAdministrator})
	w.poll()
	w.deliverAll()
	w.clickAt(r, round(r.state), "Ana", "adopt")
	if r.state.Closed() {
		t.Error("Dee said yes to monitor, not to administrator")
	}
}

func TestWhoAskedOrIsNamedDoesNotTakeItAsExpected(t *testing.T) {
	w := newWorld(t)
	w.watch("")
	w.granted(form{For: "Eve", Change: Grant, Role: workflows.RoleMonitor, Length: "7d"}) // asked for by Dee
	w.acceptAll()
	w.poll()
	w.out.log["/eve@acme.example"] = workflows.Trace{Email: "ANA+io@acme.example", At: w.Now, Source: "ui"}
	set(w.out.user("", "eve@acme.example"), workflows.Access{Role: workflows.RoleManage})
	w.poll()
	w.deliverAll()
	for who, code := range map[string]string{"Dee": "asked", "Ana": "named"} {
		if st := w.click(who, "adopt"); st.code() != code {
			t.Errorf("%s took it as expected: %v", who, st.err)
		}
	}
	if w.click("Cat", "adopt"); !w.newest().state.Closed() {
		t.Error("Cat could not")
	}
}
