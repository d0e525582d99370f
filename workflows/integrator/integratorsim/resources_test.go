package integratorsim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFlowIsSwitchedOffAndOnByPutAndPatch(t *testing.T) {
	r := newRig(t, Options{})
	path := "/v1/flows/" + r.d.Flows["New orders"]
	f := r.do("GET", path, "").want(200).object()
	for _, off := range []bool{true, false} {
		f["disabled"] = off
		r.do("PUT", path, toJSON(f)).want(200)
		if got := r.do("GET", path, "").object(); got["disabled"] != off ||
			toJSON(got["pageProcessors"]) != toJSON(f["pageProcessors"]) {
			t.Fatalf("%v", got)
		}
	}
	r.do("PATCH", path, `[{"op":"replace","path":"/disabled","value":true}]`).want(200)
	if r.do("GET", path, "").object()["disabled"] != true {
		t.Fatal("JSON Patch did not switch off")
	}
	r.do("PATCH", path, `{"disabled":false}`).want(200)
	if r.do("GET", path, "").object()["disabled"] != false {
		t.Fatal("merging did not switch on")
	}
	r.do("PUT", path, `{"disabled":true}`).refused(422, "invalid_field", "") // a PUT needs the whole document
	r.do("PUT", path, `{"name":"x","disabled":"yes"}`).refused(422, "invalid_field", "")
	r.do("PUT", path, `{"name":"x","_integrationId":"nope"}`).refused(422, "invalid_field", "")
	r.do("PATCH", path, `[{"op":"move","path":"/name"}]`).refused(422, "", "")
	if a := r.do("GET", "/v1/flows/"+r.d.Flows["New orders"]+"/audit", ""); len(a.list()) != 4 {
		t.Fatalf("audit of the flow: %s", a.body)
	}
}

func TestDocumentsKeepReadOnlyFieldsAndMaskSecrets(t *testing.T) {
	r := newRig(t, Options{})
	path := "/v1/connections/" + r.d.SharedConnection
	r.do("PUT", path, `{"_id":"evil","name":"NetSuite 2","type":"http","offline":true,"http":{"auth":{"token":{"token":"s3cret"}}}}`).want(200)
	got := r.do("GET", path, "").object()
	if got["_id"] != r.d.SharedConnection || got["offline"] != false || strings.Contains(toJSON(got), "s3cret") {
		t.Fatalf("%v", got)
	}
	r.do("DELETE", path, "").refused(422, "has_dependencies", "")
	in := "/v1/integrations/" + r.d.Integrations["Shopify returns"]
	r.do("PUT", in, `{"name":"Shopify returns","_registeredConnectionIds":["`+r.d.Connections["Shopify"]+
		`"]}`).want(200)
	if n := len(r.do("GET", in+"/connections", "").list()); n != 1 {
		t.Fatalf("%d connections left", n)
	}
	deps := r.do("GET", path+"/dependencies", "").want(200).object()
	if n := len(deps["integrations"].([]any)); n != 1 {
		t.Fatalf("%v", deps)
	}
	r.do("GET", "/v1/nonsense/"+r.d.SharedConnection+"/dependencies", "").refused(404, "", "")
}

