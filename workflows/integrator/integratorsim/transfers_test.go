package integratorsim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const invitation = `{"email":"celigo@acme.example","account":true}`

func TestOwnershipMovesFromInvitationToDone(t *testing.T) {
	r := newRig(t, Options{SettleAfter: 10 * time.Minute})
	r.alias()
	r.act(Action{Do: "add_user", Email: r.d.AliasEmail, Role: "monitor", Environment: "Sandbox"})
	before := r.do("GET", "/v1/tokenInfo", "").object()["_userId"]
	id := r.do("POST", "/v1/transfers/invite", invitation).want(201).id()
	alias := r.person(r.d.AliasEmail)

	invited := r.as(alias, "GET", "/v1/transfers/invited", "").list()
	if len(invited) != 1 || invited[0]["ownerUser"].(map[string]any)["email"] != r.d.OwnerEmail ||
		invited[0]["transferToUser"] != nil {
		t.Fatalf("%v", invited)
	}
	r.do("PUT", "/v1/transfers/"+id+"/accept", `{}`).refused(403, "", "") // the inviter cannot
	r.as(r.d.PersonTokens["ana@acme.example"], "PUT", "/v1/transfers/"+id+"/accept", `{}`).refused(404, "", "")
	r.as(alias, "PUT", "/v1/transfers/"+id+"/accept", `{}`).want(200)

	status := func() (string, any) {
		d := r.do("GET", "/v1/transfers/"+id, "").want(200).object()
		if d["accepted"] != true {
			t.Fatalf("%v", d)
		}
		return text(d, "status"), d["transferredAt"]
	}
	for _, want := range []string{"queued", "started", "done"} {
		got, at := status()
		if got != want || (at != nil) != (want == "done") {
			t.Fatalf("%s at %v, want %s", got, at, want)
		}
		if owner := r.d.Account.Snapshot().Owner.Email; (owner == r.d.AliasEmail) != (want == "done") {
			t.Fatalf("%s: the owner is %s", want, owner)
		}
		r.clock.Add(5 * time.Minute)
	}

	jane := r.share(r.d.OwnerEmail)
	if jane == nil || jane["accepted"] != true || jane["accessLevel"] != "manage" {
		t.Fatalf("previous owner: %v", jane)
	}
	if r.share(r.d.AliasEmail) != nil {
		t.Fatal("the new owner is still a user")
	}
	if after := r.do("GET", "/v1/tokenInfo", "").object()["_userId"]; after != before {
		t.Fatalf("tokenInfo changed from %v to %v", before, after)
	}
	for _, d := range r.as(r.d.SandboxToken, "GET", "/v1/ashares", "").list() {
		if text(d["sharedWithUser"].(map[string]any), "email") == r.d.OwnerEmail {
			t.Fatal("the previous owner kept access to the sandbox")
		}
		if text(d["sharedWithUser"].(map[string]any), "email") == r.d.AliasEmail {
			t.Fatal("the new owner is still a user of the sandbox")
		}
	}
	if !strings.Contains(string(r.do("GET", "/v1/audit?resourceType=transfer", "").body), id) {
		t.Fatal("no audit entry")
	}
	var last Mail
	for _, m := range r.s.Mails() {
		last = m
	}
	if last.Kind != "transfer_done" || last.To != r.d.OwnerEmail {
		t.Fatalf("the previous owner got no confirmation: %+v", last)
	}
	if n := r.d.Account.Effects("POST /v1/transfers/invite"); n != 1 {
		t.Fatalf("%d invitations", n)
	}
	// the next transfer is not blocked by the one that is done
	r.do("POST", "/v1/transfers/invite", `{"email":"jane@acme.example","account":true}`).want(201)
}

