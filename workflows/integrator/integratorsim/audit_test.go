package integratorsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// entries are the audit log's, newest first, as "EVENT WHO by BY from SOURCE".
func (r *rig) entries(token, query string) (out []string) {
	r.Helper()
	for _, d := range r.as(token, "GET", "/v1/audit?resourceType=user"+query, "").list() {
		by := d["byUser"].(map[string]any)
		who := ""
		for _, p := range r.s.world.People {
			if p.ID == d["_resourceId"] {
				who = p.Email
			}
		}
		out = append(out, fmt.Sprintf("%s %s by %s from %s", d["event"], who, by["email"], d["source"]))
	}
	return out
}

// now makes what the demo's log already holds older than every question of the test.
func (r *rig) sinceNow() string {
	r.clock.Add(time.Minute)
	return "&from=" + r.clock.Now().Format(time.RFC3339)
}

func TestEveryChangeOfAUserIsAuditedInTheNameOfWhoDidIt(t *testing.T) {
	r := newRig(t, Options{})
	since := r.sinceNow()
	const neu, dee, jane = "new@acme.example", "dee@acme.example", "jane@acme.example"
	var id string
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {
			id = r.do("POST", "/v1/invite", `{"email":"new@acme.example","accessLevel":"monitor"}`).want(201).id()
		}, "create " + neu + " by " + jane + " from api"},
		{func() { r.act(Action{Do: "dismiss_invitation", Email: neu}) }, "update " + neu + " by " + neu + " from ui"},
		{func() { r.do("PUT", "/v1/ashares/"+id+"/reinvite", "").empty() }, "update " + neu + " by " + jane +
			" from api"},
		{func() { r.act(Action{Do: "reinvite_user", Email: neu, By: dee}) }, "update " + neu + " by " + dee +
			" from ui"},
		{func() { r.act(Action{Do: "sign_up", Email: neu, Name: "Neu"}) }, "update " + neu + " by " + neu + " from ui"},
		{func() { r.act(Action{Do: "sign_in", Email: neu}) }, "signin " + neu + " by " + neu + " from ui"},
		{func() { r.do("PUT", "/v1/ashares/"+id, `{"accessLevel":"manage"}`).empty() }, "update " + neu + " by " +
			jane + " from api"},
		{func() { r.act(Action{Do: "change_role", Email: neu, Role: "administrator", By: dee}) },
			"update " + neu + " by " + dee + " from ui"},
		{func() { r.act(Action{Do: "disable_user", Email: dee, By: neu}) }, "update " + dee + " by " + neu +
			" from ui"},
		{func() { r.act(Action{Do: "enable_user", Email: dee}) }, "update " + dee + " by " + jane + " from ui"},
		{func() { r.do("PUT", "/v1/ashares/"+id+"/disable", "").empty() }, "update " + neu + " by " + jane +
			" from api"},
		{func() { r.act(Action{Do: "remove_user", Email: neu, By: dee}) }, "delete " + neu + " by " + dee + " from ui"},
	} {
		r.clock.Add(time.Second)
		before := len(r.entries(r.d.ProductionToken, since))
		step.do()
		got := r.entries(r.d.ProductionToken, since)
		if len(got) != before+1 || got[0] != step.want {
			t.Fatalf("the log holds %q after %d, want %q on top", got, before, step.want)
		}
	}
	newest := r.do("GET", "/v1/audit?limit=1", "").list()[0]
	if got := toJSON(newest["fieldChanges"]); got != `[{"fieldPath":"email","oldValue":"new@acme.example"}]`+"\n" {
		t.Errorf("a removal says %s", got)
	}
	if a := r.d.Account.Snapshot().Audit[0]; a.By != dee || a.User != neu || a.Event != "delete" ||
		a.Environment != "Production" {
		t.Errorf("the snapshot shows %+v", a)
	}
}

func TestTheLogIsOfOneEnvironment(t *testing.T) {
	r := newRig(t, Options{})
	since := r.sinceNow()
	r.act(Action{Do: "change_role", Email: "ben@acme.example", Role: "administrator", Environment: "Sandbox",
		By: "dee@acme.example"})
	if got := r.entries(r.d.ProductionToken, since); len(got) != 0 {
		t.Errorf("production shows %q", got)
	}
	if got := r.entries(r.d.SandboxToken, since); !slices.Equal(got,
		[]string{"update ben@acme.example by dee@acme.example from ui"}) {
		t.Errorf("the sandbox shows %q", got)
	}
}