func TestErrorsAndJobs(t *testing.T) {
	r := newRig(t, Options{})
	in, flow := r.d.Integrations["Orders to NetSuite"], r.d.Flows["New orders"]
	counts := map[any]any{}
	for _, d := range r.do("GET", "/v1/integrations/"+in+"/errors?sandbox=true", "").list() {
		counts[d["_flowId"]] = d["numError"]
	}
	if counts[flow] != 3.0 || counts[r.d.Flows["Order status"]] != 0.0 {
		t.Fatalf("%v", counts)
	}
	var steps struct {
		FlowErrors []struct {
			ID  string `json:"_expOrImpId"`
			Num int    `json:"numError"`
		}
	}
	r.do("GET", "/v1/flows/"+flow+"/errors", "").want(200).into(&steps)
	var rows struct {
		Errors      []doc
		NextPageURL string
	}
	found := 0
	for _, st := range steps.FlowErrors {
		found += st.Num
		if st.Num == 0 {
			continue
		}
		next := "/v1/flows/" + flow + "/" + st.ID + "/errors?limit=2"
		seen := 0
		for ; next != ""; next = rows.NextPageURL {
			rows.NextPageURL = ""
			r.do("GET", next, "").want(200).into(&rows)
			seen += len(rows.Errors)
		}
		if seen != st.Num {
			t.Fatalf("walked %d rows of %d", seen, st.Num)
		}
		r.do("PUT", "/v1/flows/"+flow+"/"+st.ID+"/resolved",
			toJSON(doc{"errors": []any{rows.Errors[0]["errorId"]}})).empty()
		r.do("GET", "/v1/flows/"+flow+"/"+in+"/errors", "").refused(404, "", "")
	}
	if found != 3 || r.d.Account.Snapshot().Environments[0].Integrations[0].Flows[0].Errors != 2 {
		t.Fatalf("%d errors, %+v", found, r.d.Account.Snapshot().Environments[0].Integrations[0])
	}

	r.do("POST", "/v1/jobs/current", `{}`).empty()
	job := r.act(Action{Do: "start_jobs", Flow: flow}).ID
	r.do("GET", "/v1/jobs?status=running", "").refused(400, "invalid_query_params", "")
	for _, path := range []string{"/v1/jobs?status=running&_integrationId=" + in,
		"/v1/jobs?status=queued,running&_flowId=" + flow, "/v1/jobs?_jobId=" + job} {
		if l := r.do("GET", path, "").list(); len(l) != 1 || l[0]["_id"] != job {
			t.Fatalf("%s: %v", path, l)
		}
	}
	if n := len(r.do("POST", "/v1/jobs/current", toJSON(doc{"_integrationId": in})).list()); n != 1 {
		t.Fatalf("%d current jobs", n)
	}
	r.do("POST", "/v1/jobs/current", toJSON(doc{"_integrationId": r.d.Integrations["Payroll export"]})).empty()
	r.act(Action{Do: "end_jobs", Integration: in})
	r.do("POST", "/v1/jobs/current", ``).empty()
	for _, d := range r.do("POST", "/v1/flows/runs/stats", toJSON(doc{"_integrationId": in})).list() {
		if d["_flowId"] == flow && (d["numRuns"] != 1.0 || d["numOpenError"] != 2.0) {
			t.Fatalf("%v", d)
		}
	}
	r.act(Action{Do: "set_errors", Integration: in, Count: 7})
	if a := r.do("GET", "/v1/tiles", ""); !strings.Contains(string(a.body), `"numError":7`) {
		t.Fatalf("%s", a.body)
	}
}

func TestStacksAreSharedAndUnshared(t *testing.T) {
	r := newRig(t, Options{})
	stack := r.d.Stacks["Acme stack"]
	r.do("GET", "/v1/sshares", "").empty()
	id := r.do("POST", "/v1/stacks/"+stack+"/invite", `{"email":"ana@acme.example"}`).want(201).id()
	r.do("POST", "/v1/stacks/"+stack+"/invite", `{"email":"ana@acme.example"}`).refused(409, "", "")
	ana := r.d.PersonTokens["ana@acme.example"]
	if l := r.as(ana, "GET", "/v1/shared/sshares", "").list(); len(l) != 1 ||
		l[0]["stack"].(map[string]any)["_id"] != stack {
		t.Fatalf("%v", l)
	}
	r.as(ana, "PUT", "/v1/sshares/"+id+"/accept", `{}`).empty()
	r.do("PUT", "/v1/sshares/"+id+"/disable", `{}`).empty()
	if d := r.do("GET", "/v1/sshares", "").list()[0]; d["accepted"] != true || d["disabled"] != true {
		t.Fatalf("%v", d)
	}
	r.do("PUT", "/v1/sshares/"+id, `{"dismissed":false,"disabled":false}`).want(200)
	r.do("DELETE", "/v1/sshares/"+id, "").empty()
	r.act(Action{Do: "share_stack", Stack: stack, Email: "ben@acme.example"})
	r.act(Action{Do: "unshare_stack", Stack: stack})
	r.do("GET", "/v1/sshares", "").empty()
}

