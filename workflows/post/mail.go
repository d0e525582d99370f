package post

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/keyholder/keyholder/workflows"
)

// mailServer is where mail is handed in.
type mailServer struct {
	host string
	opts []mail.Option
}

// parseMail reads smtps://user:password@host:465 and smtp://host:587. It names the fault without the
// address, which holds a password.
func parseMail(address string) (*mailServer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("it is no address as smtps://user:password@host:465")
	}
	m := &mailServer{host: u.Hostname(), opts: []mail.Option{mail.WithTimeout(workflows.CallTimeout)}}
	port := 0
	switch u.Scheme {
	case "smtps":
		port = 465
		m.opts = append(m.opts, mail.WithSSL())
	case "smtp":
		port = 587
		policy := mail.TLSMandatory
		if loopback(m.host) {
			policy = mail.TLSOpportunistic
		}
		m.opts = append(m.opts, mail.WithTLSPolicy(policy))
	default:
		return nil, errors.New("it must begin with smtps:// or smtp://")
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, errors.New("its port is no number from 1 to 65535")
		}
	}
	m.opts = append(m.opts, mail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		auth := mail.SMTPAuthAutoDiscover
		if u.Scheme == "smtp" && loopback(m.host) {
			auth = mail.SMTPAuthPlainNoEnc
		}
		m.opts = append(m.opts, mail.WithSMTPAuth(auth), mail.WithUsername(u.User.Username()),
			mail.WithPassword(password))
	}
	if _, err := mail.NewClient(m.host, m.opts...); err != nil {
		return nil, errors.New("it makes no mail client: host, port or user are not usable")
	}
	return m, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// send hands one message in. A server that takes it and does not say good-bye has taken it.
