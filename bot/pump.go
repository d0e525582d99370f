package bot

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// envelope is what arrived, waiting for a worker.
type envelope struct {
	id      string
	kind    string
	payload json.RawMessage
	at      time.Time // real time of its receipt
	code    string    // why it is turned away; "" for those in the queue
}

// pump empties slack-go's channel and does nothing slow: a stalled reader loses events and misses
// pings. It ends when the connection is gone for good. Once stop is closed, whatever comes is
// turned away.
func (b *Bot) pump(client *socketmode.Client, stop, gone <-chan struct{}, hangUp context.CancelCauseFunc) {
	taking := true
	end := func() {
		if taking {
			taking = false
			close(b.queue)
		}
	}
	defer close(b.busy)
	defer end()
	for {
		select {
		case <-stop:
			stop = nil
			end()
		case <-gone:
			return
		case e := <-client.Events:
			if in, ok := b.note(e, hangUp); ok {
				b.place(in, taking)
			}
		}
	}
}

// place puts an envelope into the queue, or into that of those to be told that nothing was
// recorded. When that is full as well, it stays unanswered: Slack shows the person that it failed.
func (b *Bot) place(e envelope, taking bool) {
	if taking {
		select {
		case b.queue <- e:
			return
		default:
			e.code = codeBusy
		}
	} else {
		e.code = codeStopping
	}
	select {
	case b.busy <- e:
	default:
		b.log.Error().Str(fieldEnvelope, e.id).Str(fieldKind, e.kind).Msg("both queues are full; left unanswered")
	}
}

// note looks at one of slack-go's events and answers the envelope in it, if there is one.
func (b *Bot) note(e socketmode.Event, hangUp context.CancelCauseFunc) (envelope, bool) {
	now := b.o.RealNow()
	switch e.Type {
	case socketmode.EventTypeHello:
		b.alive.said()
		b.log.Info().Msg("connected to Slack")
		if f := b.o.Metrics.Connected; f != nil && e.Request != nil {
			f(e.Request.NumConnections, now)
		}
	case socketmode.EventTypeConnectionError:
		if d, ok := e.Data.(*slack.ConnectionErrorEvent); ok {
			if f := fatal(b.api, d.ErrorObj); f != nil {
				hangUp(f)
				break
			}
			b.log.Warn().Str(fieldCause, slackapi.Clean(d.ErrorObj)).Dur(fieldWait,
				d.Backoff).Msg("connecting to Slack failed")
		}
	case socketmode.EventTypeErrorWriteFailed:
		if d, ok := e.Data.(*socketmode.ErrorWriteFailed); ok {
			b.log.Warn().Str(fieldCause, slackapi.Clean(d.Cause)).Str(fieldEnvelope, d.Response.EnvelopeID).
				Msg("an acknowledgement was not written; Slack tells the person that it failed, although it was decided")
		}
	case socketmode.EventTypeErrorBadMessage:
		// slack-go could not decode it; our types are smaller and may.
		var w wireEnvelope
		if d, ok := e.Data.(*socketmode.ErrorBadMessage); ok && json.Unmarshal(d.Message, &w) == nil && w.ID != "" {
			return envelope{id: w.ID, kind: w.Type, payload: w.Payload, at: now}, true
		}
		b.log.Warn().Msg("Slack sent something that cannot be read")
	default:
		if r := e.Request; r != nil && r.EnvelopeID != "" {
			return envelope{id: r.EnvelopeID, kind: r.Type, payload: r.Payload, at: now}, true
		}
	}
	return envelope{}, false
}

// ackLimit is the size in bytes an acknowledgement stays under. Slack drops those of 20 480 bytes
// and more without a word.
const ackLimit = 19_000

// ack is the one acknowledgement of an envelope. Everything after the first send is ignored.
type ack struct {
	b        *Bot
	within   context.Context // of the envelope's trace
	client   *socketmode.Client
	envelope string
	kind     string
	at       time.Time
	once     sync.Once
}