func TestSettingsSSOLicensesAndMFA(t *testing.T) {
	r := newRig(t, Options{})
	mfa := r.do("GET", "/v1/accountSettings", "").object()["mfa"].(map[string]any)
	if mfa["dontAllowTrustedDevices"] != false || mfa["trustDeviceForPeriod"] != 10.0 {
		t.Fatalf("%v", mfa)
	}
	r.do("PATCH", "/v1/accountSettings", `{"trustDeviceForPeriod":1.5}`).refused(422, "", "")
	r.do("PATCH", "/v1/accountSettings", `{"dontAllowTrustedDevices":true}`).want(200)
	if mfa = r.do("GET", "/v1/accountSettings", "").object()["mfa"].(map[string]any); mfa["dontAllowTrustedDevices"] != true || mfa["trustDeviceForPeriod"] != 10.0 {
		t.Fatalf("%v", mfa)
	}
	r.do("GET", "/v1/ssoclients", "").empty()
	r.d.Account.SetSSO("https://idp.acme.example", "acme")
	l := r.do("GET", "/v1/ssoclients", "").list()
	if len(l) != 1 || l[0]["oidc"].(map[string]any)["clientSecret"] != masked {
		t.Fatalf("%v", l)
	}
	r.do("PATCH", "/v1/ssoclients/"+text(l[0], "_id"), `[{"op":"replace","path":"/disabled","value":true}]`).want(200)
	if r.do("GET", "/v1/ssoclients", "").list()[0]["disabled"] != true {
		t.Fatal("not disabled")
	}
	r.do("PUT", "/v1/ashares/"+r.d.Shares["dee@acme.example"],
		`{"accessLevel":"administrator","accountSSORequired":true}`).empty()
	if n := len(r.do("GET", "/v1/licenses", "").list()); n != 1 {
		t.Fatalf("%d licences", n)
	}
	r.do("POST", "/v1/owner/mfa/reset", `{}`).empty()
	if r.d.Account.Snapshot().Owner.MFAEnabled {
		t.Fatal("the owner's MFA is still on")
	}
	r.do("POST", "/v1/ashares/"+r.d.Shares["ana@acme.example"]+"/mfa/reset", `{}`).empty()
	r.do("POST", "/v1/mfa/reset", `{"password":"x"}`).refused(403, "", "")
	r.as(r.d.PersonTokens["ana@acme.example"], "POST", "/v1/mfa/reset", `{}`).refused(422, "", "")
}

func TestPathsAndErrorShapes(t *testing.T) {
	r := newRig(t, Options{})
	for _, path := range []string{"/v1/ashares/", "/api/ashares", "/v1/ashares//", "/v1/integrations/", "/v1/flows/"} {
		r.do("GET", path, "").want(200)
	}
	for _, x := range [][2]string{{"GET", "/v1/users"}, {"GET", "/v1"}, {"GET", "/"}, {"DELETE", "/v1/ashares"},
		{"GET", "/v2/ashares"}, {"GET", "/v1/a/b/c/d/e"}} {
		r.do(x[0], x[1], "").refused(404, "", "")
	}
	r.do("GET", "/v1/ashares?include=_id&exclude=accepted", "").refused(400, "invalid_query_params",
		"Please provide either include or exclude param in the request query and not both.")
	for _, d := range r.do("GET", "/v1/ashares?include=accepted,accessLevel", "").list() {
		if len(d) > 3 || d["_id"] == nil {
			t.Fatalf("%v", d)
		}
	}
	for _, d := range r.do("GET", "/v1/ashares?exclude=sharedWithUser", "").list() {
		if d["sharedWithUser"] != nil || d["createdAt"] == nil {
			t.Fatalf("%v", d)
		}
	}
	r.do("GET", "/v1/ashares?limit=0", "").refused(400, "", "")
	r.do("GET", "/v1/ashares?skip=x", "").refused(400, "", "")
	r.do("GET", "/v1/ashares?skip=99", "").empty()
	r.do("POST", "/v1/invite", strings.Repeat("x", maxBody+1)).refused(413, "", "")
}

// next reads rel="next" from a Link header.
func next(t *testing.T, link string) string {
	t.Helper()
	for part := range strings.SplitSeq(link, ",") {
		target, rel, found := strings.Cut(part, ";")
		if found && strings.Contains(rel, `rel="next"`) {
			u, err := url.Parse(strings.Trim(strings.TrimSpace(target), "<>"))
			if err != nil {
				t.Fatal(err)
			}
			return u.RequestURI()
		}
	}
	return ""
}