func TestTheLogIsForOwnersAndAdministratorsOnly(t *testing.T) {
	r := newRig(t, Options{})
	prod := r.d.Account.Production()
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"owner": {r.d.ProductionToken, 200}, "administrator": {prod.AddToken(Token{Kind: AdminToken}), 200},
		"custom scope": {prod.AddToken(Token{Kind: CustomToken}), 403},
		"no rights":    {prod.AddToken(Token{LostRights: true}), 204},
	} {
		for _, path := range []string{"/v1/audit", "/v1/accesstokens"} {
			if a := r.as(c.token, "GET", path, ""); a.status != c.status {
				t.Errorf("%s GET %s: %d, want %d", name, path, a.status, c.status)
			}
		}
	}
}

func TestTheLogIsPagedByLink(t *testing.T) {
	r := newRig(t, Options{})
	whole := len(r.do("GET", "/v1/audit", "").list())
	seen := map[any]bool{}
	for path := "/v1/audit?limit=7"; path != ""; {
		a := r.do("GET", path, "").want(200)
		for _, d := range a.list() {
			seen[d["_id"]] = true
		}
		path = next(t, a.header.Get("Link"))
	}
	if whole < 25 || len(seen) != whole {
		t.Fatalf("%d of %d entries by pages", len(seen), whole)
	}
}

func TestEntriesCanNameTheShare(t *testing.T) {
	r := newRig(t, Options{AuditShareIDs: true})
	r.act(Action{Do: "change_role", Email: "ana@acme.example", Role: "monitor"})
	if d := r.do("GET", "/v1/audit?_resourceId="+r.d.Shares["ana@acme.example"]+"&limit=1",
		"").list()[0]; d["event"] != "update" {
		t.Fatalf("%v", d)
	}
}

// Whoever is no administrator invites to integrations of their own, with what they have there, as
// long as the account lets them.
func TestNonAdministratorsInvite(t *testing.T) {
	r := newRig(t, Options{})
	orders, payroll, returns := r.d.Integrations["Orders to NetSuite"], r.d.Integrations["Payroll export"],
		r.d.Integrations["Shopify returns"]
	since := r.sinceNow()
	for i, c := range []struct {
		by   string
		role string
		to   []Grant
		may  bool
	}{
		{"kofi@acme.example", "custom", []Grant{{orders, "manage"}}, true},
		{"kofi@acme.example", "custom", []Grant{{payroll, "monitor"}, {orders, "monitor"}}, true},
		{"kofi@acme.example", "custom", []Grant{{payroll, "manage"}}, false},
		{"kofi@acme.example", "custom", []Grant{{returns, "monitor"}}, false},
		{"kofi@acme.example", "custom", nil, false}, {"kofi@acme.example", "monitor", nil, false},
		{"ben@acme.example", "custom", []Grant{{returns, "monitor"}}, true},
		{"ben@acme.example", "custom", []Grant{{returns, "manage"}}, false},
		{"ana@acme.example", "custom", []Grant{{returns, "manage"}}, true},
		{"sam@acme.example", "custom", []Grant{{returns, "manage"}}, false}, // switched off
	} {
		email := fmt.Sprintf("guest%d@acme.example", i)
		_, err := r.s.Act(Action{Do: "add_user", Email: email, Role: c.role, Integrations: c.to, By: c.by})
		u, there := r.d.Account.Snapshot().User(0, email)
		if (err == nil) != c.may || there != c.may || (there && u.Status != "pending") {
			t.Errorf("%s invites as %s %v: %v, %+v", c.by, c.role, c.to, err, u)
		}
		if c.may && r.entries(r.d.ProductionToken, since)[0] != "create "+email+" by "+c.by+" from ui" {
			t.Errorf("the log holds %q", r.entries(r.d.ProductionToken, since))
		}
	}
	for _, do := range []string{"change_role", "remove_user", "disable_user", "enable_user"} {
		if _, err := r.s.Act(Action{Do: do, Email: "ben@acme.example", Role: "manage",
			By: "ana@acme.example"}); err == nil {
			t.Errorf("a manager may %s", do)
		}
	}
	byAPI := func(body string) answer {
		req := r.request("POST", "/v1/invite")
		req.Header.Set("Authorization", "Bearer "+r.person("kofi@acme.example"))
		req.Header.Set("integrator-ashareid", r.d.Shares["kofi@acme.example"])
		req.Body = readCloser(body)
		return r.send(req)
	}
	grant := func(id, level string) string {
		raw, _ := json.Marshal(map[string]any{"email": "x-" + level + "@acme.example",
			"integrationAccessLevel": []Grant{{id, level}}})
		return string(raw)
	}
	byAPI(grant(orders, "manage")).want(201)
	byAPI(grant(payroll, "manage")).refused(403, "", "")
	r.d.Account.with(func(a *account) { a.AdminsInvite = true })
	byAPI(grant(payroll, "monitor")).refused(403, "", "")
}

