package main

import (
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows/authenticator"
)

// TestAnAuthenticatorAppIsSetUpOnThePage sets Ana's app up and uses it with nothing but the page:
// the form, the picture, the panel's own app.
func TestAnAuthenticatorAppIsSetUpOnThePage(t *testing.T) {
	s := start(t, byCodes())
	s.accepted()
	s.request(dee, toAlias())
	s.until("ana's button", func() bool { _, _, ok := s.button(ana, "transfer.confirm"); return ok })
	p := open(t, s)
	p.actAs("Ana Silva")
	p.chat()
	s.slash(ana, "step-up")
	p.sees("Or type this key into the app")
	p.shot("totp-form")
	m := keyShown.FindStringSubmatch(string(s.openForm(ana).Blocks))
	if m == nil {
		t.Fatal("the form shows no key")
	}
	key := strings.TrimSpace(m[1])
	p.typed("^The code that the app shows now", phone{secret: key}.shows(t, -1))
	p.click("button", "^Set up$")
	p.sees("This file was deleted")
	p.sees("An authenticator app was set up in your name")
	s.forward(authenticator.CountsAfter + time.Minute)
	p.sees("The codes of your authenticator app count")
	p.shot("totp-set-up")
	p.click("button", "^Confirm$")
	p.sees("Before this counts, type the code")
	p.shot("totp-code")
	p.typed("^Code", phone{secret: key}.shows(t, 0))
	p.click("button", "^Decide$")
	p.sees("Recorded, with proof by one-time code")
	p.shot("totp-decided")
	p.quiet()
}