func TestPagingWalkSeesEveryoneOnce(t *testing.T) {
	r := newRig(t, Options{PageSize: 10})
	for i := range 51 {
		r.d.Account.Production().AddUser(User{Email: fmt.Sprintf("u%d@acme.example", i), Role: "monitor"})
	}
	seen, pages := map[any]bool{}, 0
	for path := "/v1/ashares?exclude=createdAt"; path != ""; pages++ {
		a := r.do("GET", path, "").want(200)
		for _, d := range a.list() {
			if seen[d["_id"]] || d["createdAt"] != nil {
				t.Fatalf("%v on %s", d, path)
			}
			seen[d["_id"]] = true
		}
		link := a.header.Get("Link")
		if link != "" && (!strings.HasPrefix(link, "<"+r.url+"/v1/ashares?") || strings.Contains(link,
			`rel="prev"`) != (pages > 0)) {
			t.Fatalf("page %d: %s", pages, link)
		}
		path = next(t, link)
		if path == "" && link != "" {
			t.Fatalf("the last page has a Link header: %s", link)
		}
	}
	if len(seen) != 63 || pages != 7 {
		t.Fatalf("%d users on %d pages", len(seen), pages)
	}
}

func TestPublicAddressStandsInLinks(t *testing.T) {
	r := newRig(t, Options{Public: "https://io.example/"})
	if link := r.do("GET", "/v1/ashares?limit=1", "").header.Get("Link"); !strings.HasPrefix(link,
		"<https://io.example/v1/ashares?") {
		t.Fatal(link)
	}
}

func TestAuditFiltersWindowAndOrder(t *testing.T) {
	r := newRig(t, Options{})
	prod := r.d.Account.Production()
	r.d.Account.with(func(a *account) { a.Audit = nil })
	prod.AddAudit("user", r.s.AddPerson("dee@acme.example", ""), "create", r.d.OwnerEmail,
		r.clock.Now().AddDate(0, 0, -200))
	prod.AddAudit("user", r.s.AddPerson("ana@acme.example", ""), "signin", "ana@acme.example",
		r.clock.Now().AddDate(0, 0, -3))
	prod.AddAudit("flow", r.d.Flows["Returns"], "update", "ana@acme.example", r.clock.Now().AddDate(0, -11, 0))
	prod.AddAudit("flow", r.d.Flows["Returns"], "update", "ana@acme.example", r.clock.Now().AddDate(0, -13, 0))
	for query, want := range map[string]int{
		"":                               3, // the one of 13 months ago is outside the year
		"?resourceType=flow":             1,
		"?action=signin":                 1,
		"?source=api":                    0,
		"?_byUserId=" + r.d.AccountID:    1,
		"?from=2026-11-01T00:00:00.000Z": 1,
		"?to=2026-11-01T00:00:00.000Z":   2,
		"?_resourceId=nope":              0,
	} {
		l := r.do("GET", "/v1/audit"+query, "").list()
		if len(l) != want {
			t.Errorf("audit%s: %d entries, want %d", query, len(l), want)
		}
		for i := 1; i < len(l); i++ {
			if text(l[i-1], "time") < text(l[i], "time") {
				t.Errorf("audit%s is not newest first", query)
			}
		}
	}
	window := "Please make sure that the time provided for field: “from” is not older than 1 year(s) to current date and is not a future date."
	r.do("GET", "/v1/audit?from=2025-01-01T00:00:00.000Z", "").refused(422, "", window)
	r.do("GET", "/v1/audit?from="+url.QueryEscape(r.clock.Now().Add(time.Hour).Format(time.RFC3339)), "").refused(422,
		"", window)
	r.do("GET", "/v1/audit?from=yesterday", "").refused(422, "", "")
	a := r.do("GET", "/v1/audit?limit=1&offset=1", "").want(200)
	if n := next(t, a.header.Get("Link")); !strings.Contains(n, "skip=2") {
		t.Fatalf("next is %q", n)
	}
}

