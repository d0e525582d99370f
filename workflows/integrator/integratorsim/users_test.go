package integratorsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOwnerIsNotListedAndRecordHasItsFields(t *testing.T) {
	r := newRig(t, Options{})
	if r.share(r.d.OwnerEmail) != nil {
		t.Fatal("the owner is in /ashares")
	}
	dee := r.share("dee@acme.example")
	if dee["accepted"] != true || dee["accessLevel"] != "administrator" ||
		dee["lastSignIn"] != "2026-11-19T09:00:00.000Z" {
		t.Fatalf("%v", dee)
	}
	if len(text(dee, "_id")) != 24 || text(dee, "_id") == text(dee["sharedWithUser"].(map[string]any), "_id") {
		t.Fatalf("the access record's id and the person's must differ: %v", dee)
	}
	pending := r.share("contractor@partner.example")
	if _, named := pending["sharedWithUser"].(map[string]any)["name"]; named {
		t.Fatal("somebody who never signed up has a name")
	}
	if _, level := pending["accessLevel"]; level {
		t.Fatal("a custom user has an accessLevel")
	}
	got := r.do("GET", "/v1/ashares/"+text(dee, "_id"), "").want(200).object()
	if toJSON(got) != toJSON(dee) {
		t.Fatalf("one record reads otherwise than in the list:\n%v\n%v", got, dee)
	}
}

func TestPutReplacesAndToleratesForeignFields(t *testing.T) {
	r := newRig(t, Options{})
	id := r.d.Shares["dee@acme.example"]
	// baton-celigo's body, word for word
	r.do("PUT", "/v1/ashares/"+id,
		`{"_id":"","accessLevel":"manage","integrationAccessLevel":null,"accountSSORequired":false,"sharedWithUser":{"email":"","allowedToResetMFA":false,"accountSSOLinked":""}}`).empty()
	dee := r.share("dee@acme.example")
	if dee["accessLevel"] != "manage" || dee["accountMFARequired"] != false {
		t.Fatalf("left out fields must be cleared: %v", dee)
	}
	if text(dee["sharedWithUser"].(map[string]any), "email") != "dee@acme.example" {
		t.Fatal("a read-only field was written")
	}
	in := r.d.Integrations["Payroll export"]
	r.do("PUT", "/v1/ashares/"+id, `{"accessLevel":"monitor","integrationAccessLevel":[{"_integrationId":"`+in+
		`","accessLevel":"manage"}]}`).empty()
	if n := len(r.share("dee@acme.example")["integrationAccessLevel"].([]any)); n != 1 {
		t.Fatalf("%d grants", n)
	}
	r.do("PUT", "/v1/ashares/"+id, `{"accessLevel":"administrator","integrationAccessLevel":[{"_integrationId":"`+in+
		`","accessLevel":"manage"}]}`).empty()
	if n := len(r.share("dee@acme.example")["integrationAccessLevel"].([]any)); n != 0 {
		t.Fatalf("grants must be ignored for an administrator, got %d", n)
	}
}

func TestPutRefusesWhatCannotBe(t *testing.T) {
	r := newRig(t, Options{})
	path := "/v1/ashares/" + r.d.Shares["dee@acme.example"]
	for body, message := range map[string]string{
		`{"accessLevel":"admin"}`:        "",
		`{"accessLevel":"owner"}`:        "",
		`{"accessLevel":7}`:              "",
		`{"integrationAccessLevel":{}}`:  "",
		`{"integrationAccessLevel":[7]}`: "",
		`{"integrationAccessLevel":[{"_integrationId":"nope","accessLevel":"manage"}]}`: "",
		`{"accountSSORequired":true}`:  "",
		`{"accountMFARequired":"yes"}`: "",
		`[]`:                           "",
		`{"accessLevel":"manage","accountSSORequired":true,"accountMFARequired":true}`: "You can't require both MFA and SSO for a user.",
	} {
		r.do("PUT", path, body).refused(422, "invalid_field", message)
	}
	r.do("PUT", path, `{`).refused(400, "", "")
	r.do("PUT", "/v1/ashares/000000000000000000000000", `{}`).refused(404, "", "")
	if r.share("dee@acme.example")["accessLevel"] != "administrator" {
		t.Fatal("a refused PUT took hold")
	}
}

