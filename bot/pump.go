package bot

import (
	"context"
	"encoding/json"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slackapi"
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
