package post

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wneessen/go-mail"
	"go.uber.org/goleak"

	"github.com/keyholder/keyholder/workflows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// postbox is a mail server on loopback that misbehaves as it is told.
type postbox struct {
	url string

	mu    sync.Mutex
	mails []string
	does  map[string]string // by SMTP verb: what it answers; "hang" and "break" do that
}

func newPostbox(t *testing.T) *postbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &postbox{url: "smtp://" + l.Addr().String(), does: map[string]string{}}
	ended := make(chan struct{})
	var all sync.WaitGroup
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { b.serve(c, ended) })
		}
	}()
	t.Cleanup(func() { close(ended); _ = l.Close(); all.Wait() })
	return b
}

func (b *postbox) serve(c net.Conn, ended chan struct{}) {
	defer c.Close()
	r := bufio.NewReader(c)
	say := func(s string) { fmt.Fprintf(c, "%s\r\n", s) }
	say("220 postbox ready")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " x")[0])
		answer := "250 ok"
		b.mu.Lock()
		does, told := b.does[verb]
		b.mu.Unlock()
		switch {
		case does == "hang":
			<-ended
			return
		case does == "break":
			return
		case told:
			say(does)
			continue
		case verb == "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				l, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				text.WriteString(l)
			}
			b.mu.Lock()
			b.mails = append(b.mails, text.String())
			lost := b.does["."]
			b.mu.Unlock()
			if lost == "break" { // taken, and the answer is lost
				return
			}
		case verb == "QUIT":
			say("221 bye")
			return
		}
		say(answer)
	}
}

func (b *postbox) set(verb, does string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.does[verb] = does
}

func (b *postbox) got() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.mails...)
}

type freeLease struct{}

func (freeLease) Hold(context.Context) error { return nil }

func make1(t *testing.T, o Options) *Post {
	t.Helper()
	o.Now = func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }
	if o.From == "" {
		o.From = "keyholder@acme.example"
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// deliver delivers a call with the time that any has.
func deliver(p *Post, call workflows.Call) workflows.Outcome {
	return deliverWithin(p, call, workflows.CallTimeout)
}

// deliverWithin is for what has no answer, so that nothing is waited for that cannot come.
func deliverWithin(p *Post, call workflows.Call, patience time.Duration) workflows.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.Deliver(ctx, workflows.Claim{Effect: workflows.Effect{ID: "e01-1/3/0", Call: &call}}, freeLease{})
}

