package integratorsim

import (
	"strings"
	"time"
)

// Mail is a message that the service would have sent. Following its link is posting Follow to /_sim/act.
type Mail struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // invitation, transfer, transfer_done, password_reset
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Link    string    `json:"link,omitempty"` // a path of this server when Options.Public is empty
	Account string    `json:"account"`
	Ref     string    `json:"ref,omitempty"` // the ashare's or transfer's ID
	Follow  *Action   `json:"follow,omitempty"`
	Bounced bool      `json:"bounced,omitempty"` // the mailbox was off
	Used    bool      `json:"used,omitempty"`    // the link of a password_reset was followed
}

func (s *Server) send(m Mail) {
	m.ID, m.At = s.newID(), s.opts.Now()
	m.Bounced = s.world.Closed[strings.ToLower(m.To)]
	if m.Follow != nil {
		m.Link = s.opts.Public + "/_sim/mails/" + m.ID
	}
	s.world.Mails = append(s.world.Mails, m)
	if extra := len(s.world.Mails) - maxMails; extra > 0 {
		s.world.Mails = s.world.Mails[extra:]
	}
}

func company(a *account) string {
	if a.Owner.Company != "" {
		return a.Owner.Company
	}
	return domain(a.Owner.Email)
}

func (s *Server) mailInvitation(a *account, h *share, by *person) {
	do := "accept_invitation"
	if !h.Person.SignedUp {
		do = "sign_up"
	}
	theirs := "their"
	if by != a.Owner {
		theirs = a.Owner.Name + "'s"
	}
	s.send(Mail{Kind: "invitation", To: h.Person.Email, Account: a.ID, Ref: h.ID,
		Subject: "You have been invited to " + company(a) + " on integrator.io",
		Text:    by.Name + " (" + by.Email + ") has invited you to " + theirs + " account. Follow the link to accept.",
		Follow:  &Action{Do: do, Account: a.ID, Email: h.Person.Email}})
}

func (s *Server) mailTransfer(a *account, t *transfer) {
	m := Mail{Kind: "transfer", To: t.To.Email, Account: a.ID, Ref: t.ID, Subject: "Integration transfer from " +
		company(a),
		Text:   a.Owner.Name + " has invited you to take over some of their integrations.",
		Follow: &Action{Do: "accept_transfer", Account: a.ID, Email: t.To.Email, Transfer: t.ID}}
	if t.Account {
		m.Subject, m.Text = "Account ownership of "+company(a),
			a.Owner.Name+" has invited you to become the owner of their account."
	}
	s.send(m)
}

func (s *Server) mailDone(a *account, t *transfer) {
	m := Mail{Kind: "transfer_done", To: t.From.Email, Account: a.ID, Ref: t.ID,
		Subject: "Your integrations were transferred",
		Text:    t.To.Name + " (" + t.To.Email + ") accepted your transfer."}
	if t.Account {
		m.Subject = "Your account has a new owner"
		m.Text = t.To.Name + " (" + t.To.Email + ") is now the owner of the account. You now have Manager access."
	}
	s.send(m)
}

// Mails are what the service would have sent, oldest first.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail{}, s.world.Mails...)
}
