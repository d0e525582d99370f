package integrator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func (b *bench) read(attempts int) *workflows.Reading {
	b.t.Helper()
	out := b.deliver(workflows.Call{Op: workflows.OpInspect, Email: alias}, attempts)
	if !out.Done {
		b.t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
	}
	return out.Receipt.Reading
}

func TestInspectReadsEverything(t *testing.T) {
	w := newWorld(t, integratorsim.Options{PageSize: 2})
	env := w.acct.Production()
	netsuite, own := env.AddConnection("NetSuite", "netsuite"), env.AddConnection("Payroll", "ftp")
	orders, returns, payroll := env.AddIntegration("Orders", netsuite), env.AddIntegration("Returns", netsuite),
		env.AddIntegration("Payroll", own)
	for i := range 3 { // more flows than fit on a page
		env.AddFlow(orders, integratorsim.Flow{Name: fmt.Sprint("order ", i), Errors: i, Jobs: 1})
	}
	env.AddFlow(returns, integratorsim.Flow{Name: "returns", Disabled: true, Errors: 4})
	env.AddFlow(payroll, integratorsim.Flow{Name: "pay"})
	w.acct.SetSSO("https://sso.example", "acme")
	env.AddStack("Own stack", jane, dee)
	env.AddStack("Both have it", jane, alias)
	other := w.sim.AddAccount(integratorsim.Account{OwnerEmail: "else@b.example"}).Production()
	other.AddStack("Borrowed stack", jane)
	env.AddUser(integratorsim.User{Email: "gone@acme.example", Role: "administrator", Status: "disabled"})
	env.AddUser(integratorsim.User{Email: "new@acme.example", Role: "administrator", Status: "pending"})
	var pending workflows.Call
	pendingTransfer(w, &pending)

	r := w.read(0)
	if len(r.Unread) != 0 || r.UserID != w.acct.ID() || r.UserCount != 5 || r.Owner != nil ||
		!r.At.Equal(w.clock.now()) {
		t.Errorf("unread %v, user %q, count %d, owner %+v, at %v", r.Unread, r.UserID, r.UserCount, r.Owner, r.At)
	}
	if r.Target == nil || r.Target.Email != alias || r.Target.Status != "accepted" || r.Target.Role != "monitor" {
		t.Errorf("target %+v", r.Target)
	}
	if len(r.Admins) != 1 || r.Admins[0].Email != dee {
		t.Errorf("administrators %+v", r.Admins)
	}
	if len(r.Transfers) != 1 || r.Transfers[0].ID != pending.ID || !r.Transfers[0].Pending() {
		t.Errorf("transfers %+v", r.Transfers)
	}
	if want := []workflows.Count{{ID: orders, Name: "Orders", N: 3},
		{ID: returns, Name: "Returns", N: 4}}; !slices.Equal(r.Errors, want) {
		t.Errorf("errors %+v", r.Errors)
	}
	if r.Jobs != 3 || !r.SSOEnabled {
		t.Errorf("jobs %d, sso %v", r.Jobs, r.SSOEnabled)
	}
	if want := []string{"Borrowed stack", "Own stack"}; !slices.Equal(r.StackGaps, want) {
		t.Errorf("stack gaps %v, want %v", r.StackGaps, want)
	}
	want := []workflows.Resource{{Kind: "connection", ID: netsuite, Name: "NetSuite", On: true},
		{Kind: "integration", ID: orders, Name: "Orders", On: true},
		{Kind: "integration", ID: returns, Name: "Returns", On: false}}
	if !slices.Equal(r.Shared, want) {
		t.Errorf("shared %+v", r.Shared)
	}
	c := workflows.Capabilities{Token: "yes", ReadUsers: "yes", ReadTransfers: "yes", ChangeUsers: "unknown",
		Start: "unknown"}
	if r.Capabilities != c {
		t.Errorf("capabilities %+v", r.Capabilities)
	}
}

func TestInspectFiveThousandUsers(t *testing.T) {
	w := newWorld(t, integratorsim.Options{PageSize: 1000})
	env := w.acct.Production()
	for i := range 4997 {
		env.AddUser(integratorsim.User{Email: fmt.Sprintf("u%d@acme.example", i), Role: "monitor"})
	}
	if r := w.read(0); r.UserCount != 5000 || r.Target == nil || len(r.Unread) != 0 {
		t.Fatalf("count %d, target %v, unread %v", r.UserCount, r.Target, r.Unread)
	}
}

