package post

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Options is what a Post is made of. What is empty is a road that there is not.
type Options struct {
	// MailURL is smtps://user:password@host:465, or smtp://user:password@host:587 with STARTTLS; From
	// is the sender's address.
	MailURL, From string
	// AlarmTo are the addresses that hear of alarms by mail.
	AlarmTo []string
	// Webhook takes a POST of JSON for each alarm, signed with WebhookSecret where that is not empty.
	Webhook, WebhookSecret string
	// Names are the accounts' names by their ID, for letters.
	Names map[string]string
	// Now is the time that letters name; nil: time.Now.
	Now func() time.Time
	// Rand is where words and salts come from; nil: crypto/rand.
	Rand io.Reader
	// HTTP is the client to copy the transport from; nil: one of its own.
	HTTP *http.Client
}

// Post delivers letters and alarms. It is safe for concurrent use.
type Post struct {
	o    Options
	mail *mailServer
	http *http.Client
}

var _ workflows.Deliverer = (*Post)(nil)

// New makes a Post. It does no I/O. The error names what is wrong with the mail server's address,
// never the address.
func New(o Options) (*Post, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	p := &Post{o: o, http: &http.Client{}}
	if o.HTTP != nil {
		p.http.Transport = o.HTTP.Transport
	}
	p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if o.MailURL == "" {
		return p, nil
	}
	m, err := parseMail(o.MailURL)
	if err != nil {
		return nil, err
	}
	p.mail = m
	return p, nil
}

// Deliver implements [workflows.Deliverer] for OpLetter, OpAlarmMail and OpAlarmHook.
func (p *Post) Deliver(ctx context.Context, claim workflows.Claim, lease workflows.Lease) workflows.Outcome {
	if err := lease.Hold(ctx); err != nil {
		return workflows.Outcome{Again: true, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, workflows.CallTimeout)
	defer cancel()
	call := claim.Effect.Call
	switch call.Op {
	case workflows.OpLetter:
		return p.letter(ctx, *call)
	case workflows.OpAlarmMail:
		return p.alarmMail(ctx, claim.Effect.ID, *call.Alarm)
	case workflows.OpAlarmHook:
		return p.alarmHook(ctx, claim.Effect.ID, *call.Alarm)
	}
	return refused(errors.New("post: no letter and no alarm"))
}

// refused is an outcome that trying again cannot change.
func refused(err error) workflows.Outcome {
	return workflows.Outcome{Refused: true, Err: err,
		Receipt: &workflows.Receipt{Refused: true, Code: workflows.RefusedOther, Message: err.Error()}}
}

func done(r workflows.Receipt) workflows.Outcome {
	r.OK = true
	return workflows.Outcome{Done: true, Receipt: &r}
}