func TestDisableIsAToggleAndPutSetsDisabled(t *testing.T) {
	r := newRig(t, Options{})
	path := "/v1/ashares/" + r.d.Shares["ana@acme.example"]
	for _, want := range []any{true, nil, true} {
		r.do("PUT", path+"/disable", `{"enable":false}`).empty()
		if got := r.share("ana@acme.example")["disabled"]; got != want {
			t.Fatalf("disabled is %v, want %v", got, want)
		}
	}
	r.do("PUT", path, `{"accessLevel":"manage"}`).empty()
	if r.share("ana@acme.example")["disabled"] != true {
		t.Fatal("a PUT without disabled enabled the user")
	}
	r.do("PUT", path, `{"accessLevel":"manage","disabled":false}`).empty()
	if r.share("ana@acme.example")["disabled"] != nil {
		t.Fatal("disabled:false did not enable")
	}
}

func TestInviteAcceptDismissReinvite(t *testing.T) {
	r := newRig(t, Options{})
	r.s.AddPerson("new@acme.example", "Nina New")
	made := r.do("POST", "/v1/invite", `{"email":"new@acme.example","accessLevel":"monitor"}`).want(201).object()
	path := "/v1/ashares/" + text(made, "_id")
	if made["accepted"] != false || made["createdVia"] != "existing_account_invite" {
		t.Fatalf("%v", made)
	}
	r.do("POST", "/v1/invite", `{"email":"new@acme.example"}`).refused(409, "", alreadyHasAccess)
	r.do("POST", "/v1/invite", `{"email":"jane@acme.example"}`).refused(409, "", alreadyHasAccess)
	r.do("POST", "/v1/invite", `{"email":"nobody"}`).refused(422, "invalid_field", "Please enter a valid email address")
	r.do("POST", "/v1/invite", `{}`).refused(422, "invalid_field", "")

	nina := r.person("new@acme.example")
	r.do("PUT", path+"/accept", `{}`).refused(404, "", "") // the inviter cannot
	r.as(nina, "PUT", "/api/ashares/"+text(made, "_id")+"/dismiss", `{}`).empty()
	if r.share("new@acme.example")["dismissed"] != true {
		t.Fatal("not dismissed")
	}
	r.do("PUT", path+"/reinvite", ``).empty()
	if r.share("new@acme.example")["dismissed"] != nil {
		t.Fatal("reinvite keeps dismissed")
	}
	r.as(nina, "PUT", path+"/accept", `{}`).empty()
	r.as(nina, "PUT", path+"/dismiss", `{}`).refused(422, "", "")
	shared := r.as(nina, "GET", "/v1/shared/ashares", "").list()
	if len(shared) != 1 || shared[0]["ownerUser"].(map[string]any)["email"] != "jane@acme.example" {
		t.Fatalf("%v", shared)
	}
	if n := r.d.Account.Effects("POST /v1/invite"); n != 1 {
		t.Fatalf("%d invitations took effect, want 1", n)
	}
	r.as(nina, "DELETE", "/v1/shared/ashares/"+text(made, "_id"), `{}`).empty()
	if r.share("new@acme.example") != nil {
		t.Fatal("still a user after leaving")
	}
}

