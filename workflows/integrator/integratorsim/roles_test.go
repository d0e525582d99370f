package integratorsim

import "testing"

// A custom user sees what belongs to their integrations and changes nothing.
func TestCustomUserSeesOnlyTheirIntegrations(t *testing.T) {
	r := newRig(t, Options{})
	email := "contractor@partner.example"
	r.act(Action{Do: "sign_up", Email: email, Name: "Cora Tractor"})
	token := r.person(email)
	get := func(method, path string) answer {
		t.Helper()
		req := r.request(method, path)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("integrator-ashareid", r.d.Shares[email])
		return r.send(req)
	}
	if l := get("GET", "/v1/integrations").list(); len(l) != 1 || l[0]["name"] != "Shopify returns" {
		t.Fatalf("%v", l)
	}
	if l := get("GET", "/v1/flows").list(); len(l) != 1 || l[0]["name"] != "Returns" {
		t.Fatalf("%v", l)
	}
	if l := get("GET", "/v1/tiles").list(); len(l) != 1 {
		t.Fatalf("%v", l)
	}
	get("GET", "/v1/exports").empty()
	get("GET", "/v1/integrations/"+r.d.Integrations["Payroll export"]).refused(404, "", "")
	get("GET", "/v1/flows/"+r.d.Flows["Monthly payroll"]+"/errors").refused(404, "", "")
	get("GET", "/v1/connections").refused(403, "", "")
	get("DELETE", "/v1/flows/"+r.d.Flows["Returns"]).refused(403, "", "")
	mine, foreign := r.act(Action{Do: "start_jobs", Flow: r.d.Flows["Returns"]}).ID,
		r.act(Action{Do: "start_jobs", Flow: r.d.Flows["Monthly payroll"]}).ID
	get("GET", "/v1/jobs/"+mine).want(200)
	get("GET", "/v1/jobs/"+foreign).refused(404, "", "")
	get("PUT", "/v1/jobs/"+mine+"/cancel").refused(403, "", "")
	if l := get("POST", "/v1/jobs/current").list(); len(l) != 1 {
		t.Fatalf("%v", l)
	}
}

func TestJobIsCanceledOnce(t *testing.T) {
	r := newRig(t, Options{})
	id := r.act(Action{Do: "start_jobs", Flow: r.d.Flows["Returns"]}).ID
	if d := r.do("PUT", "/v1/jobs/"+id+"/cancel", "").want(200).object(); d["status"] != "canceled" {
		t.Fatalf("%v", d)
	}
	r.do("PUT", "/v1/jobs/"+id+"/cancel", "").refused(422, "", "")
	r.do("GET", "/v1/jobs/nope", "").refused(404, "", "")
}

func TestEmptyListsCanBeArrays(t *testing.T) {
	r := newRig(t, Options{EmptyAsArray: true})
	lost := r.d.Account.Production().AddToken(Token{LostRights: true})
	for token, path := range map[string]string{r.d.ProductionToken: "/v1/transfers", lost: "/v1/ashares",
		r.d.PersonTokens["ana@acme.example"]: "/v1/flows"} {
		if a := r.as(token, "GET", path, "").want(200); string(a.body) != "[]" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	r.do("GET", "/v1/ssoclients", "").empty()
}

// Somebody without an account, and without a header, sees empty lists and may change nothing.
func TestPersonWithoutAccount(t *testing.T) {
	r := newRig(t, Options{})
	ana := r.d.PersonTokens["ana@acme.example"]
	r.as(ana, "GET", "/v1/ashares", "").empty()
	r.as(ana, "GET", "/v1/integrations", "").empty()
	r.as(ana, "GET", "/v1/transfers", "").empty()
	r.as(ana, "GET", "/v1/accountSettings", "").refused(404, "", "")
	r.as(ana, "POST", "/v1/invite", `{"email":"a@acme.example"}`).refused(403, "", "")
	// the IDs of the account do not help
	r.as(ana, "PUT", "/v1/ashares/"+r.d.Shares["dee@acme.example"]+"/accept", `{}`).refused(404, "", "")
	r.as(ana, "DELETE", "/v1/shared/ashares/"+r.d.Shares["dee@acme.example"], `{}`).refused(404, "", "")
	if r.share("dee@acme.example") == nil {
		t.Fatal("somebody else's access was removed")
	}
}

func TestInvitationIsAnsweredThroughTheControl(t *testing.T) {
	r := newRig(t, Options{})
	r.s.AddPerson("eve@acme.example", "Eve")
	r.do("POST", "/v1/invite", `{"email":"eve@acme.example","accessLevel":"monitor"}`).want(201)
	r.act(Action{Do: "dismiss_invitation", Email: "eve@acme.example"})
	if u, _ := r.d.Account.Snapshot().User(0, "eve@acme.example"); u.Status != "dismissed" {
		t.Fatalf("%+v", u)
	}
	r.act(Action{Do: "accept_invitation", Email: "eve@acme.example"})
	if u, _ := r.d.Account.Snapshot().User(0, "eve@acme.example"); u.Status != "accepted" {
		t.Fatalf("%+v", u)
	}
}

func TestTokenOfAnAdministratorsTokenIsAnAdministrators(t *testing.T) {
	r := newRig(t, Options{})
	r.alias()
	admin := r.d.Account.Production().AddToken(Token{Kind: AdminToken})
	made := text(r.as(admin, "POST", "/v1/accesstokens", `{"name":"made by an admin","fullAccess":true}`).want(
		201).object(), "token")
	r.as(made, "POST", "/v1/transfers/invite", invitation).refused(403, "", "")
	made = text(r.do("POST", "/v1/accesstokens", `{"name":"scoped","_connectionIds":["`+r.d.SharedConnection+
		`"]}`).want(201).object(), "token")
	r.as(made, "POST", "/v1/invite", `{"email":"a@acme.example"}`).refused(403, "", "")
	r.do("POST", "/v1/accesstokens", `{}`).refused(422, "", "")
}

// After a switch the roles of the two people's own tokens have changed places too.
func TestPeoplesTokensFollowThePeople(t *testing.T) {
	r := newRig(t, Options{})
	r.alias()
	alias, jane := r.person(r.d.AliasEmail), r.d.PersonTokens[r.d.OwnerEmail]
	id := r.do("POST", "/v1/transfers/invite", invitation).id()
	r.as(alias, "PUT", "/v1/transfers/"+id+"/accept", `{}`).want(200)
	if got := r.as(alias, "GET", "/v1/tokenInfo", "").object()["_userId"]; got != r.d.AccountID {
		t.Fatalf("the new owner's document is %v, not the account %s", got, r.d.AccountID)
	}
	r.as(alias, "GET", "/v1/ashares", "").want(200)
	r.as(jane, "GET", "/v1/ashares", "").empty()
	shared := r.as(jane, "GET", "/v1/shared/ashares", "").list()
	if len(shared) != 1 || shared[0]["ownerUser"].(map[string]any)["email"] != r.d.AliasEmail ||
		shared[0]["accessLevel"] != "manage" {
		t.Fatalf("%v", shared)
	}
	if c := r.as(alias, "GET", "/api/profile", "").object()["company"]; c != "Acme Production" {
		t.Fatalf("the new owner's company is %v", c)
	}
}
