package integratorsim

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestActionsChangeWhatTheAPIShows(t *testing.T) {
	r := newRig(t, Options{})
	r.act(Action{Do: "change_role", Email: "ana@acme.example", Role: "administrator"})
	if r.share("ana@acme.example")["accessLevel"] != "administrator" {
		t.Fatal("role")
	}
	r.act(Action{Do: "change_role", Email: "ana@acme.example", Role: "custom",
		Integrations: []Grant{{r.d.Integrations["Payroll export"], "monitor"}}})
	if r.share("ana@acme.example")["accessLevel"] != nil {
		t.Fatal("custom has a level")
	}
	r.act(Action{Do: "sign_in", Email: "ben@acme.example"})
	if r.share("ben@acme.example")["lastSignIn"] != "2026-11-20T09:00:00.000Z" {
		t.Fatal("sign-in")
	}
	r.act(Action{Do: "sign_in", Email: r.d.OwnerEmail})
	if !r.d.Account.Snapshot().Owner.LastSignIn.Equal(r.clock.Now()) {
		t.Fatal("the owner's sign-in")
	}
	r.act(Action{Do: "remove_user", Email: "ben@acme.example"})
	if r.share("ben@acme.example") != nil {
		t.Fatal("not removed")
	}
	if u, found := r.d.Account.Snapshot().User(1, "ben@acme.example"); !found || u.Role != "manage" {
		t.Fatal("removed from the sandbox as well")
	}
	r.act(Action{Do: "unshare_connection", Connection: r.d.SharedConnection})
	deps := r.do("GET", "/v1/connections/"+r.d.SharedConnection+"/dependencies", "").object()
	if len(deps["integrations"].([]any)) != 1 {
		t.Fatalf("%v", deps)
	}
	r.act(Action{Do: "share_connection", Connection: r.d.SharedConnection,
		Integration: r.d.Integrations["Payroll export"]})
	if n := len(r.do("GET", "/v1/integrations/"+r.d.Integrations["Payroll export"]+"/connections", "").list()); n != 2 {
		t.Fatalf("%d connections", n)
	}
	token := r.d.Account.Snapshot().Tokens[0].ID
	r.act(Action{Do: "lose_rights", Token: token})
	r.do("GET", "/v1/ashares", "").empty()
	r.act(Action{Do: "restore_rights", Token: token})
	r.do("GET", "/v1/ashares", "").want(200)
	r.act(Action{Do: "revoke_token", Token: token})
	r.do("GET", "/v1/ashares", "").want(401)
}

func TestActionsRefuseWhatDoesNotFit(t *testing.T) {
	r := newRig(t, Options{})
	before := toJSON(r.s.State())
	for _, a := range []Action{{}, {Do: "nonsense"}, {Do: "sign_in", Email: "nobody@acme.example"},
		{Do: "sign_in", Email: "contractor@partner.example"},
		{Do: "accept_transfer", Email: "ana@acme.example"},
		{Do: "accept_invitation", Email: "contractor@partner.example"},
		{Do: "accept_invitation", Email: "ana@acme.example"}, {Do: "sign_up", Email: "ana@acme.example"},
		{Do: "add_user", Email: "x", Role: "manage"},
		{Do: "add_user", Email: "x@acme.example", Role: "boss"}, {Do: "add_user", Email: "ana@acme.example",
			Role: "manage"},
		{Do: "add_user", Email: "x@acme.example", Role: "manage", Status: "odd"}, {Do: "set_errors", Flow: "x"},
		{Do: "set_errors", Flow: r.d.Flows["Returns"], Count: -1},
		{Do: "start_jobs"}, {Do: "share_connection", Connection: r.d.SharedConnection},
		{Do: "unshare_stack", Stack: "x"}, {Do: "revoke_token", Token: "x"},
		{Do: "sign_up_trial", Email: r.d.OwnerEmail}, {Do: "remove_user", Email: r.d.OwnerEmail},
		{Do: "sign_in", Account: "x"}, {Do: "sign_in", Environment: "x"}} {
		if _, err := r.s.Act(a); err == nil {
			t.Errorf("%+v was done", a)
		}
	}
	if after := toJSON(r.s.State()); after != before {
		t.Fatalf("something changed:\n%s\n%s", before, after)
	}
	r.as("", "POST", "/_sim/act", `{"do":"nonsense"}`).want(422)
	r.as("", "POST", "/_sim/act", `{"dos":"x"}`).want(400)
	r.as("", "GET", "/_sim/nonsense", "").want(404)
	r.as("", "GET", "/_sim/mails/x", "").want(404)
	r.as("", "POST", "/_sim/person-token", `{"email":"nobody@x.example"}`).want(422)
	r.as(text(r.as("", "POST", "/_sim/person-token", `{"email":"ana@acme.example"}`).want(201).object(), "token"),
		"GET", "/v1/tokenInfo", "").want(200)
}