func TestUnknownAddressSignsUpByTheMailsLink(t *testing.T) {
	r := newRig(t, Options{})
	r.do("POST", "/v1/invite", `{"email":"celigo@acme.example","accessLevel":"manage"}`).want(201)
	if _, err := r.s.PersonToken("celigo@acme.example"); err == nil {
		t.Fatal("somebody who never signed up has a token")
	}
	var mails []Mail
	r.as("", "GET", "/_sim/mails?to=celigo@acme.example", "").want(200).into(&mails)
	if len(mails) != 1 || mails[0].Kind != "invitation" || mails[0].Follow.Do != "sign_up" || mails[0].Link == "" {
		t.Fatalf("%+v", mails)
	}
	r.as("", "GET", mails[0].Link, "").want(200)
	r.as("", "POST", "/_sim/act", toJSON(mails[0].Follow)).want(200)
	got := r.share("celigo@acme.example")
	if got["accepted"] != true || text(got["sharedWithUser"].(map[string]any), "name") == "" {
		t.Fatalf("%v", got)
	}
	r.as("", "POST", "/_sim/act", toJSON(mails[0].Follow)).want(422)
}

func TestInviteMultipleAnswersInOrder(t *testing.T) {
	r := newRig(t, Options{})
	var got []struct {
		StatusCode int
		Doc        doc
		Errors     []apiError
	}
	r.do("POST", "/v1/invite/multiple",
		`{"emails":["x@acme.example","dee@acme.example","bad","y@acme.example"],"accessLevel":"monitor"}`).want(
		200).into(&got)
	var codes []int
	for _, g := range got {
		codes = append(codes, g.StatusCode)
		if (g.StatusCode == 201) != (g.Doc != nil) || (g.StatusCode == 201) == (len(g.Errors) > 0) {
			t.Fatalf("%+v", g)
		}
	}
	if !slices.Equal(codes, []int{201, 409, 422, 201}) {
		t.Fatalf("%v", codes)
	}
	r.do("POST", "/v1/invite/multiple", `{"emails":"x@acme.example"}`).refused(422, "", "")
}

func TestPendingInvitationsTakeSeats(t *testing.T) {
	r := newRig(t, Options{})
	r.d.Account.SetSeats(14) // twelve in production, the pending contractor among them, and the agency in the sandbox
	r.do("POST", "/v1/invite", `{"email":"a@acme.example"}`).want(201)
	r.do("POST", "/v1/invite", `{"email":"b@acme.example"}`).refused(422, "entitlement_reached", "")
	r.do("DELETE", "/v1/ashares/"+r.d.Shares["contractor@partner.example"], "").empty()
	r.do("POST", "/v1/invite", `{"email":"b@acme.example"}`).want(201)
	r.d.Account.SetSeats(15)
	c := r.do("POST", "/v1/invite", `{"email":"c@acme.example"}`).want(201).id()
	r.do("POST", "/v1/invite", `{"email":"d@acme.example"}`).refused(422, "entitlement_reached", "")
	r.s.AddPerson("c@acme.example", "Cleo")
	r.as(r.person("c@acme.example"), "PUT", "/v1/ashares/"+c+"/dismiss", `{}`).empty()
	r.do("POST", "/v1/invite", `{"email":"d@acme.example"}`).want(201)
	// a seat is a person: the sandbox costs no second one
	r.as(r.d.SandboxToken, "POST", "/v1/invite", `{"email":"b@acme.example"}`).want(201)
}

func TestUsersArePerEnvironment(t *testing.T) {
	r := newRig(t, Options{})
	levels := map[string]string{}
	for _, d := range r.as(r.d.SandboxToken, "GET", "/v1/ashares", "").list() {
		levels[text(d["sharedWithUser"].(map[string]any), "email")] = text(d, "accessLevel")
	}
	if fmt.Sprint(levels) != fmt.Sprint(map[string]string{"dee@acme.example": "administrator",
		"raj@acme.example": "administrator", "lena@acme.example": "administrator",
		"ben@acme.example": "manage", "kofi@acme.example": "manage", "old-agency@partner.example": "manage"}) {
		t.Fatalf("%v", levels)
	}
	r.as(r.d.SandboxToken, "GET", "/v1/ashares/"+r.d.Shares["ana@acme.example"], "").refused(404, "", "")
}

