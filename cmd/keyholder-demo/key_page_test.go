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

// A use that nobody is asked about, a drill without a letter, and a recovery that nothing brings to a
// good end: what the account of the demo, which has mail and a quorum, does not show.
func TestWithoutMailAndWithoutAQuestionTheKeyIsUsedAndTriedOnThePage(t *testing.T) {
	s := start(t, options{edit: func(yaml string) string {
		return strings.Replace(withoutMail(yaml), "quorum: 1}", "quorum: 0}", 1)
	}})
	p := open(t, s)
	p.actAs("Cat Ito")
	p.room("integration-ops")
	p.said("/io key acme use")
	p.typed("^What for", "Rotate the SSO certificate")
	p.click("button", "^Ask$")
	p.chat()
	p.find("button", "^Bring it back…$")
	p.shot("key-unasked")
	p.click("button", "^Bring it back…$")
	p.typed("^What you did", "New certificate")
	p.choose("^Was the password changed", "No")
	p.click("button", "^It is back$")
	p.presses("Ben Novak", "^It was planned$", false)
	p.sees("found that the use by")

	p.actAs("Dee Okafor")
	p.room("integration-ops")
	p.said("/io key acme drill")
	p.presses("Ben Novak", "^I can read the mailbox$", true)
	p.actAs("Ana Silva")
	p.chat()
	p.sees("Your turn")
	p.shot("drill-attest")
	p.click("button", "^I can do both$")
	p.sure()
	p.actAs("Ben Novak")
	p.chat()
	p.sees("Your turn")
	p.click("button", "^I signed in as the owner$")
	p.sure()
	p.presses("Cat Ito", "^I cannot$", true)
	p.actAs("Dee Okafor")
	p.chat()
	p.sees("can be used by two people or more")
	p.shot("drill-attested")

	p.reports("Oli Brandt", "password is lost")
	p.presses("Ben Novak", "^I can open it$", true)
	p.blocked("Ben Novak", "The mail never comes")
	for _, name := range []string{"Ana Silva", "Ben Novak"} {
		p.presses(name, "^Approve$", true)
		p.sees("1 of 2 approvals|Approved. Until")
	}
	p.click("button", "^\\+1 hour$")
	p.blocked("Dee Okafor", "The domain is sold")
	p.actAs("Cat Ito")
	p.chat()
	p.sees("Send this ticket to Celigo support")
	p.shot("recovery-ticket-rung")
	p.click("button", "^Go on without this$")
	p.sure()
	p.actAs("Oli Brandt")
	p.chat()
	p.sees("could not be regained here")
	p.sees("by Dee Okafor: The domain is sold")
	p.shot("recovery-ticket")
	p.quiet()
}

// blocked says of the rung on somebody's card that it does not work, and why.
func (p *page) blocked(name, why string) {
	p.t.Helper()
	p.presses(name, "^It does not work…$", false)
	p.typed("^Why", why)
	p.click("button", "^(Send|It does not work|Go on|Say so)$")
}
