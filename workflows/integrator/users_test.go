package integrator

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func TestInviteUserAdoptsWhatIsThere(t *testing.T) {
	for status, reinvited := range map[string]int{"accepted": 0, "pending": 0, "dismissed": 1} {
		w := newWorld(t, integratorsim.Options{})
		w.acct.Production().AddUser(integratorsim.User{Email: fresh, Role: "monitor", Status: status})
		out := w.deliver(workflows.Call{Op: workflows.OpInviteUser, Email: "Fresh@ACME.example", Role: "manage"}, 0)
		if !out.Done || out.Receipt.User.Role != "monitor" || out.Receipt.User.Status == "dismissed" {
			t.Errorf("%s: outcome %+v, receipt %+v", status, out, out.Receipt)
		}
		if effects(w, "POST /v1/invite") != 0 || effects(w, "PUT /v1/ashares/{id}/reinvite") != reinvited {
			t.Errorf("%s: writes %+v", status, w.acct.Snapshot().Writes)
		}
	}
}

func TestInviteUserRefusals(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.acct.SetSeats(3)
	for name, c := range map[string]struct {
		call workflows.Call
		code string
	}{
		"no seats":       {workflows.Call{Email: fresh, Role: "monitor"}, workflows.RefusedNoSeats},
		"no address":     {workflows.Call{Email: "", Role: "monitor"}, workflows.RefusedOther},
		"a bad address":  {workflows.Call{Email: "not an address", Role: "monitor"}, workflows.RefusedOther},
		"a role of ours": {workflows.Call{Email: fresh, Role: "custom"}, workflows.RefusedOther},
		"owner":          {workflows.Call{Email: fresh, Role: "owner"}, workflows.RefusedOther},
	} {
		c.call.Op = workflows.OpInviteUser
		if out := w.deliver(c.call, 0); !out.Refused || out.Receipt.Code != c.code {
			t.Errorf("%s: outcome %+v, receipt %+v", name, out, out.Receipt)
		}
	}
	// The owner is in no list, so only integrator.io knows that they have access.
	if _, out := w.drive(workflows.Call{Op: workflows.OpInviteUser, Email: jane, Role: "monitor"}); !out.Refused ||
		out.Receipt.Code != workflows.RefusedAlreadyUser {
		t.Errorf("owner's address: outcome %+v, receipt %+v", out, out.Receipt)
	}
}

func TestFirstUserCanBeInvited(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	for _, email := range []string{alias, dee, mona} {
		w.act(integratorsim.Action{Do: "remove_user", Email: email})
	}
	out := w.deliver(workflows.Call{Op: workflows.OpInviteUser, Email: alias, Role: "administrator"}, 0)
	if !out.Done || out.Receipt.User.Role != "administrator" || !out.Receipt.User.MFA {
		t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
	}
}

// PUT erases what it leaves out, so everything that was read is sent again.
func TestSetRoleSendsTheRecordAsRead(t *testing.T) {
	const record = `{"_id":"u1","accepted":true,"accessLevel":"monitor","integrationAccessLevel":[{"_integrationId":"i","accessLevel":"manage"}],` +
		`"accountMFARequired":true,"allowAccessToAPIM":true,"someNewField":{"deep":[1,2.50,null]},"sharedWithUser":{"email":"mona@acme.example"}}`
	var mu sync.Mutex
	now, puts := record, 0
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodPut:
			raw, _ := io.ReadAll(r.Body)
			now = string(raw)
			puts++
			w.WriteHeader(204)
		case r.URL.Path == "/v1/ashares/u1":
			say(200, now)(w, r)
		default:
			say(200, "["+now+"]")(w, r)
		}
	}), "tok")
	call := workflows.Call{Op: workflows.OpSetRole, Email: mona, Role: "manage"}
	if out := b.deliver(call, 0); !out.Done || out.Receipt.User.Role != "manage" || !out.Receipt.User.MFA {
		t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
	}
	var was, is map[string]any
	if json.Unmarshal([]byte(record), &was) != nil || json.Unmarshal([]byte(now), &is) != nil {
		t.Fatal("no JSON was sent")
	}
	was["accessLevel"], was["integrationAccessLevel"] = "manage", []any{}
	want, _ := json.Marshal(was)
	got, _ := json.Marshal(is)
	if string(got) != string(want) {
		t.Errorf("sent %s, want %s", got, want)
	}
	if out := b.deliver(call, 0); !out.Done || puts != 1 {
		t.Errorf("a role that holds already was written again: %+v, %d writes", out, puts)
	}
}

