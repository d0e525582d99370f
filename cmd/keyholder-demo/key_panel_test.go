package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// shot keeps pictures, as a desk and as a phone show the page, where KEYHOLDER_TEST_PICTURES says, for
// whoever looks at the page.
func (p *page) shot(name string) {
	dir := os.Getenv("KEYHOLDER_TEST_PICTURES")
	if dir == "" {
		return
	}
	take := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), p.picture(), 0o600); err != nil {
			p.t.Error(err)
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		for size, w := range map[string]int64{"desk": 1280, "phone": 390} {
			p.do(chromedp.EmulateViewport(w, height))
			take(name + "-" + size + "-" + scheme)
			if size == "phone" && ask[bool](p, `!document.querySelector('dialog:modal')`) {
				p.click("button", "^Outside Slack$")
				take(name + "-panel-" + scheme)
				p.click("button", "^Close.*")
			}
		}
	}
	p.scheme("light")
	p.do(chromedp.EmulateViewport(width, height))
}

func TestTheOwnersSignInAndMailboxesAreInThePanel(t *testing.T) {
	s := start(t, options{})
	p := open(t, s)
	p.sees("Ask for a transfer")
	p.click("tab", "^Meddle$")
	p.shot("meddle")
	p.click("button", "^Sign in as the owner$")
	signIns := func() (n int) {
		for _, e := range s.account().Snapshot().Audit {
			if e.Event == "signin" && e.By == ownerEmail {
				n++
			}
		}
		return n
	}
	p.until("a sign-in", func() bool { return signIns() == 1 })
	before := s.clock.Now()
	p.click("button", "^Sign in at three at night$")
	p.until("a sign-in in the night", func() bool { return signIns() == 2 })
	if moved := s.clock.Now().Sub(before); moved <= 0 || moved.Hours() > 24.1 {
		t.Errorf("the time moved by %s", moved)
	}
	p.click("button", "^Forgot password\\?$")
	p.until("the link", func() bool { return len(s.integrator.Mails()) == 1 })
	if err := post(s, aliasEmail); err != nil {
		t.Fatal(err)
	}
	p.click("tab", "^integrator.io$")
	p.sees("Request to reset your integrator.io password")
	p.sees("Ana Silva: lodarimuke")
	p.sees("Raj, command line personal")
	p.shot("mail")
	p.click("button", "^Choose a new password$")
	p.until("the link to be used", func() bool { return s.integrator.Mails()[0].Used })
	p.click("tab", "^Meddle$")
	p.click("button", "^Switch the mailbox off: jane@acme.example$")
	p.until("the mailbox to be off", func() bool { return s.integrator.MailboxOff(ownerEmail) })
	p.click("tab", "^integrator.io$")
	p.sees("Nothing arrives here")
	p.shot("mailbox-off")
	p.quiet()
}

func TestNewTokensAreMadeInThePanel(t *testing.T) {
	s := start(t, options{})
	p := open(t, s)
	before := len(s.account().Snapshot().Tokens)
	p.click("tab", "^Meddle$")
	for i, name := range []string{"^One with full access$", "^A limited one$", "^A personal one$"} {
		p.click("button", name)
		p.until("the token to be there", func() bool { return len(s.account().Snapshot().Tokens) == before+i+1 })
	}
	p.click("tab", "^integrator.io$")
	p.sees("Warehouse loader")
	p.sees("Report reader")
	p.sees("Command line")
	p.shot("tokens")
	p.quiet()
}
