package bot

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

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