func TestInspectWithoutToken(t *testing.T) {
	b := newBench(t, say(500, ""), "tok")
	for _, call := range []workflows.Call{{Account: "bare"}, {Account: "acme", Environment: "Sandbox"},
		{Account: "never heard of"}} {
		call.Op = workflows.OpInspect
		out := b.deliver(call, 0)
		if !out.Done || out.Receipt.Reading.Capabilities != noCapabilities() || len(out.Receipt.Reading.Unread) != 7 ||
			out.Receipt.Reading.Unread["users"] != "no token" {
			t.Errorf("%+v: outcome %+v", call, out)
		}
		for _, op := range []string{workflows.OpInviteOwner, workflows.OpWithdraw, workflows.OpWatchTransfer,
			workflows.OpWatchUser, workflows.OpInviteUser, workflows.OpSetRole, workflows.OpRemoveUser} {
			call.Op = op
			if out := b.deliver(call, 0); !out.Refused || out.Receipt.Code != workflows.RefusedNoToken {
				t.Errorf("%+v: outcome %+v", call, out)
			}
		}
	}
	if b.lease.held != 0 {
		t.Errorf("%d requests without a token", b.lease.held)
	}
}

func TestInspectSeesThatTheOwnerIsOneNoMore(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.drive(workflows.Call{Op: workflows.OpInviteOwner, Email: alias})
	w.act(integratorsim.Action{Do: "accept_transfer", Email: alias})
	if r := w.read(0); r.Owner == nil || r.Owner.Email != jane || r.Target != nil {
		t.Fatalf("owner %+v, target %+v", r.Owner, r.Target)
	}
	// The record knows better than the configuration.
	w.g.owner = func(context.Context, string) string { return alias }
	if r := w.read(0); r.Owner != nil {
		t.Fatalf("owner %+v", r.Owner)
	}
}

func TestEmptyAnswersAreNoProof(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{LostRights: true}))
	r := w.read(0)
	if r.Capabilities.ReadUsers != workflows.Unknown || r.Capabilities.ReadTransfers != workflows.Unknown ||
		r.Capabilities.Token != workflows.Yes {
		t.Errorf("capabilities %+v", r.Capabilities)
	}
	if !strings.Contains(r.Unread["users"], "empty list") || !strings.Contains(r.Unread["transfers"], "empty list") {
		t.Errorf("unread %v", r.Unread)
	}
}

func TestRefusedPartsAreNamed(t *testing.T) {
	for path, parts := range map[string][]string{
		"/v1/ashares": {"transfers", "users"} /* none are shown */, "/v1/transfers": {"transfers"},
		"/v1/integrations": {"errors", "shared"}, "/v1/integrations/*/errors": {"errors"},
		"/v1/connections": {"shared"}, "/v1/flows": {"shared"}, "/v1/shared/sshares": {"stacks"},
		"/v1/sshares": {"stacks"}, "/v1/ssoclients": {"sso"},
	} {
		for _, status := range []int{403, 422} {
			w := newWorld(t, integratorsim.Options{})
			env := w.acct.Production()
			c := env.AddConnection("Shared", "http")
			env.AddIntegration("One", c)
			env.AddIntegration("Two", c)
			w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: status, Method: "GET", Path: path,
				Times: -1})
			r := w.read(0)
			if got := slices.Sorted(maps.Keys(r.Unread)); !reflect.DeepEqual(got, parts) {
				t.Errorf("%s %d: unread %v", path, status, r.Unread)
			}
		}
	}
}

func TestRunningJobsAreAskedTheOtherWay(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: 404, Method: "POST", Path: "/v1/jobs/current",
		Times: -1})
	// the simulator wants a flow with GET /v1/jobs, as integrator.io does now
	if r := w.read(0); r.Unread["jobs"] == "" {
		t.Errorf("jobs %d, unread %v", r.Jobs, r.Unread)
	}
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/jobs" && r.URL.Query().Get("status") != "":
			say(200, `[{"_id":"1","status":"running"},{"_id":"2","status":"queued"},{"_id":"3","status":"completed"},{"_id":"4"}]`)(w, r)
		case r.URL.Path == "/v1/tokenInfo":
			say(200, `{"_userId":"u"}`)(w, r)
		case r.URL.Path == "/v1/ashares":
			say(200, `[]`)(w, r)
		case r.Method == http.MethodPost:
			say(400, `{"errors":[{"code":"invalid_json","message":"no"}]}`)(w, r)
		default:
			w.WriteHeader(204)
		}
	}), "tok")
	if r := b.read(0); r.Jobs != 3 || len(r.Unread) != 0 {
		t.Errorf("jobs %d, unread %v", r.Jobs, r.Unread)
	}
}

