package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"strings"
	"testing"
	"time"
)

const drillLetter = "From: keyholder@acme.example\r\nTo: celigo@acme.example\r\nSubject: =?UTF-8?q?Your_word_=E2=80=93_a_drill?=\r\n" +
	"Content-Transfer-Encoding: quoted-printable\r\n\r\nAna Silva: lodari=\r\nmuke\r\n.\r\nBen: =E2=9C=93\r\n"

func post(s *stage, to ...string) error {
	return smtp.SendMail(strings.TrimPrefix(s.mail.url(), "smtp://"), nil, "keyholder@acme.example", to,
		[]byte(drillLetter))
}

func TestLettersArriveInTheMailboxAndInThePanel(t *testing.T) {
	s := prepare(t, options{})
	if err := post(s, aliasEmail); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.panel().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/state", nil))
	var state panelState
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil {
		t.Fatal(err)
	}
	if len(state.Letters) != 1 {
		t.Fatalf("%+v", state.Letters)
	}
	l := state.Letters[0]
	if l.From != "keyholder@acme.example" || l.To[0] != aliasEmail || l.Subject != "Your word – a drill" ||
		!strings.Contains(l.Text, "Ana Silva: lodarimuke\n") ||
		!strings.Contains(l.Text, "\n.\nBen: ✓") || l.At.IsZero() {
		t.Errorf("%+v", l)
	}
	if u := s.cfg.Secrets.MailURL; u != s.mail.url() || s.cfg.Mail.From == "" {
		t.Errorf("the bot is told %q", u)
	}
}

func TestAMailboxThatIsOffTakesNoLettersAndOthersDo(t *testing.T) {
	s := prepare(t, options{})
	if code, body := s.panelPost("/act", `{"do":"mailbox_off","email":"`+aliasEmail+`"}`); code != http.StatusOK {
		t.Fatal(body)
	}
	if err := post(s, aliasEmail); err == nil || !strings.Contains(err.Error(), "550") {
		t.Errorf("an off mailbox: %v", err)
	}
	if err := post(s, "security@acme.example"); err != nil {
		t.Error(err)
	}
	if code, body := s.panelPost("/act", `{"do":"mailbox_on","email":"`+aliasEmail+`"}`); code != http.StatusOK {
		t.Fatal(body)
	}
	if err := post(s, aliasEmail); err != nil || len(s.mail.all()) != 2 {
		t.Errorf("%v, %d letters", err, len(s.mail.all()))
	}
}

func TestTheMailServerMisbehavesAsItIsTold(t *testing.T) {
	s := prepare(t, options{})
	for fault, kept := range map[mailFault]int{mailRefuses: 0, mailBusy: 0, mailBreaksOff: 1, mailGone: 0} {
		before := len(s.mail.all())
		s.mail.misbehave(fault)
		if err := post(s, aliasEmail); err == nil {
			t.Errorf("%s: sent", fault)
		}
		s.until("the letter of "+string(fault), func() bool { return len(s.mail.all()) == before+kept })
		if err := post(s, aliasEmail); err != nil {
			t.Errorf("after %s: %v", fault, err)
		}
	}
	s.mail.misbehave(mailHangs)
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.mail.url(), "smtp://"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("EHLO x\r\nMAIL FROM:<a@acme.example>\r\nRCPT TO:<" + aliasEmail +
		">\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n")); err != nil {
		t.Fatal(err)
	}
	n := len(s.mail.all())
	s.until("the letter that gets no answer", func() bool {
		return len(s.mail.all()) > n-1 && s.mail.all()[len(s.mail.all())-1].Subject == "x"
	})
}