func TestRateLimitHasItsBodyAndHeader(t *testing.T) {
	r := newRig(t, Options{RateCapacity: 3, RateRefill: 1})
	var last answer
	for range 4 {
		last = r.do("GET", "/v1/tokenInfo", "")
	}
	if string(last.want(
		429).body) != `{"errors":[{"code":"rate_limited","message":"Too many requests. Retry after 2 seconds."}]}` ||
		last.header.Get("Retry-After") != "2" {
		t.Fatalf("%s %v", last.body, last.header)
	}
	r.as(r.d.PersonTokens["ana@acme.example"], "GET", "/v1/tokenInfo", "").want(200) // another bucket
}

func TestBucketRefills(t *testing.T) {
	b, now := &bucket{}, time.Unix(0, 0)
	took := 0
	for range 20 {
		if b.take(now, 10, 5) {
			took++
		}
	}
	if took != 10 {
		t.Fatalf("%d at once", took)
	}
	now = now.Add(400 * time.Millisecond)
	first, second, third := b.take(now, 10, 5), b.take(now, 10, 5), b.take(now, 10, 5)
	if !first || !second || third {
		t.Fatal("0.4 s at 5/s refill two")
	}
}

// celigo/ai, mcp/resources/api-reference.md: agents are imports of an adaptor type, scripts are documents of their own.
func TestImportsAreListedByAdaptorAndScriptsWithoutTheirCode(t *testing.T) {
	r := newRig(t, Options{})
	r.do("POST", "/v1/imports", `{"name":"Agent","adaptorType":"AiAgentImport"}`).want(201)
	agents := r.do("GET", "/v1/imports?adaptorType=AiAgentImport", "").list()
	if len(agents) != 1 || agents[0]["name"] != "Agent" {
		t.Errorf("agents: %v", agents)
	}
	r.do("GET", "/v1/imports?adaptorType=GuardrailImport", "").empty()
	made := r.do("POST", "/v1/scripts", `{"name":"Map rows","content":"function f() {}"}`).want(201).object()
	listed := r.do("GET", "/v1/scripts", "").list()
	if len(listed) != 1 || listed[0]["name"] != "Map rows" || listed[0]["content"] != nil {
		t.Errorf("scripts: %v", listed)
	}
	if one := r.do("GET", "/v1/scripts/"+text(made, "_id"),
		"").want(200).object(); one["content"] != "function f() {}" {
		t.Errorf("script: %v", one)
	}
	r.do("DELETE", "/v1/scripts/"+text(made, "_id"), "").empty()
}

// celigo/ai, mcp/resources/api-reference.md, "Jobs"; Celigo's interface lists the flows of an integration by this path.
func TestFlowsAndNewestRunsOfAnIntegrationAreListed(t *testing.T) {
	r := newRig(t, Options{})
	flow := r.d.Flows["New orders"]
	in := text(r.do("GET", "/v1/flows/"+flow, "").want(200).object(), "_integrationId")
	r.do("GET", "/v1/flows/"+flow+"/jobs/latest", "").empty()
	var newest string
	for range 2 {
		newest = r.act(Action{Do: "start_jobs", Flow: flow}).ID
	}
	for _, path := range []string{"/v1/flows/" + flow, "/v1/integrations/" + in} {
		jobs := r.do("GET", path+"/jobs/latest", "").list()
		if len(jobs) != 1 || jobs[0]["_id"] != newest {
			t.Errorf("%s: %v, want the run %s", path, jobs, newest)
		}
	}
	for _, f := range r.do("GET", "/v1/integrations/"+in+"/flows", "").list() {
		if f["_integrationId"] != in {
			t.Errorf("%v is of another integration", f)
		}
	}
	r.do("GET", "/v1/integrations/nope/flows", "").refused(404, "", "")
}

// TLS often ends before the server; a Link must name the address that clients use.
func TestLinksFollowTheProxyThatEndsTLS(t *testing.T) {
	r := newRig(t, Options{})
	req, err := http.NewRequest("GET", r.url+"/v1/ashares?limit=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.d.ProductionToken)
	req.Header.Set("X-Forwarded-Proto", "https")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if link := res.Header.Get("Link"); !strings.HasPrefix(link, "<https://") {
		t.Errorf("Link: %q", link)
	}
}
