package main

import (
	"strings"
	"testing"
)

// reports fills the form of /io recover by mouse.
func (p *page) reports(name, what string) {
	p.t.Helper()
	p.actAs(name)
	p.room("integration-ops")
	p.said("/io recover")
	p.choose("^What happened", what)
	p.typed("^What do you know", "Nobody got in this morning")
	p.click("button", "^Report it$")
}

// presses presses a button on the newest card of somebody, and once more where it asks.
func (p *page) presses(name, button string, asks bool) {
	p.t.Helper()
	p.actAs(name)
	p.chat()
	p.click("button", button)
	if asks {
		p.sure()
	}
}

// swears says that a rung is done, and has somebody else see it and end the recovery.
func (p *page) swears(doer, other string) {
	p.t.Helper()
	p.presses(doer, "^It is done…$", false)
	p.typed("^How can somebody else see that", "I signed in at ten")
	p.click("button", "^(Send|It is done|Done|Say so)$")
	p.presses(other, "^I have seen it$", true)
	p.click("button", "^It is safe…$")
	p.click("button", "^End it$")
	p.until("the account to be free again", func() bool {
		return strings.Contains(p.slash(dee, "status acme"), "Open: nothing.")
	})
	p.sees("is regained")
}

// The person to whom the owner's address belongs, the password and the second factor, one after the
// other, each to its end; the mailbox has its tour.
func TestRecoveriesAreDoneOnThePage(t *testing.T) {
	p := open(t, start(t, options{}))
	p.reports("Dee Okafor", "person it belongs to")
	p.actAs("Ana Silva")
	p.chat()
	p.sees("Let them regain|Approve")
	p.shot("recovery-asking")
	p.presses("Jane Moreau", "^I can open it$", true)
	p.sees("To do now|Forgot password")
	p.shot("recovery-reset")
	p.swears("Jane Moreau", "Ana Silva")
	p.shot("recovery-regained")
	p.click("button", "^Hand it to the shared mailbox…$")
	p.find("button", "^Ask for it$")
	p.shot("recovery-transfer")
	if why := ask[string](p, script(`find('textbox', '^Why', true).e.value`)); !strings.Contains(why,
		"could not be signed in as") {
		t.Errorf("the form of the transfer says %q", why)
	}
	p.click("button", "^Back$")

	p.reports("Oli Brandt", "password is lost")
	p.presses("Ben Novak", "^I can open it$", true)
	p.click("tab", "^Meddle$")
	p.click("button", "^Forgot password\\?$")
	p.click("tab", "^integrator.io$")
	p.click("button", "^Choose a new password$")
	p.swears("Ben Novak", "Cat Ito")

	p.reports("Ana Silva", "second factor is lost")
	for _, name := range []string{"Ben Novak", "Cat Ito"} {
		p.presses(name, "^Approve$", true)
		p.sees("1 of 2 approvals|Approved. Until")
	}
	p.click("button", "^\\+1 hour$")
	p.sees("To do now")
	p.actAs("Dee Okafor")
	p.chat()
	p.find("button", "^It is done…$")
	p.shot("recovery-factor")
	p.swears("Dee Okafor", "Ben Novak")
	p.quiet()
}

// A use that others approve, with a sign-in that is seen in it; then a sign-in at night that is
// taken on and explained.
func TestTheKeyIsUsedAndASignInExplainedOnThePage(t *testing.T) {
	s := start(t, options{edit: watchful})
	s.watches()
	p := open(t, s)
	p.actAs("Ana Silva")
	p.room("integration-ops")
	p.said("/io key acme use")
	p.find("combobox", "^For how long")
	p.shot("key-form")
	p.typed("^What for", "Rotate the SSO certificate")
	p.click("button", "^Ask$")
	p.actAs("Ben Novak")
	p.chat()
	p.find("button", "^Approve$")
	p.shot("key-asking")
	p.click("button", "^Approve$")
	p.actAs("Ana Silva")
	p.chat()
	p.find("button", "^Bring it back…$")
	p.click("tab", "^Meddle$")
	p.click("button", "^Sign in as the owner$")
	p.sees("seen in integrator.io")
	p.shot("key-out")
	p.click("button", "^Bring it back…$")
	p.typed("^What you did", "New certificate")
	p.choose("^Was the password changed", "Yes")
	p.shot("key-back")
	p.click("button", "^It is back$")
	p.actAs("Cat Ito")
	p.chat()
	p.find("button", "^It was planned$")
	p.shot("key-explain")
	p.click("button", "^It was planned$")
	p.sees("planned")

	p.click("button", "^Sign in at three at night$")
	p.sees("Was it you who signed in as")
	p.shot("signin-asked")
	p.presses("Ana Silva", "^It was me…$", false)
	p.typed("^What for", "The certificate ran out")
	p.click("button", "^Record it$")
	p.presses("Ben Novak", "^It was an emergency$", false)
	p.actAs("Dee Okafor")
	p.room("integration-ops")
	p.said("/io key acme")
	p.sees("emergency")
	p.shot("key-status")
	p.quiet()
}