func TestSetRoleOfNobody(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	if _, out := w.drive(workflows.Call{Op: workflows.OpSetRole, Email: fresh, Role: "manage"}); !out.Refused ||
		out.Receipt.Code != workflows.RefusedNotUser {
		t.Errorf("outcome %+v, receipt %+v", out, out.Receipt)
	}
	w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{LostRights: true}))
	if out := w.deliver(workflows.Call{Op: workflows.OpSetRole, Email: mona, Role: "manage"}, 0); !out.Refused ||
		out.Receipt.Code != workflows.RefusedForbidden {
		t.Errorf("outcome %+v, receipt %+v", out, out.Receipt)
	}
}

// A role that integrator.io accepts and does not give is told in the end, not tried for a day.
func TestSetRoleThatDoesNotHoldIsTold(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const rec = `{"_id":"u1","accepted":true,"accessLevel":"monitor","sharedWithUser":{"email":"mona@acme.example"}}`
		switch {
		case r.Method == http.MethodPut:
			w.WriteHeader(204)
		case r.URL.Path == "/v1/ashares/u1":
			say(200, rec)(w, r)
		default:
			say(200, "["+rec+"]")(w, r)
		}
	}), "tok")
	first, last := b.drive(workflows.Call{Op: workflows.OpSetRole, Email: mona, Role: "manage"})
	if !first.Again || !last.Refused || last.Receipt.Code != workflows.RefusedOther {
		t.Fatalf("first %+v, last %+v", first, last.Receipt)
	}
}

func TestRemoveUser(t *testing.T) {
	for status, toggled := range map[string]int{"accepted": 1, "disabled": 0, "pending": 0, "dismissed": 0} {
		t.Run(status, func(t *testing.T) {
			w := newWorld(t, integratorsim.Options{})
			w.acct.Production().AddUser(integratorsim.User{Email: fresh, Role: "manage", Status: status})
			out := w.deliver(workflows.Call{Op: workflows.OpRemoveUser, Email: fresh}, 0)
			if !out.Done || out.Receipt.User == nil || out.Receipt.User.Role != "manage" ||
				out.Receipt.User.Disabled != (status == "disabled") {
				t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
			}
			if _, there := w.acct.Snapshot().User(0, fresh); there ||
				effects(w, "PUT /v1/ashares/{id}/disable") != toggled {
				t.Errorf("still there: %v; writes %+v", there, w.acct.Snapshot().Writes)
			}
			if _, out := w.drive(workflows.Call{Op: workflows.OpRemoveUser, Email: fresh}); !out.Done ||
				out.Receipt.User != nil {
				t.Errorf("second time: %+v", out.Receipt)
			}
		})
	}
}

// The toggle took effect, its answer was lost, and the next reading may be old: the user must not be switched on again.
func TestRemoveUserDoesNotToggleBack(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultDropAfter, Method: "PUT", Path: "/v1/ashares/*/disable"})
	_, out := w.drive(workflows.Call{Op: workflows.OpRemoveUser, Email: mona})
	if !out.Done || effects(w, "PUT /v1/ashares/{id}/disable") != 1 {
		t.Fatalf("outcome %+v, writes %+v", out, w.acct.Snapshot().Writes)
	}
}

func TestRemovingTheLastUser(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	for _, email := range []string{alias, dee} {
		w.act(integratorsim.Action{Do: "remove_user", Email: email})
	}
	if out := w.deliver(workflows.Call{Op: workflows.OpRemoveUser, Email: mona}, 0); !out.Done {
		t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
	}
	w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{LostRights: true}))
	if out := w.deliver(workflows.Call{Op: workflows.OpRemoveUser, Email: mona}, 0); !out.Refused ||
		out.Receipt.Code != workflows.RefusedForbidden {
		t.Fatalf("an empty answer was taken for proof: %+v", out.Receipt)
	}
}

