package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"
)

const (
	// mailEnv is the variable that names the demo's mail server in its configuration.
	mailEnv = "DEMO_MAIL_URL"
	// maxLetter bounds one letter, maxLetters how many are kept.
	maxLetter  = 256 << 10
	maxLetters = 200
	// mailPatience bounds how long one command of SMTP is waited for.
	mailPatience = 30 * time.Second
)

// letter is a mail that the bot sent and a mailbox took.
type letter struct {
	ID      int       `json:"id"`
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

// mailFault is a way for the mail server to misbehave.
type mailFault string

const (
	mailRefuses   mailFault = "refuses"    // 550 to every recipient
	mailBusy      mailFault = "busy"       // 451 to every recipient
	mailHangs     mailFault = "hangs"      // no word after the letter
	mailBreaksOff mailFault = "breaks off" // takes the letter and ends the connection without a word
	mailGone      mailFault = "gone"       // ends the connection before a greeting
)

// mailroom is a company's mail server on loopback: the bot's real way of sending letters ends here.
// It knows of SMTP (RFC 5321) what a sender without sign-in needs, and offers no TLS, which the bot
// does without on loopback alone.
type mailroom struct {
	listener net.Listener
	now      func() time.Time
	off      func(address string) bool // whether a mailbox is switched off

	mu      sync.Mutex
	letters []letter
	taken   int
	faults  []mailFault // of the next sessions, one each
	conns   map[net.Conn]bool
	closed  bool
	wg      sync.WaitGroup
}

// openMailroom listens on a port of loopback that is free.
func openMailroom(now func() time.Time, off func(string) bool) (*mailroom, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	m := &mailroom{listener: l, now: now, off: off, conns: map[net.Conn]bool{}}
	m.wg.Go(m.accept)
	return m, nil
}

// url is what the bot is told.
func (m *mailroom) url() string { return "smtp://" + m.listener.Addr().String() }

// misbehave makes the next sessions fail, one fault each.
func (m *mailroom) misbehave(faults ...mailFault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, faults...)
}

// all are the letters that were taken, oldest first.
func (m *mailroom) all() []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]letter{}, m.letters...)
}

// close ends every session and waits for them.
func (m *mailroom) close() {
	m.mu.Lock()
	m.closed = true
	for c := range m.conns {
		_ = c.Close()
	}
	m.mu.Unlock()
	_ = m.listener.Close()
	m.wg.Wait()
}

func (m *mailroom) accept() {
	for {
		conn, err := m.listener.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		if m.closed {
			_ = conn.Close()
		}
		m.conns[conn] = true
		var fault mailFault
		if len(m.faults) > 0 {
			fault, m.faults = m.faults[0], m.faults[1:]
		}
		m.mu.Unlock()
		m.wg.Go(func() {
			defer func() {
				_ = conn.Close()
				m.mu.Lock()
				delete(m.conns, conn)
				m.mu.Unlock()
			}()
			if fault != mailGone {
				(&mailSession{m: m, conn: conn, in: bufio.NewReader(conn), fault: fault}).serve()
			}
		})
	}
}

// mailSession is one sender being served.
type mailSession struct {
	m     *mailroom
	conn  net.Conn
	in    *bufio.Reader
	fault mailFault
	from  string
	to    []string
}

func (s *mailSession) say(line string) bool {
	_ = s.conn.SetDeadline(time.Now().Add(mailPatience))
	_, err := io.WriteString(s.conn, line+"\r\n")
	return err == nil
}

func (s *mailSession) serve() {
	ok := s.say("220 mail.acme.example ready")
	for ok {
		line, err := s.line()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			ok = s.say("250-mail.acme.example") && s.say("250 8BITMIME")
		case "HELO", "NOOP":
			ok = s.say("250 good")
		case "RSET":
			s.from, s.to = "", nil
			ok = s.say("250 good")
		case "MAIL":
			s.from, s.to = address(rest), nil
			ok = s.say("250 good")
		case "RCPT":
			ok = s.recipient(address(rest))
		case "DATA":
			ok = s.data()
		case "QUIT":
			s.say("221 good-bye")
			return
		default:
			ok = s.say("502 not here")
		}
	}
}

func (s *mailSession) line() (string, error) {
	line, err := s.in.ReadString('\n')
	if len(line) > 4096 {
		return "", errors.New("a line of SMTP is too long")
	}
	return strings.TrimRight(line, "\r\n"), err
}

// address takes it out of FROM:<...> and TO:<...>.
func address(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return strings.TrimSpace(s)
}

func (s *mailSession) recipient(to string) bool {
	switch {
	case s.fault == mailRefuses || s.m.off(to):
		return s.say("550 5.1.1 there is no such mailbox")
	case s.fault == mailBusy:
		return s.say("451 4.3.0 later, please")
	case to == "":
		return s.say("501 5.1.3 that is no address")
	}
	s.to = append(s.to, to)
	return s.say("250 good")
}

func (s *mailSession) data() bool {
	if len(s.to) == 0 {
		return s.say("503 5.5.1 to whom?")
	}
	if !s.say("354 go on") {
		return false
	}
	var raw strings.Builder
	for {
		line, err := s.line()
		if err != nil || raw.Len() > maxLetter {
			return false
		}
		if line == "." {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, ".") + "\r\n") // RFC 5321, 4.5.2
	}
	s.m.take(s.from, s.to, raw.String())
	switch s.fault {
	case mailBreaksOff:
		return false
	case mailHangs:
		_, _ = s.line() // until the other side gives up
		return false
	}
	return s.say("250 2.0.0 taken")
}

// take puts a letter into the mailboxes.
func (m *mailroom) take(from string, to []string, raw string) {
	out := letter{From: from, To: to, Text: raw, At: m.now()}
	if msg, err := mail.ReadMessage(strings.NewReader(raw)); err == nil {
		words := mime.WordDecoder{}
		if out.Subject, err = words.DecodeHeader(msg.Header.Get("Subject")); err != nil {
			out.Subject = msg.Header.Get("Subject")
		}
		body := msg.Body
		if strings.EqualFold(msg.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		if text, err := io.ReadAll(io.LimitReader(body, maxLetter)); err == nil {
			out.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken++
	out.ID = m.taken
	if m.letters = append(m.letters, out); len(m.letters) > maxLetters {
		m.letters = m.letters[1:]
	}
}