func TestIntegrationSharesShowTheLevelThere(t *testing.T) {
	r := newRig(t, Options{})
	rows := r.do("GET", "/v1/integrations/"+r.d.Integrations["Shopify returns"]+"/ashares", "").list()
	got := map[string]string{}
	for _, d := range rows {
		if _, has := d["integrationAccessLevel"]; has {
			t.Fatalf("integrationAccessLevel in %v", d)
		}
		got[text(d["sharedWithUser"].(map[string]any), "email")] = text(d, "accessLevel")
	}
	want := map[string]string{"dee@acme.example": "administrator", "ana@acme.example": "manage",
		"ben@acme.example": "monitor", "contractor@partner.example": "manage",
		"raj@acme.example": "administrator", "lena@acme.example": "administrator", "tom@acme.example": "monitor",
		"sam@acme.example":     "manage",
		"vera@partner.example": "manage", "noor@acme.example": "monitor", "mia@acme.example": "manage"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%v", got)
	}
	// kofi instead of the contractor
	if n := len(r.do("GET", "/v1/integrations/"+r.d.Integrations["Payroll export"]+"/ashares", "").list()); n != 11 {
		t.Fatalf("the contractor sees payroll: %d rows", n)
	}
}

func TestTokensDoWhatTheirKindMay(t *testing.T) {
	r := newRig(t, Options{})
	prod := r.d.Account.Production()
	invite := `{"email":"z@acme.example"}`
	custom := prod.AddToken(Token{Kind: CustomToken})
	r.as(custom, "GET", "/v1/ashares", "").want(200)
	r.as(custom, "POST", "/v1/invite", invite).refused(403, "", "")
	r.as(custom, "POST", "/v1/jobs/current", `{}`).want(204) // a POST that only asks

	lost := prod.AddToken(Token{LostRights: true})
	r.as(lost, "GET", "/v1/tokenInfo", "").want(200)
	r.as(lost, "GET", "/v1/ashares", "").empty()
	r.as(lost, "GET", "/v1/transfers", "").empty()
	r.as(lost, "GET", "/v1/ashares/"+r.d.Shares["dee@acme.example"], "").refused(404, "", "")
	r.as(lost, "POST", "/v1/invite", invite).refused(403, "", "")

	short := prod.AddToken(Token{PurgeAfter: time.Hour})
	r.as(short, "GET", "/v1/tokenInfo", "").want(200)
	r.clock.Add(time.Hour)
	for token, body := range map[string]string{
		"": `{"message":"Unauthorized"}`, "wrong": `{"message":"Bearer Authentication Failed"}`,
		short:                               `{"message":"Bearer Authentication Failed"}`,
		prod.AddToken(Token{Revoked: true}): `{"message":"Bearer Authentication Failed"}`,
	} {
		if a := r.as(token, "GET", "/v1/ashares", "").want(401); string(a.body) != body {
			t.Fatalf("%s, want %s", a.body, body)
		}
	}
}

func TestPersonActsInAnAccountByHeader(t *testing.T) {
	r := newRig(t, Options{})
	get := func(email, path string) int {
		req := r.request("GET", path)
		req.Header.Set("Authorization", "Bearer "+r.d.PersonTokens[email])
		req.Header.Set("integrator-ashareid", r.d.Shares[email])
		return r.send(req).status
	}
	for _, x := range []struct {
		email, path string
		want        int
	}{
		{"dee@acme.example", "/v1/ashares", 200},
		{"dee@acme.example", "/v1/audit", 200},
		{"ana@acme.example", "/v1/ashares", 204},
		{"ana@acme.example", "/v1/audit", 403},
		{"ana@acme.example", "/v1/connections", 200},
		{"ben@acme.example", "/v1/connections", 403},
		{"ben@acme.example", "/v1/integrations", 200},
	} {
		if got := get(x.email, x.path); got != x.want {
			t.Errorf("%s GET %s: %d, want %d", x.email, x.path, got, x.want)
		}
	}
	r.act(Action{Do: "disable_user", Email: "dee@acme.example"})
	if got := get("dee@acme.example", "/v1/integrations"); got != 204 {
		t.Errorf("a disabled user still reads: %d", got)
	}
	r.as(r.d.PersonTokens["jane@acme.example"], "GET", "/v1/ashares", "").want(200) // the own account needs no header
	p := r.as(r.d.PersonTokens["ana@acme.example"], "GET", "/api/profile", "").want(200).object()
	if p["email"] != "ana@acme.example" {
		t.Fatal(p)
	}
	r.do("GET", "/v1/profile", "").refused(404, "", "")
}

