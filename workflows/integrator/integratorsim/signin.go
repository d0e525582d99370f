package integratorsim

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// resetLife is how long a link to choose a new password is good. Celigo names no time; an hour is usual.
const resetLife = time.Hour

// forgotPassword sends the link by which whoever reads the mailbox chooses a new password. The page
// says the same whether the address is known or not, so an unknown one is no error and sends
// nothing.
func (x *scene) forgotPassword() (Result, error) {
	if !validEmail(x.Email) {
		return Result{}, fmt.Errorf("%q is not an e-mail address", x.Email)
	}
	p := x.s.world.personByEmail(x.Email)
	if p == nil || !p.SignedUp {
		return Result{}, nil
	}
	x.s.send(Mail{Kind: "password_reset", To: p.Email, Account: x.acct.ID, Ref: p.ID,
		Subject: "Request to reset your integrator.io password",
		Text: "Somebody asked to reset the password of " + p.Email +
			". Follow the link within an hour to choose a new one. If it was not you, do nothing.",
		Follow: &Action{Do: "reset_password", Account: x.acct.ID, Email: p.Email}})
	return Result{ID: p.ID}, nil
}

// resetPassword follows the newest link of forgot_password, which is good once.
func (x *scene) resetPassword() (Result, error) {
	p, err := x.person()
	if err != nil {
		return Result{}, err
	}
	mails, now := x.s.world.Mails, x.s.opts.Now()
	for i := len(mails) - 1; i >= 0; i-- {
		m := &mails[i]
		if m.Kind != "password_reset" || m.Ref != p.ID || m.Bounced {
			continue
		}
		switch {
		case m.Used:
			return Result{}, errors.New("the link was used already: ask for a new one with forgot_password")
		case now.Sub(m.At) > resetLife:
			return Result{}, errors.New("the link is older than an hour: ask for a new one with forgot_password")
		}
		m.Used = true
		x.acct.audit(x.s, auditEntry{ResourceType: "user", ResourceID: p.ID, Source: "ui", Event: "update",
			ByUser:       p.identity(),
			FieldChanges: []fieldChange{{"password", masked, masked}}, EnvID: x.env.ID, Subject: p.Email}, now)
		return Result{ID: p.ID}, nil
	}
	return Result{}, fmt.Errorf("no mail with a link reached %s: forgot_password comes first: %w", x.Email, errNoSuch)
}

// mailbox switches a mailbox off or on: what is sent to one that is off does not arrive, and is not
// sent again later. It need not be of anybody.
func (x *scene) mailbox(on bool) (Result, error) {
	if !validEmail(x.Email) {
		return Result{}, fmt.Errorf("%q is not an e-mail address", x.Email)
	}
	box := strings.ToLower(strings.TrimSpace(x.Email))
	if on {
		delete(x.s.world.Closed, box)
	} else {
		x.s.world.Closed[box] = true
	}
	return Result{}, nil
}

// MailboxOff reports whether a mailbox is switched off.
func (s *Server) MailboxOff(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.Closed[strings.ToLower(strings.TrimSpace(address))]
}