// A part that keeps failing must not keep a transfer from starting for a day; users and transfers must.
func TestPartThatKeepsFailingIsGivenUp(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: 500, Path: "/v1/jobs/**", Times: -1})
	first, last := w.drive(workflows.Call{Op: workflows.OpInspect, Email: alias})
	if !first.Again || !last.Done || len(last.Receipt.Reading.Unread) != 1 ||
		last.Receipt.Reading.Unread["jobs"] == "" {
		t.Fatalf("first %+v, last %+v", first, last.Receipt)
	}
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: 500, Path: "/v1/ashares", Times: -1})
	for attempt := range 20 {
		if out := w.deliver(workflows.Call{Op: workflows.OpInspect, Email: alias}, attempt); !out.Again {
			t.Fatalf("outcome %+v", out)
		}
	}
}

func TestSandboxIntegrationsAreAskedAsSuch(t *testing.T) {
	var asked []string
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/integrations":
			say(200, `[{"_id":"s","name":" ","sandbox":true}]`)(w, r)
		case r.URL.Path == "/v1/integrations/s/errors":
			asked = append(asked, r.URL.Query().Get("sandbox"))
			say(200, `[{"flowId":"f","numError":2},{"_flowId":"g","numError":null},{"numError":-1}]`)(w, r)
		case r.URL.Path == "/v1/tokenInfo":
			say(200, `{"_userId":"u"}`)(w, r)
		default:
			w.WriteHeader(204)
		}
	}), "tok")
	r := b.read(0)
	if !slices.Equal(asked, []string{"true"}) || !slices.Equal(r.Errors,
		[]workflows.Count{{ID: "s", Name: "s", N: 2}}) {
		t.Fatalf("asked %v, errors %+v", asked, r.Errors)
	}
}

func TestCapabilitiesTable(t *testing.T) {
	const y, n, u = workflows.Yes, workflows.No, workflows.Unknown
	for _, c := range []struct{ token, users, transfers, change, start, wantToken, wantTransfers workflows.Can }{
		{y, y, y, u, u, y, y},
		{y, y, u, u, u, y, y}, // no transfers yet
		{y, u, u, u, u, y, u}, // lost rights, or nobody but the owner
		{y, n, n, n, n, y, n},
		{y, y, n, u, n, y, n},
		{y, n, y, n, u, y, y},
		{u, y, y, u, u, y, y}, // tokenInfo is not offered
		{u, n, n, n, n, u, n},
	} {
		want := workflows.Capabilities{Token: c.wantToken, ReadUsers: c.users, ReadTransfers: c.wantTransfers,
			ChangeUsers: c.change, Start: c.start}
		if got := capabilities(c.token, c.users, c.transfers); got != want {
			t.Errorf("%v %v %v: got %+v, want %+v", c.token, c.users, c.transfers, got, want)
		}
	}
}

func TestProbe(t *testing.T) {
	const y, n, u = workflows.Yes, workflows.No, workflows.Unknown
	for name, c := range map[string]struct {
		token integratorsim.Token
		want  workflows.Capabilities
		fails int
	}{
		"owner": {integratorsim.Token{}, workflows.Capabilities{Token: y, ReadUsers: y, ReadTransfers: y,
			ChangeUsers: u, Start: u}, 0},
		"lost rights": {integratorsim.Token{LostRights: true}, workflows.Capabilities{Token: y, ReadUsers: u,
			ReadTransfers: u, ChangeUsers: u, Start: u}, 0},
		"revoked": {integratorsim.Token{Revoked: true}, noCapabilities(), 401},
	} {
		w := newWorld(t, integratorsim.Options{})
		w.bench = newBench(t, w.sim, w.acct.Production().AddToken(c.token))
		got, id, err := w.g.Probe(t.Context(), "acme", "")
		if got != c.want || status(err) != c.fails || (c.fails == 0 && id.UserID != w.acct.ID()) {
			t.Errorf("%s: %+v %+v %v", name, got, id, err)
		}
		for _, call := range w.sim.Log() {
			if call.Method != http.MethodGet {
				t.Errorf("%s: the probe sent %s %s", name, call.Method, call.Path)
			}
		}
	}
	b := newBench(t, say(500, ""), "tok")
	if got, _, err := b.g.Probe(t.Context(), "acme", ""); err == nil || got != unknownCapabilities() {
		t.Errorf("away: %+v %v", got, err)
	}
	if got, _, err := b.g.Probe(t.Context(), "bare", ""); err != nil || got != noCapabilities() {
		t.Errorf("no token: %+v %v", got, err)
	}
	b.g = New(Options{Accounts: []Account{{ID: "acme", APIBase: "http://127.0.0.1:1",
		Tokens: map[string]string{"": "tok"}}}})
	defer b.g.Close()
	if _, _, err := b.g.Probe(t.Context(), "acme", ""); !errors.Is(err, workflows.ErrAway) {
		t.Errorf("no host: %v", err)
	}
}