func TestSameSeedMakesTheSameWorld(t *testing.T) {
	clock := newClock()
	world := func(seed uint64) string {
		s, d := Demo(Options{Seed: seed, Now: clock.Now})
		return toJSON(s.State()) + d.ProductionToken + d.SandboxToken
	}
	first, again, other := world(1), world(1), world(2)
	if first != again || first == other {
		t.Fatal("the seed does not decide the world")
	}
}

func TestConcurrentCallersStartOneTransfer(t *testing.T) {
	r := newRig(t, Options{Faults: Faults{Rate: 0.2}, RateCapacity: -1})
	r.alias()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 6 {
				_, _ = r.try(r.d.ProductionToken, "POST", "/v1/transfers/invite", invitation)
				_, _ = r.try(r.d.ProductionToken, "GET", "/v1/ashares", "")
				_, _ = r.try(r.d.ProductionToken, "POST", "/v1/invite", fmt.Sprintf(`{"email":"u%d-%d@acme.example"}`,
					i, k))
				_, _ = r.try(r.d.ProductionToken, "PATCH", "/v1/flows/"+r.d.Flows["Returns"], `{"disabled":true}`)
				_, _ = r.try(r.d.ProductionToken, "GET", "/v1/flows", "")
				_, _ = r.s.Act(Action{Do: "sign_in", Email: "dee@acme.example"})
				r.s.State()
				r.s.Log()
			}
		})
	}
	wg.Wait()
	if n := r.d.Account.Effects("POST /v1/transfers/invite"); n != 1 {
		t.Fatalf("%d transfers took effect", n)
	}
	if s := r.d.Account.Snapshot(); len(s.Transfers) != 1 {
		t.Fatalf("%+v", s.Transfers)
	}
}

// A client as naive as baton-celigo: it takes the Link header as the next address, reads lists into
// structs, and writes its own body back. It comes through as long as everything fits on one page.
func TestNaiveClientWalk(t *testing.T) {
	r := newRig(t, Options{})
	type user struct {
		ID      string `json:"_id"`
		Level   string `json:"accessLevel"`
		Details struct{ Email string }
	}
	users := 0
	for path := "/v1/ashares"; path != ""; {
		a := r.do("GET", path, "").want(200)
		var l []user
		a.into(&l)
		users += len(l)
		path = a.header.Get("Link")
	}
	if users != 12 {
		t.Fatalf("%d users", users)
	}
	for _, in := range r.do("GET", "/v1/integrations", "").list() {
		a := r.do("GET", "/v1/integrations/"+text(in, "_id")+"/ashares", "").want(200)
		if ct := a.header.Get("Content-Type"); a.header.Get("Link") != "" || !strings.HasPrefix(ct,
			"application/json") {
			t.Fatalf("%v", a.header)
		}
	}
	r.do("PUT", "/v1/ashares/"+r.d.Shares["ben@acme.example"],
		`{"_id":"","accessLevel":"manage","integrationAccessLevel":null,"accountSSORequired":false,"sharedWithUser":{"email":"","allowedToResetMFA":false,"accountSSOLinked":""}}`).empty()
	if r.share("ben@acme.example")["accessLevel"] != "manage" {
		t.Fatal("the grant did not take")
	}
}
