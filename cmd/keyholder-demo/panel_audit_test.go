package main

import (
	"fmt"
	"testing"
	"time"
)

// The panel acts in the name of whom one chose, and integrator.io's own log says so.
func TestThePanelActsAsWhomOneChose(t *testing.T) {
	s := prepare(t, options{})
	for _, c := range []struct {
		body, by, event, user string
		code                  int
	}{
		{`{"do":"change_role","email":"ben@acme.example","role":"manage","by":"dee@acme.example"}`, "dee@acme.example",
			"update", "ben@acme.example", 200},
		{`{"do":"change_role","email":"ben@acme.example","role":"monitor"}`, ownerEmail, "update", "ben@acme.example",
			200},
		{`{"do":"add_user","email":"new@acme.example","role":"custom","status":"pending","by":"kofi@acme.example","integrations":[{"_integrationId":"` +
			s.info.Integrations["Orders to NetSuite"] + `","accessLevel":"manage"}]}`, "kofi@acme.example", "create",
			"new@acme.example", 200},
		// she is no administrator
		{`{"do":"remove_user","email":"ben@acme.example","by":"ana@acme.example"}`, "kofi@acme.example", "create",
			"new@acme.example", 422},
		{`{"do":"remove_user","email":"ben@acme.example","by":"nobody@acme.example"}`, "kofi@acme.example", "create",
			"new@acme.example", 422},
		{`{"do":"remove_user","email":"ben@acme.example","by":"raj@acme.example"}`, "raj@acme.example", "delete",
			"ben@acme.example", 200},
	} {
		if code, body := s.panelPost("/act", c.body); code != c.code {
			t.Fatalf("%s: %d %s", c.body, code, body)
		}
		newest := s.panelState().World[0].Audit[0]
		if newest.By != c.by || newest.Event != c.event || newest.User != c.user || newest.Source != "ui" {
			t.Errorf("after %s the log shows %+v", c.body, newest)
		}
	}
}

// What a review of the demo account finds is there at every start, by the demo's own time.
func TestTheDemoAccountIsWorthAReview(t *testing.T) {
	s := prepare(t, options{})
	now, world := s.clock.Now(), s.panelState().World[0]
	found := map[string]int{}
	for _, u := range world.Environments[0].Users {
		since := now.Sub(u.LastSignIn)
		long := since > 90*24*time.Hour
		admin := u.Role == "administrator"
		for what, is := range map[string]bool{
			"never came": u.Status == "accepted" && u.LastSignIn.IsZero(), "away for long": u.Status == "accepted" &&
				!u.LastSignIn.IsZero() && long,
			"administrator, nothing required": admin && !u.MFARequired && !u.SSORequired,
			"administrator, away":             admin && since > 30*24*time.Hour,
			"waits":                           u.Status == "pending", "switched off": u.Status == "disabled",
			"foreign": u.Status == "accepted" &&
				u.Role == "manage" && u.Email == "vera@partner.example",
		} {
			if is {
				found[what]++
			}
		}
	}
	if len(found) != 7 || len(world.Environments[0].Users) != 12 || len(world.Environments[1].Users) < 5 ||
		len(world.Tokens) < 5 || len(world.Audit) < 20 {
		t.Errorf("found %v among %d users, %d in the sandbox, %d tokens, %d entries", found,
			len(world.Environments[0].Users), len(world.Environments[1].Users), len(world.Tokens), len(world.Audit))
	}
	for i, e := range world.Audit {
		if e.By == "" || e.Time.After(now) || (e.ResourceType == "user" && e.User == "") ||
			(i > 0 && e.Time.After(world.Audit[i-1].Time)) {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
}

// offers waits until a select of the panel is drawn with an option, or without it, so that no click
// falls between two drawings.
func (p *page) offers(name, option string, want bool) {
	p.t.Helper()
	p.until("the select "+name+" to be drawn anew", func() bool {
		return ask[bool](p, script(
			fmt.Sprintf("(hit => Boolean(hit) && [...hit.e.options].some(o => o.text.includes(%s)))(find('combobox', %s, true))", quoted(option), quoted(name)))) == want
	})
}

func TestThePanelShowsTheAuditLogAndActsForOthersOnThePage(t *testing.T) {
	p := open(t, start(t, options{}))
	p.sees("Ask for a transfer") // the panel has its state, and hears clicks
	p.click("tab", "^integrator.io$")
	p.sees("ana@acme.example signed in")
	p.click("tab", "^Meddle$")
	p.choose("^Who acts$", "dee@acme.example")
	p.choose("^User$", "mia@acme.example")
	p.choose("^New role$", "monitor")
	p.click("button", "^Change role$")
	p.offers("^User$", "mia@acme.example (monitor)", true)
	p.choose("^User to remove$", "kofi@acme.example") // who was chosen to act stays chosen when the panel is drawn anew
	p.click("button", "^Remove user$")
	p.offers("^User to remove$", "kofi@acme.example", false)
	p.choose("^Who acts$", "ana@acme.example")
	p.choose("^Role$", "manage Shopify returns")
	p.click("button", "^Add user$")
	p.offers("^User to remove$", "new@acme.example", true)
	p.click("tab", "^integrator.io$")
	p.sees("ana@acme.example invited new@acme.example integrations: manage Shopify returns")
	p.sees("dee@acme.example removed kofi@acme.example")
	p.sees("dee@acme.example changed mia@acme.example role: manage → monitor")
	p.quiet()
}