func TestRefusalsOfAnAccountTransfer(t *testing.T) {
	for _, x := range []struct {
		name    string
		prepare func(*rig)
		body    string
		code    string
		message string
	}{
		{"several organisations", func(r *rig) {
			r.alias()
			r.act(Action{Do: "join_organization", Email: r.d.AliasEmail})
		}, invitation, "multiple_organizations",
			"Cannot transfer account ownership to selected user as he is part of multiple organizations."},
		{"free trial by mistake", func(r *rig) {
			r.alias()
			r.act(Action{Do: "sign_up_trial", Email: r.d.AliasEmail})
		}, invitation, "multiple_organizations", severalOrganizations},
		{"already pending", func(r *rig) {
			r.alias()
			r.do("POST", "/v1/transfers/invite", invitation).want(201)
		}, invitation, "transfer_already_pending",
			"An account transfer is already pending. Delete the pending transfer at My Account > Transfers before retransferring the account."},
		{"canceled and not deleted", func(r *rig) {
			r.alias()
			id := r.do("POST", "/v1/transfers/invite", invitation).id()
			r.do("PUT", "/v1/transfers/"+id+"/cancel", "").want(200)
		}, invitation, "transfer_already_pending", transferPending},
		{"disabled", func(r *rig) {
			r.alias()
			r.act(Action{Do: "disable_user", Email: r.d.AliasEmail})
		}, invitation, "user_disabled", ""},
		{"not accepted", func(r *rig) {
			r.act(Action{Do: "add_user", Email: r.d.AliasEmail, Role: "manage", Status: "pending"})
		}, invitation, "invitation_not_accepted", ""},
		{"only in the sandbox", func(r *rig) {
			r.act(Action{Do: "add_user", Email: r.d.AliasEmail, Role: "manage", Environment: "Sandbox"})
		}, invitation, "user_not_in_account", ""},
		{"unknown address", func(*rig) {}, invitation, "user_not_in_account", ""},
		{"the owner", func(*rig) {}, `{"email":"jane@acme.example","account":true}`, "invalid_field", ""},
		{"no address", func(*rig) {}, `{"account":true}`, "invalid_field", ""},
		{"neither account nor integrations", func(r *rig) {
			r.alias()
		}, `{"email":"celigo@acme.example"}`, "invalid_field", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := newRig(t, Options{})
			x.prepare(r)
			had := r.d.Account.Effects("POST /v1/transfers/invite")
			r.do("POST", "/v1/transfers/invite", x.body).refused(422, x.code, x.message)
			if r.d.Account.Effects("POST /v1/transfers/invite") != had {
				t.Fatal("a refusal counted as an effect")
			}
		})
	}
}

func TestLeavingTheOtherOrganisationIsTheRemedy(t *testing.T) {
	r := newRig(t, Options{})
	r.alias()
	r.act(Action{Do: "join_organization", Email: r.d.AliasEmail})
	r.act(Action{Do: "sign_up_trial", Email: r.d.AliasEmail})
	r.do("POST", "/v1/transfers/invite", invitation).want(422)
	r.act(Action{Do: "leave_organization", Email: r.d.AliasEmail})
	r.do("POST", "/v1/transfers/invite", invitation).want(201)
}

func TestOnlyTheOwnersTokenStartsAnAccountTransfer(t *testing.T) {
	r := newRig(t, Options{})
	r.alias()
	prod := r.d.Account.Production()
	admin := prod.AddToken(Token{Kind: AdminToken})
	r.as(admin, "GET", "/v1/transfers", "").empty()
	r.as(admin, "POST", "/v1/invite", `{"email":"q@acme.example"}`).want(201)
	r.as(admin, "POST", "/v1/transfers/invite", invitation).refused(403, "", "")
	r.as(r.d.SandboxToken, "POST", "/v1/transfers/invite", invitation).refused(422, "invalid_environment", "")
	r.as(prod.AddToken(Token{Kind: AdminToken, MayTransfer: true}), "POST", "/v1/transfers/invite",
		invitation).want(201)
}

func TestDismissedStaysUnapprovedUntilDeleted(t *testing.T) {
	r := newRig(t, Options{})
	r.alias()
	alias := r.person(r.d.AliasEmail)
	id := r.do("POST", "/v1/transfers/invite", invitation).id()
	r.as(alias, "PUT", "/api/transfers/"+id+"/dismiss", `{}`).want(200)
	d := r.do("GET", "/v1/transfers/"+id, "").object()
	if d["status"] != "unapproved" || d["dismissed"] != true || d["accepted"] != nil {
		t.Fatalf("%v", d)
	}
	r.as(alias, "PUT", "/v1/transfers/"+id+"/accept", `{}`).refused(422, "", "")
	r.do("PUT", "/v1/transfers/"+id+"/cancel", "").refused(422, "", "")
	r.do("POST", "/v1/transfers/invite", invitation).refused(422, "", transferPending)
	r.do("DELETE", "/v1/transfers/"+id, "").empty()
	r.do("GET", "/v1/transfers", "").empty()
	r.do("DELETE", "/v1/transfers/"+id, "").refused(404, "", "")
	r.do("POST", "/v1/transfers/invite", invitation).want(201)
}