// UI source: GET /audit/signedURL?from&to gives the address of a file. Its columns are ours.
func TestTheLogIsHadAsAFile(t *testing.T) {
	r := newRig(t, Options{})
	r.do("POST", "/v1/invite", `{"email":"new@acme.example","accessLevel":"monitor"}`)
	signed := text(r.do("GET", "/v1/audit/signedURL?resourceType=user", "").want(200).object(), "signedURL")
	path := signed[strings.Index(signed, "/_sim/"):]
	a := r.as("", "GET", path, "").want(200)
	if table := string(a.body); !strings.HasPrefix(table, "time,user,") || !strings.Contains(table,
		"new@acme.example") {
		t.Errorf("%s", table)
	}
	r.as("", "GET", "/_sim/audit/nothing.csv", "").want(404)
	r.do("GET", "/v1/audit/signedURL?from=1999-01-01", "").refused(422, "", "")
}

// celigo/ai, skills/managing-api-tokens: fullAccess or resources, both or neither is 422; an end at
// most 30 days off; only a revoked token can be deleted.
func TestTokensOfAnAccountHaveOneScopeAndAnEnd(t *testing.T) {
	r := newRig(t, Options{})
	in := func(d time.Duration) string { return r.s.opts.Now().Add(d).Format(time.RFC3339) }
	for name, body := range map[string]string{
		"neither": `{"name":"x"}`, "both": `{"name":"x","fullAccess":true,"_exportIds":["1"]}`,
		"no name": `{"fullAccess":true}`,
		"far":     `{"name":"x","fullAccess":true,"autoPurgeAt":"` + in(31*24*time.Hour) + `"}`,
		"past":    `{"name":"x","fullAccess":true,"autoPurgeAt":"` + in(-time.Hour) + `"}`,
	} {
		if a := r.do("POST", "/v1/accesstokens", body); a.status != 422 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	before := len(r.do("GET", "/v1/accesstokens", "").list())
	made := r.do("POST", "/v1/accesstokens",
		`{"name":"CI","description":"deploys","_mcpServerIds":["m1"],"autoPurgeAt":"`+
			in(24*time.Hour)+`"}`).want(201).object()
	if made["description"] != "deploys" || made["fullAccess"] != false || made["autoPurgeAt"] == nil ||
		made["token"] == "******" {
		t.Errorf("%v", made)
	}
	path := "/v1/accesstokens/" + text(made, "_id")
	r.do("PUT", path, `{"name":"CI","fullAccess":true,"_exportIds":["1"]}`).refused(422, "", "")
	if put := r.do("PUT", path, `{"name":"CI 2","fullAccess":true,"revoked":true}`).want(
		200).object(); put["description"] != nil ||
		put["fullAccess"] != true || put["autoPurgeAt"] != nil || put["name"] != "CI 2" {
		t.Errorf("a PUT replaces: %v", put)
	}
	r.do("DELETE", path, "").empty()
	if n := len(r.do("GET", "/v1/accesstokens", "").list()); n != before {
		t.Errorf("%d tokens, were %d", n, before)
	}
}