func TestAccessTokensNeverShowSecretsAndDeletingCutsOff(t *testing.T) {
	r := newRig(t, Options{})
	made := r.do("POST", "/v1/accesstokens", `{"name":"rotated","fullAccess":true}`).want(201).object()
	secret := text(made, "token")
	r.as(secret, "GET", "/v1/ashares", "").want(200)
	if a := r.do("GET", "/v1/accesstokens", ""); strings.Contains(string(a.body), secret) || len(a.list()) != 7 {
		t.Fatalf("%s", a.body)
	}
	if a := r.as("", "GET", "/_sim/state", ""); strings.Contains(string(a.body), secret) {
		t.Fatal("the state shows a token")
	}
	r.do("PUT", "/v1/accesstokens/"+text(made, "_id"), `{"revoked":true}`).want(200)
	r.as(secret, "GET", "/v1/ashares", "").want(401)
	r.do("DELETE", "/v1/accesstokens/"+text(made, "_id"), "").empty()
	r.do("GET", "/v1/accesstokens/"+text(made, "_id"), "").want(404)
}

func TestAChangedAddressKeepsWhoSomebodyIs(t *testing.T) {
	r := newRig(t, Options{})
	was := r.share("ben@acme.example")
	r.act(Action{Do: "change_address", Email: "ben@acme.example", To: "Benjamin@acme.example"})
	if r.share("ben@acme.example") != nil {
		t.Error("the former address is still a user")
	}
	is := r.share("Benjamin@acme.example")
	if is == nil || text(is, "_id") != text(was, "_id") || is["accessLevel"] != was["accessLevel"] ||
		text(is["sharedWithUser"].(map[string]any), "_id") != text(was["sharedWithUser"].(map[string]any), "_id") {
		t.Fatalf("the record was %v and is %v", was, is)
	}
	newest := r.do("GET", "/v1/audit?resourceType=user", "").list()[0]
	if newest["event"] != "update" || newest["_resourceId"] != text(is["sharedWithUser"].(map[string]any), "_id") {
		t.Errorf("the audit log says %v", newest)
	}
	if _, err := r.s.Act(Action{Do: "change_address", Email: "benjamin@acme.example",
		To: "ANA@acme.example"}); err == nil {
		t.Error("two people have one address")
	}
	// the freed address may be somebody else's
	r.act(Action{Do: "add_user", Email: "ben@acme.example", Role: "monitor"})
}

func TestTheOwnersAddressChangesToo(t *testing.T) {
	r := newRig(t, Options{})
	r.act(Action{Do: "change_address", Email: r.d.OwnerEmail, To: "jane.moreau@acme.example"})
	r.do("GET", "/v1/ashares", "").want(200)
	if got := r.s.State().Accounts[0].Owner.Email; got != "jane.moreau@acme.example" {
		t.Errorf("the owner is %s", got)
	}
}

func TestAnEnvironmentWithoutUsersAnswersNothingAndTakesInvitations(t *testing.T) {
	r := newRig(t, Options{})
	empty := r.d.Account.AddEnvironment("Empty")
	token := empty.AddToken(Token{Name: "empty", Kind: OwnerToken})
	r.act(Action{Do: "remove_user", Environment: "Empty", Email: "dee@acme.example"})
	r.act(Action{Do: "remove_user", Environment: "Empty", Email: "raj@acme.example"})
	r.act(Action{Do: "remove_user", Environment: "Empty", Email: "lena@acme.example"})
	r.as(token, "GET", "/v1/ashares", "").empty()
	r.as(token, "POST", "/v1/invite", `{"email":"new@acme.example","accessLevel":"monitor"}`).want(201)
	r.as(token, "GET", "/v1/ashares", "").want(200)
}