var (
	theLetter = workflows.Call{Op: workflows.OpLetter, Account: "acme", Email: "celigo@acme.example",
		Input: map[string]string{"UANA": "Ana Ruiz", "UBEN": "Ben\r\n    Eve: hahahaha"}}
	theAlarm = workflows.Alarm{Kind: "misuse", Account: "acme", Name: "Acme\nProduction", Workflow: "u01-1",
		Text:  "The key was misused.",
		Steps: []string{"Change the password."}, At: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
)

var wordLine = regexp.MustCompile(`(?m)^    ([^:]+(?:: hahahaha)?): ([a-z]{10})\r?$`)

func TestALetterHasAWordForEachHolderThatHoldsForThemOnly(t *testing.T) {
	b := newPostbox(t)
	p := make1(t, Options{MailURL: b.url, Names: map[string]string{"acme": "Acme Production"}})
	out := deliver(p, theLetter)
	if !out.Done || out.Receipt == nil || !out.Receipt.OK || len(out.Receipt.Letter.Words) != 2 {
		t.Fatalf("%+v", out)
	}
	mails := b.got()
	if len(mails) != 1 || !strings.Contains(mails[0], "To: <celigo@acme.example>") || !strings.Contains(mails[0],
		"Acme Production") {
		t.Fatalf("handed in: %q", mails)
	}
	words := map[string]string{}
	for _, m := range wordLine.FindAllStringSubmatch(mails[0], -1) {
		words[m[1]] = m[2]
	}
	ana, ben := words["Ana Ruiz"], words["Ben Eve: hahahaha"]
	if ana == "" || ben == "" || ana == ben {
		t.Fatalf("words %v in\n%s", words, mails[0])
	}
	hashes := out.Receipt.Letter.Words
	if !hashes["UANA"].Holds("UANA", ana) || hashes["UANA"].Holds("UANA", ben) || hashes["UBEN"].Holds("UANA", ana) {
		t.Error("a word proves for another person, or not for its own")
	}
	raw, err := json.Marshal(out.Receipt)
	if err != nil || strings.Contains(string(raw), ana) {
		t.Errorf("the receipt holds the word itself: %s, %v", raw, err)
	}
}

func TestWhatAMailServerDoesDecidesWhetherToTryAgain(t *testing.T) {
	for name, c := range map[string]struct {
		verb, does     string
		again, refused bool
	}{
		"refuses the mailbox for good":      {"RCPT", "550 no such mailbox", false, true},
		"is full":                           {"RCPT", "452 mailbox full", true, false},
		"hangs":                             {"MAIL", "hang", true, false},
		"breaks off before the text":        {"DATA", "break", true, false},
		"takes the letter and breaks off":   {".", "break", true, false},
		"does not take mail from us":        {"MAIL", "553 not from you", false, true},
		"breaks off at the greeting's word": {"EHLO", "break", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newPostbox(t)
			b.set(c.verb, c.does)
			if c.verb == "EHLO" {
				b.set("HELO", c.does)
			}
			patience := workflows.CallTimeout
			if c.does == "hang" {
				patience = time.Second
			}
			out := deliverWithin(make1(t, Options{MailURL: b.url}), theLetter, patience)
			if out.Again != c.again || out.Refused != c.refused || out.Done {
				t.Errorf("%+v", out)
			}
			if out.Err == nil || strings.Contains(out.Err.Error(), "127.0.0.1") || strings.Contains(out.Err.Error(),
				"celigo") {
				t.Errorf("the error says %v", out.Err)
			}
		})
	}
	if out := deliver(make1(t, Options{MailURL: "smtp://127.0.0.1:1"}), theLetter); !out.Again {
		t.Errorf("nobody listens: %+v", out)
	}
	if out := deliver(make1(t, Options{}), theLetter); !out.Refused {
		t.Errorf("no mail: %+v", out)
	}
}