func TestCancelWorksUntilStarted(t *testing.T) {
	r := newRig(t, Options{SettleAfter: time.Hour})
	r.alias()
	id := r.do("POST", "/v1/transfers/invite", invitation).id()
	r.act(Action{Do: "accept_transfer", Email: r.d.AliasEmail})
	r.do("DELETE", "/v1/transfers/"+id, "").refused(422, "", "") // in progress
	r.do("PUT", "/v1/transfers/"+id+"/cancel", `{}`).want(200)
	r.clock.Add(2 * time.Hour)
	if s := r.d.Account.Snapshot(); s.Owner.Email != r.d.OwnerEmail || s.Transfers[0].Status != "canceled" {
		t.Fatalf("%+v", s.Transfers)
	}
	r.do("DELETE", "/v1/transfers/"+id, "").empty()
	id = r.do("POST", "/v1/transfers/invite", invitation).id()
	r.act(Action{Do: "accept_transfer", Email: r.d.AliasEmail})
	r.clock.Add(31 * time.Minute)
	r.do("PUT", "/v1/transfers/"+id+"/cancel", `{}`).refused(422, "", "")
}

func TestTargetThatBecomesUnfitFailsTheTransfer(t *testing.T) {
	r := newRig(t, Options{SettleAfter: time.Hour})
	r.alias()
	id := r.do("POST", "/v1/transfers/invite", invitation).id()
	r.act(Action{Do: "accept_transfer", Email: r.d.AliasEmail})
	r.act(Action{Do: "disable_user", Email: r.d.AliasEmail})
	r.clock.Add(time.Hour)
	d := r.do("GET", "/v1/transfers/"+id, "").object()
	if d["status"] != "failed" || len(d["transferErrors"].([]any)) != 1 {
		t.Fatalf("%v", d)
	}
	if r.d.Account.Snapshot().Owner.Email != r.d.OwnerEmail {
		t.Fatal("the owner changed all the same")
	}
}

func TestAcceptIsRefusedOnceTheTargetJoinedAnotherOrganisation(t *testing.T) {
	r := newRig(t, Options{})
	r.alias()
	id := r.do("POST", "/v1/transfers/invite", invitation).id()
	r.act(Action{Do: "join_organization", Email: r.d.AliasEmail})
	r.as(r.person(r.d.AliasEmail), "PUT", "/v1/transfers/"+id+"/accept", `{}`).refused(422, "", severalOrganizations)
	if _, err := r.s.Act(Action{Do: "accept_transfer", Email: r.d.AliasEmail}); err == nil {
		t.Fatal("the page accepts what the API refuses")
	}
}

func TestIntegrationTransferMovesWhatIsNotShared(t *testing.T) {
	r := newRig(t, Options{})
	other := r.s.AddAccount(Account{OwnerEmail: "owner@other.example", OwnerName: "Olga", Company: "Other"})
	shared := fmt.Sprintf(`{"email":"owner@other.example","_integrationIds":[%q]}`,
		r.d.Integrations["Orders to NetSuite"])
	r.do("POST", "/v1/transfers/invite", shared).refused(422, "",
		"An integration that uses a connection shared with another integration cannot be transferred.")
	payroll := r.d.Integrations["Payroll export"]
	preview := r.do("GET", `/v1/transfers/preview?email=owner@other.example&_integrationIds=["`+payroll+`"]`,
		"").want(200).object()
	if len(preview["flows"].([]any)) != 1 || len(preview["connections"].([]any)) != 1 {
		t.Fatalf("%v", preview)
	}
	r.do("GET", `/v1/transfers/preview?email=owner@other.example&_integrationIds=nope`, "").refused(400, "", "")
	r.do("POST", "/v1/transfers/invite", fmt.Sprintf(`{"email":"ana@acme.example","_integrationIds":[%q]}`,
		payroll)).refused(422, "", "")
	id := r.do("POST", "/v1/transfers/invite", fmt.Sprintf(`{"email":"owner@other.example","_integrationIds":[%q]}`,
		payroll)).want(201).id()

	theirs := other.Production().AddToken(Token{})
	if n := len(r.as(theirs, "GET", "/v1/transfers", "").list()); n != 1 {
		t.Fatalf("the receiver sees %d transfers", n)
	}
	r.as(theirs, "PUT", "/v1/transfers/"+id+"/accept", `{}`).want(200)
	if n := len(r.as(theirs, "GET", "/v1/flows?_integrationId="+payroll, "").list()); n != 1 {
		t.Fatalf("%d flows arrived", n)
	}
	r.do("GET", "/v1/integrations/"+payroll, "").refused(404, "", "")
}