func TestWatchUser(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	watch := func(known, want string) {
		t.Helper()
		_, out := w.drive(workflows.Call{Op: workflows.OpWatchUser, Email: fresh, Known: known})
		got := ""
		if out.Receipt != nil {
			got = out.Receipt.User.Mark()
		}
		if !out.Done || got != want {
			t.Fatalf("known %q: want %q, got %q (%+v)", known, want, got, out)
		}
	}
	watch("", "")
	watch("absent", "")
	w.acct.Production().AddUser(integratorsim.User{Email: fresh, Role: "monitor", Status: "pending"})
	watch("", "pending/monitor")
	w.act(integratorsim.Action{Do: "sign_up", Email: fresh, Name: "Fresh"}) // through the invitation, which accepts it
	watch("pending/monitor", "accepted/monitor")
	watch("accepted/monitor", "")
	w.act(integratorsim.Action{Do: "disable_user", Email: fresh})
	watch("accepted/monitor", "accepted/monitor/disabled")
	w.act(integratorsim.Action{Do: "remove_user", Email: fresh})
	watch("accepted/monitor", "absent")
	w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{LostRights: true}))
	watch("accepted/monitor", "")
}

// An old reading must not end a watch, nor a withdrawal.
func TestOneReadingWithoutThemIsNoProof(t *testing.T) {
	for _, call := range []workflows.Call{{Op: workflows.OpWatchUser, Email: fresh, Known: "accepted/monitor"},
		{Op: workflows.OpRemoveUser, Email: fresh},
		{Op: workflows.OpSetRole, Email: fresh, Role: "manage"}, {Op: workflows.OpWithdraw, ID: "t"},
		{Op: workflows.OpWatchTransfer, ID: "t", Known: "unapproved"}} {
		b := newBench(t, say(200, `[]`), "tok")
		if out := b.deliver(call, 0); !out.Again {
			t.Errorf("%s: %+v", call.Op, out)
		}
		if out := b.deliver(call, 1); out.Again {
			t.Errorf("%s: %+v", call.Op, out)
		}
	}
}

// Each repeated invitation is a mail.
func TestReinvitingIsNotRepeatedAtOnce(t *testing.T) {
	reinvited := 0
	const rec = `{"_id":"u1","dismissed":true,"accessLevel":"monitor","sharedWithUser":{"email":"fresh@acme.example"}}`
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			reinvited++
			w.WriteHeader(204)
		case r.URL.Path == "/v1/ashares/u1":
			say(200, rec)(w, r)
		default:
			say(200, "["+rec+"]")(w, r)
		}
	}), "tok")
	call := workflows.Call{Op: workflows.OpInviteUser, Email: fresh, Role: "monitor"}
	for range 3 {
		if out := b.deliver(call, 0); !out.Again {
			t.Fatalf("outcome %+v", out)
		}
	}
	if reinvited != 1 {
		t.Errorf("%d mails without waiting", reinvited)
	}
	if _, out := b.drive(call); !out.Refused {
		t.Errorf("outcome %+v", out)
	}
}

func TestEachEnvironmentHasItsToken(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	sandbox := w.acct.AddEnvironment("Sandbox")
	sandbox.AddUser(integratorsim.User{Email: fresh, Role: "manage"})
	acct := w.g.accounts["acme"]
	acct.Tokens = map[string]string{"": w.token, "Sandbox": sandbox.AddToken(integratorsim.Token{})}
	w.g.accounts["acme"] = acct
	for environment, listed := range map[string]bool{"": false, "Sandbox": true} {
		out := w.deliver(workflows.Call{Op: workflows.OpWatchUser, Email: fresh, Environment: environment}, 0)
		if !out.Done || (out.Receipt != nil) != listed {
			t.Errorf("%q: outcome %+v", environment, out)
		}
	}
}