func TestMailGoesOverTLSButForLoopback(t *testing.T) {
	for address, want := range map[string]string{
		"smtp://mail.acme.example:587":              mail.TLSMandatory.String(),
		"smtp://user:pw@mail.acme.example":          mail.TLSMandatory.String(),
		"smtp://10.0.0.1":                           mail.TLSMandatory.String(),
		"smtp://localhost.acme.example":             mail.TLSMandatory.String(),
		"smtp://127.0.0.1:1025":                     mail.TLSOpportunistic.String(),
		"smtp://[::1]:1025":                         mail.TLSOpportunistic.String(),
		"smtps://user:pw@mail.acme.example:465":     "",
		"https://mail.acme.example":                 "no",
		"mail.acme.example:465":                     "no",
		"smtps://":                                  "no",
		"smtps://user:p%ZZw@mail.acme.example":      "no",
		"smtp://mail.acme.example:99999":            "no",
		"smtp://mail.acme.example/?tls=skip-verify": "no",
	} {
		m, err := parseMail(address)
		if want == "no" {
			if err == nil || strings.Contains(err.Error(), "acme") {
				t.Errorf("%s: %v", address, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		c, err := mail.NewClient(m.host, m.opts...)
		if err != nil {
			t.Fatal(err)
		}
		if want != "" && c.TLSPolicy() != want {
			t.Errorf("%s: %s, want %s", address, c.TLSPolicy(), want)
		}
	}
}

func TestCheckReachesTheServerAndHandsNothingIn(t *testing.T) {
	b := newPostbox(t)
	p := make1(t, Options{MailURL: b.url})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := p.CheckMail(ctx); err != nil || len(b.got()) != 0 {
		t.Errorf("%v, %d mails", err, len(b.got()))
	}
	if err := p.SendTest(ctx, "dee@acme.example"); err != nil || len(b.got()) != 1 {
		t.Errorf("%v, %d mails", err, len(b.got()))
	}
	if err := make1(t, Options{}).SendTest(ctx, "dee@acme.example"); err == nil {
		t.Error("a test letter without mail")
	}
}

func TestAnAlarmByMailHasTheSameIDTwice(t *testing.T) {
	b := newPostbox(t)
	p := make1(t, Options{MailURL: b.url, AlarmTo: []string{"soc@acme.example", "it@acme.example"}})
	for range 2 {
		if out := deliver(p, workflows.Call{Op: workflows.OpAlarmMail, Alarm: &theAlarm}); !out.Done {
			t.Fatalf("%+v", out)
		}
	}
	id := regexp.MustCompile(`(?m)^Message-ID: (.*)$`)
	mails := b.got()
	one, two := id.FindString(mails[0]), id.FindString(mails[1])
	if one == "" || one != two {
		t.Errorf("%q and %q", one, two)
	}
	for _, want := range []string{"soc@acme.example", "it@acme.example", "1. Change the password.", "Acme Production"} {
		if !strings.Contains(mails[0], want) {
			t.Errorf("the mail lacks %q:\n%s", want, mails[0])
		}
	}
}

func TestTheWebhookGetsSignedJSON(t *testing.T) {
	var body []byte
	var header http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
	}))
	defer srv.Close()
	p := make1(t, Options{Webhook: srv.URL + "/s3cret", WebhookSecret: "k"})
	defer p.http.CloseIdleConnections()
	if out := deliver(p, workflows.Call{Op: workflows.OpAlarmHook, Alarm: &theAlarm}); !out.Done {
		t.Fatalf("%+v", out)
	}
	if header.Get(SignatureHeader) != Sign("k", body) || header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", header)
	}
	want := `{"schema":1,"id":"e01-1/3/0","kind":"misuse","account":"acme","workflow":"u01-1","at":"2026-03-02T08:00:00Z",` +
		`"text":"The key was misused.","steps":["Change the password."]}`
	if !bytes.Equal(body, []byte(want)) {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

func TestWhatAWebhookDoesDecidesWhetherToTryAgain(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, c := range map[string]struct {
		handler                 http.HandlerFunc
		again, refused, limited bool
		after                   time.Duration
	}{
		"away for maintenance": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(503)
		}, true, false, false, 0},
		"gone": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(410)
		}, false, true, false, 0},
		"elsewhere": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(302)
		}, false, true, false, 0},
		"busy": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(429)
		},
			true, false, true, 7 * time.Second},
		"busy for a year": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "31536000")
			w.WriteHeader(429)
		},
			true, false, true, time.Hour},
		"busy until nobody knows": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "soon")
			w.WriteHeader(429)
		},
			true, false, true, time.Second},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the client has gone
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, true, false, false, 0},
		"breaks off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true, false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(c.handler)
			defer srv.Close()
			p := make1(t, Options{Webhook: srv.URL + "/s3cret"})
			defer p.http.CloseIdleConnections()
			patience := workflows.CallTimeout
			if name == "hangs" {
				patience = time.Second
			}
			out := deliverWithin(p, workflows.Call{Op: workflows.OpAlarmHook, Alarm: &theAlarm}, patience)
			if out.Again != c.again || out.Refused != c.refused || out.Limited != c.limited || out.After != c.after {
				t.Errorf("%+v", out)
			}
			if out.Err == nil || strings.Contains(out.Err.Error(), "s3cret") {
				t.Errorf("the error says %v", out.Err)
			}
		})
	}
}