func (m *mailServer) send(ctx context.Context, msg *mail.Msg) error {
	client, err := mail.NewClient(m.host, m.opts...)
	if err != nil {
		return fmt.Errorf("make a mail client: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	defer client.Close() //nolint:errcheck // the message is in, or it is not; good-bye changes nothing
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	if err := client.Send(msg); err != nil {
		return fmt.Errorf("hand the mail in: %w", err)
	}
	return nil
}

// CheckMail reaches the mail server, with TLS and sign-in, and hands nothing in. Nil when no mail is
// configured.
func (p *Post) CheckMail(ctx context.Context) error {
	if p.mail == nil {
		return nil
	}
	client, err := mail.NewClient(p.mail.host, p.mail.opts...)
	if err != nil {
		return fmt.Errorf("make a mail client: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	return client.Close()
}

// SendTest sends one test letter.
func (p *Post) SendTest(ctx context.Context, to string) error {
	if p.mail == nil {
		return errors.New("send a test letter: no mail is configured (mail.url_env, mail.from)")
	}
	msg, err := p.message([]string{to}, "Keyholder: a test letter", strings.Join([]string{
		"Hello,", "", "this is the test letter that somebody asked Keyholder for with `keyholder check --mail`.",
		"It says that letters of drills and alarms can be sent. There is nothing to do.", ""}, "\n"))
	if err != nil {
		return err
	}
	return p.mail.send(ctx, msg)
}

// message is one plain-text mail.
func (p *Post) message(to []string, subject, text string) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := msg.From(p.o.From); err != nil {
		return nil, errors.New("mail.from is no e-mail address")
	}
	if err := msg.To(to...); err != nil {
		return nil, errors.New("an address to write to is no e-mail address")
	}
	msg.Subject(subject)
	msg.SetDateWithValue(p.o.Now())
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation notice answers it
	msg.SetBodyString(mail.TypeTextPlain, text)
	return msg, nil
}

// outcome turns what a mail server said into whether to try again.
func outcome(err error, receipt workflows.Receipt) workflows.Outcome {
	if err == nil {
		return done(receipt)
	}
	clean := errors.New(sentence(err))
	if permanent(err) {
		return refused(clean)
	}
	return workflows.Outcome{Again: true, Err: clean}
}

// permanent reports whether the server said no for good: a code of 500 or more.
func permanent(err error) bool {
	if send, is := errors.AsType[*mail.SendError](err); is && send.ErrorCode() >= 500 {
		return true
	}
	said, is := errors.AsType[*textproto.Error](err)
	return is && said.Code >= 500
}

// sentence says what failed by its kind alone: servers quote addresses and names.
func sentence(err error) string {
	if send, is := errors.AsType[*mail.SendError](err); is && send.ErrorCode() > 0 {
		return "the mail server answered " + strconv.Itoa(send.ErrorCode())
	}
	if said, is := errors.AsType[*textproto.Error](err); is {
		return "the mail server answered " + strconv.Itoa(said.Code)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "the mail server did not answer in time"
	}
	return "the mail server could not be reached, or broke off"
}

// letter draws a word for each holder and sends them all in one letter to the mailbox.
func (p *Post) letter(ctx context.Context, call workflows.Call) workflows.Outcome {
	if p.mail == nil {
		return refused(errors.New("no mail is configured"))
	}
	words, hashes, err := p.draw(call.Input)
	if err != nil {
		return workflows.Outcome{Again: true, Err: err}
	}
	name := p.o.Names[call.Account]
	if name == "" {
		name = call.Account
	}
	msg, err := p.message([]string{call.Email}, "Keyholder drill of "+line(name)+": your word",
		letterText(line(name), call, words))
	if err != nil {
		return refused(err)
	}
	return outcome(p.mail.send(ctx, msg), workflows.Receipt{Letter: &workflows.Letter{Words: hashes}})
}

func letterText(name string, call workflows.Call, words map[string]string) string {
	lines := []string{"Hello,", "",
		"this is a drill. Keyholder finds out who can still open this mailbox, " + call.Email + ", which is or may",
		"become the owner of " + name + " at integrator.io.", "",
		"Find your name below and type the word beside it on your card in Slack (\"Type the word\"):", ""}
	ids := make([]string, 0, len(words))
	for id := range words {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(call.Input[a]+a, call.Input[b]+b) })
	for _, id := range ids {
		lines = append(lines, "    "+line(call.Input[id])+": "+words[id])
	}
	return strings.Join(append(lines, "",
		"Type only your own. Each word holds for one person and for this drill. If there are two letters, the",
		"newer one counts. Keyholder never asks for a password, and there is no link to follow here.", ""), "\n")
}

// line is a name without what could begin another line.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }

// Words are five syllables: easy to read aloud and to type, and one in more than a thousand million.
const (
	consonants = "bdfgklmnprstvz"
	vowels     = "aeiou"
	syllables  = 5
)

// draw makes a word for each holder, no two alike, and what each is compared with later.
func (p *Post) draw(holders map[string]string) (words map[string]string, hashes map[string]workflows.WordHash,
	err error) {
	words, hashes = map[string]string{}, map[string]workflows.WordHash{}
	taken := map[string]bool{}
	for id := range holders {
		var w string
		for w == "" || taken[w] {
			if w, err = p.word(); err != nil {
				return nil, nil, err
			}
		}
		salt := make([]byte, 16)
		if _, err := io.ReadFull(p.o.Rand, salt); err != nil {
			return nil, nil, fmt.Errorf("draw a salt: %w", err)
		}
		taken[w] = true
		words[id], hashes[id] = w, workflows.MakeWordHash(id, w, salt)
	}
	return words, hashes, nil
}

func (p *Post) word() (string, error) {
	var b strings.Builder
	for range syllables {
		for _, letters := range []string{consonants, vowels} {
			i, err := p.below(len(letters))
			if err != nil {
				return "", err
			}
			b.WriteByte(letters[i])
		}
	}
	return b.String(), nil
}

// below is a random number from 0 to n-1, every one as likely as another.
func (p *Post) below(n int) (int, error) {
	var one [1]byte
	for {
		if _, err := io.ReadFull(p.o.Rand, one[:]); err != nil {
			return 0, fmt.Errorf("draw a word: %w", err)
		}
		if int(one[0]) < 256-256%n {
			return int(one[0]) % n, nil
		}
	}
}

// alarmMail sends an alarm to the addresses of the configuration.
func (p *Post) alarmMail(ctx context.Context, id string, a workflows.Alarm) workflows.Outcome {
	if p.mail == nil || len(p.o.AlarmTo) == 0 {
		return refused(errors.New("no mail for alarms is configured"))
	}
	lines := []string{a.Text, "", "What to do now:", ""}
	for i, s := range a.Steps {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, s))
	}
	lines = append(lines, "", "Account: "+line(a.Name)+" ("+a.Account+")", "In Keyholder: "+a.Workflow,
		"At: "+a.At.UTC().Format("2006-01-02 15:04:05")+" UTC", "",
		"The same is in Slack, with the people who hold and administer the account.", "")
	msg, err := p.message(p.o.AlarmTo, "Keyholder alarm: "+line(a.Name)+" ("+a.Kind+")", strings.Join(lines, "\n"))
	if err != nil {
		return refused(err)
	}
	sum := sha256.Sum256([]byte(id))
	msg.SetMessageIDWithValue(hex.EncodeToString(sum[:16]) + "@keyholder")
	msg.SetGenHeader("X-Keyholder-Alarm", id)
	msg.SetImportance(mail.ImportanceUrgent)
	return outcome(p.mail.send(ctx, msg), workflows.Receipt{})
}