// send queues the acknowledgement, with an answer or nil. It blocks for at most ackTimeout:
// slack-go's queue is full only while disconnected, and then Slack has told the person already.
func (a *ack) send(outcome string, payload any) {
	a.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), ackTimeout)
		defer cancel()
		if a.envelope != "" {
			_, sent := a.b.o.Stages.Begin(a.within, workflows.StageAck)
			err := a.client.AckCtx(ctx, a.envelope, payload)
			sent(workflows.About{Kind: a.kind, Outcome: outcome}, err)
			if err != nil {
				a.b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldEnvelope,
					a.envelope).Msg("the acknowledgement could not be sent")
			}
		}
		if f := a.b.o.Metrics.Envelope; f != nil {
			f(a.kind, outcome, a.b.o.RealNow().Sub(a.at))
		}
	})
}

// fits reports whether a payload can be sent as an acknowledgement.
func fits(payload any) bool {
	raw, err := json.Marshal(payload)
	return err == nil && len(raw) < ackLimit
}

// slashAnswer is the answer to a command, in the acknowledgement. Source: responding to slash commands.
type slashAnswer struct {
	ResponseType string        `json:"response_type"`
	Text         string        `json:"text"`
	Blocks       []slack.Block `json:"blocks,omitempty"`
}

// withCards is an answer that shows cards below its text; without them where they do not fit.
func withCards(text string, cards []slack.Block) slashAnswer {
	a := ephemeral(text)
	if len(cards) == 0 {
		return a
	}
	for _, piece := range draw.Pieces(a.Text, draw.LimitSection) {
		a.Blocks = append(a.Blocks, draw.Section(piece))
	}
	a.Blocks = append(a.Blocks, cards...)
	if len(a.Blocks) > draw.LimitBlocks || !fits(a) {
		a.Blocks = nil
	}
	return a
}

// ephemeral makes the answer to a command, cut until it fits.
func ephemeral(text string) slashAnswer {
	for n := ackLimit; ; n = n * 3 / 4 {
		a := slashAnswer{ResponseType: "ephemeral", Text: draw.Cut(text, n)}
		if fits(a) || n < 100 {
			return a
		}
	}
}

// formErrors is the answer that keeps a form open and shows a text at its fields. Source: modals,
// "Displaying errors in views".
type formErrors struct {
	Action string            `json:"response_action"`
	Errors map[string]string `json:"errors"`
}

// limitFieldError keeps the text at a field readable; Slack names no limit.
const limitFieldError = 700

func (b *Bot) fieldError(block, mrkdwn string) formErrors {
	return formErrors{Action: "errors", Errors: map[string]string{block: b.flat(mrkdwn)}}
}

// deafAfter is how long a socket may be silent. Slack pings about every 10 s; slack-go itself needs
// up to a minute to notice.
const deafAfter = 35 * time.Second

// alive watches the socket below the WebSocket, where pings are visible: slack-go swallows them,
// and the recency of events says nothing about a workspace in which nobody clicks.
type alive struct {
	now func() time.Time

	mu    sync.Mutex
	conn  *watchedConn // the newest
	hello bool
	heard time.Time
}

func newAlive(now func() time.Time) *alive { return &alive{now: now} }

// dialer opens the socket. Its write buffer holds the largest answer, because Slack does not put
// continuation frames together again.
func (a *alive) dialer() *websocket.Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 15 * time.Second,
		WriteBufferSize:  32 << 10,
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := d.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			w := &watchedConn{Conn: c, a: a}
			a.mu.Lock()
			a.conn, a.hello = w, false
			a.mu.Unlock()
			return w, nil
		},
	}
}

func (a *alive) said() { // hello
	a.mu.Lock()
	a.hello, a.heard = a.conn != nil, a.now()
	a.mu.Unlock()
}

func (a *alive) connected() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn != nil && a.hello && a.now().Sub(a.heard) < deafAfter
}

type watchedConn struct {
	net.Conn
	a *alive
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	if c.a.conn != c {
		return n, err
	}
	if n > 0 {
		c.a.heard = c.a.now()
	}
	if err != nil {
		c.a.conn, c.a.hello = nil, false
	}
	return n, err
}

func (c *watchedConn) Close() error {
	c.a.mu.Lock()
	if c.a.conn == c {
		c.a.conn, c.a.hello = nil, false
	}
	c.a.mu.Unlock()
	return c.Conn.Close()
}
