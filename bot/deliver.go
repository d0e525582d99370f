package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// metadataType is the event_type of the metadata that every card carries, by which an unclear post is found again.
const metadataType = "keyholder_card"

// Pace of posting into one conversation. Source: rate limits, "about one message per second per
// channel, bursts allowed".
const (
	postEvery = time.Second
	postBurst = 4
	// paceWait is how long a delivery waits for its turn; longer gives the lease back.
	paceWait = 2 * time.Second
	maxPaces = 5000
)

// Pace of changes once Slack refused one as too many. Source: rate limits, chat.update is tier 3, "50+ per minute".
const (
	changeEvery = time.Minute / 50
	// cautiousFor is how long that pace is kept after a refusal: the window over which Slack counts.
	cautiousFor = time.Minute
)

// parentPatience is how long a reply waits for the card it belongs under.
const parentPatience = time.Minute

// tokenPatience is the distance of attempts while Slack does not accept our token.
const tokenPatience = 30 * time.Second

// longestHold caps what a 429 asks of one conversation, as the courier caps all waiting.
const longestHold = time.Hour

// everyChange is what a 429 of chat.update holds: unlike posts, changes are limited for the whole
// workspace (tier 3), so one that is refused says that all would be. No conversation has this name.
const everyChange = "chat.update"

// errLeftAlone: a 429 not long ago asked for this pause.
var errLeftAlone = errors.New("a pause was asked for, and is not over")

// paces holds one limiter per conversation, and until when Slack wants nothing more in it: it limits
// posting for each conversation (reference, rate limits), so a 429 there says nothing about others.
type paces struct {
	mu   sync.Mutex
	by   map[string]*rate.Limiter
	held map[string]time.Time
}

// hold lets nothing into a conversation before a time. The later of two times holds.
func (p *paces) hold(channel string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil || len(p.held) >= maxPaces {
		p.held = map[string]time.Time{}
	}
	if until.After(p.held[channel]) {
		p.held[channel] = until
	}
}

// holds answers for how long nothing may go into a conversation.
func (p *paces) holds(channel string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := p.held[channel].Sub(now)
	if wait > longestHold { // by a clock that was wrong then
		delete(p.held, channel)
		return 0
	}
	return max(wait, 0)
}

// turn reserves the next post into a conversation and answers how long to wait; ok false: too long, nothing reserved.
func (p *paces) turn(channel string, now time.Time) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reserve(channel, postEvery, postBurst, now)
}

// change reserves the next change, as turn does. Changes have no pace until one was refused: then all
// couriers that waited for the end of the pause would be refused together, for as long as there is more
// to change than Slack takes. So they go one by one until a minute passed without a refusal.
func (p *paces) change(now time.Time) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if held, was := p.held[everyChange]; !was || now.Sub(held) > cautiousFor {
		return 0, true
	}
	return p.reserve(everyChange, changeEvery, 1, now)
}

// reserve needs the lock.
func (p *paces) reserve(channel string, every time.Duration, burst int, now time.Time) (time.Duration, bool) {
	l := p.by[channel]
	if l == nil {
		if p.by == nil || len(p.by) >= maxPaces {
			p.by = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Every(every), burst)
		p.by[channel] = l
	}
	r := l.ReserveN(now, 1)
	if d := r.DelayFrom(now); d <= paceWait {
		return d, true
	}
	r.CancelAt(now)
	return paceWait, false
}

// Deliver brings one card to Slack. It implements [workflows.Deliverer].
//
// A card that stands somewhere is updated, any other is posted. When an earlier post may have
// happened unseen, the conversation is searched for the card's metadata first, and the message
// found is adopted.
func (b *Bot) Deliver(ctx context.Context, claim workflows.Claim, lease workflows.Lease) workflows.Outcome {
	if claim.Effect.Card == nil {
		return workflows.Outcome{Refused: true, Err: errors.New("deliver to Slack: the effect is no card")}
	}
	d := &delivery{b: b, claim: claim, card: *claim.Effect.Card, lease: lease, at: claim.Place}
	out := d.run(ctx)
	if out.Done {
		b.homes.changed(d.card.Recipient)
	}
	if out.Err != nil {
		b.log.Debug().Str(fieldCause, slackapi.Clean(out.Err)).Str(fieldEffect,
			claim.Effect.ID).Msg("card not delivered")
		out.Err = slackapi.Cleaned{Err: out.Err} // addresses and tokens must not reach the courier's log
	}
	return out
}

// delivery is one attempt at one card.
type delivery struct {
	b     *Bot
	claim workflows.Claim
	card  workflows.Card
	lease workflows.Lease
	at    workflows.Place
}

// postedOnly reports whether the card is the ledger's. What that says is worth something because
// nobody changes it: it is posted anew or found again, and a place that is stored for it is not
// used.
func (d *delivery) postedOnly() bool {
	return workflows.RecordRef(d.claim.Effect.Workflow).Kind == workflows.KindLedger
}

func (d *delivery) run(ctx context.Context) workflows.Outcome {
	if d.postedOnly() {
		d.at = workflows.Place{}
	}
	if d.card.Canvas != "" {
		if out, done := d.canvas(ctx); done {
			return out
		}
	}
	limit := d.card.Recipient
	if d.at.TS != "" {
		limit = everyChange
	}
	if wait := d.b.pace.holds(limit, d.b.o.RealNow()); wait > 0 {
		return workflows.Outcome{Again: true, Untried: true, After: wait, Err: errLeftAlone}
	}
	if d.at.TS != "" {
		delay, ok := d.b.pace.change(d.b.o.RealNow())
		if !ok || (delay > 0 && !slackapi.Pause(ctx, delay)) {
			return workflows.Outcome{Again: true, Untried: true, After: delay, Err: errLeftAlone}
		}
	}
	if d.at.TS == "" {
		if out, later := d.turn(ctx); later {
			return out
		}
		if d.mayStand() {
			if out, done := d.adopt(ctx); done {
				return out
			}
			if d.at.TS != "" && d.postedOnly() {
				return workflows.Outcome{Done: true, Place: d.at}
			}
		}
	}
	if d.at.TS != "" {
		out, gone := d.update(ctx)
		if !gone {
			return out
		}
		if d.card.Canvas != "" {
			return d.pageGone(ctx)
		}
		d.at = workflows.Place{}
		if out, later := d.turn(ctx); later {
			return out
		}
	}
	return d.post(ctx)
}

// mayStand reports whether an earlier attempt may have posted the card unseen: one that was given
// back, or one whose courier died, which cannot be told from a long queue and is told by age.
func (d *delivery) mayStand() bool {
	return d.claim.Attempts > 0 || d.b.o.Now().Sub(d.claim.Effect.Made) >= workflows.LeaseFor
}

// hold makes sure of the lease and bounds one call.
func (d *delivery) hold(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if d.lease != nil {
		if err := d.lease.Hold(ctx); err != nil {
			return nil, nil, fmt.Errorf("hold the lease: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, workflows.CallTimeout)
	return ctx, cancel, nil
}

func (d *delivery) message(ctx context.Context) []slack.MsgOption {
	e := d.claim.Effect
	fallback, blocks := draw.Render(d.b.named(ctx, d.card), e.Machine, e.Workflow)
	return []slack.MsgOption{
		slack.MsgOptionText(fallback, false),
		slack.MsgOptionBlocks(blocks...),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: metadataType,
			EventPayload: map[string]any{"effect": e.Key, "workflow": e.Workflow}}),
	}
}

// update changes the card where it stands. gone is true when it stands there no longer, or may not be changed any more.
func (d *delivery) update(ctx context.Context) (out workflows.Outcome, gone bool) {
	call, cancel, err := d.hold(ctx)
	if err != nil {
		return lost(err), false
	}
	defer cancel()
	_, ts, _, err := d.b.api.UpdateMessageContext(call, d.at.Channel, d.at.TS, d.message(call)...)
	switch slackapi.Code(err) {
	case "message_not_found", "cant_update_message", "edit_window_closed":
		return workflows.Outcome{}, true
	}
	if err == nil && ts == "" {
		err = errUnreadable
	}
	if err != nil {
		return d.failed("change the card", everyChange, err), false
	}
	return workflows.Outcome{Done: true, Place: workflows.Place{Channel: d.at.Channel, TS: d.at.TS,
		Revision: d.claim.Effect.Revision}}, false
}

// errUnreadable: Slack answered, but not what happened.
var errUnreadable = errors.New("the answer of Slack cannot be read")

// turn waits for the turn to post, before anything is searched or sent; later is true when it has
// not come. Cards and replies to one person go to one conversation, so the recipient names the pace
// of both.
func (d *delivery) turn(ctx context.Context) (out workflows.Outcome, later bool) {
	if _, _, wait := d.target(); wait > 0 {
		return workflows.Outcome{Again: true, Untried: true, After: wait,
			Err: errors.New("the card above is not posted yet")}, true
	}
	delay, ok := d.b.pace.turn(d.card.Recipient, d.b.o.RealNow())
	if !ok || (delay > 0 && !slackapi.Pause(ctx, delay)) {
		return workflows.Outcome{Again: true, Untried: true, After: delay,
			Err: errors.New("the conversation gets one message a second")}, true
	}
	return out, false
}

// post sends the card as a new message.
func (d *delivery) post(ctx context.Context) workflows.Outcome {
	channel, thread, _ := d.target()
	call, cancel, err := d.hold(ctx)
	if err != nil {
		return lost(err)
	}
	defer cancel()
	opts := d.message(call)
	if thread != "" {
		opts = append(opts, slack.MsgOptionTS(thread))
	}
	at, ts, err := d.b.say(call, channel, opts...)
	if err == nil && (ts == "" || at == "") {
		err = errUnreadable
	}
	if err != nil {
		return d.failed("post the card", d.card.Recipient, err)
	}
	return workflows.Outcome{Done: true, Place: workflows.Place{Channel: at, TS: ts, Revision: d.claim.Effect.Revision}}
}

// target is where a new message goes: to the person or channel, or under the card it belongs to.
// wait is set while that one is not posted.
func (d *delivery) target() (channel, thread string, wait time.Duration) {
	if d.card.Under == "" {
		return d.card.Recipient, "", 0
	}
	if p := d.claim.Parent; p.TS != "" {
		return p.Channel, p.TS, 0
	}
	if d.b.o.Now().Sub(d.claim.Effect.Made) < parentPatience {
		return "", "", time.Second
	}
	return d.card.Recipient, "", 0
}

// failed turns an error of Slack into what the courier does about it. limit is what a 429 holds: the
// conversation of a post, [everyChange] of a change.
func (d *delivery) failed(verb, limit string, err error) workflows.Outcome {
	kind, code, after := slackapi.Judge(err)
	err = fmt.Errorf("%s: %w", verb, err)
	switch kind {
	case slackapi.Limited:
		d.b.pace.hold(limit, d.b.o.RealNow().Add(min(after, longestHold)))
		return workflows.Outcome{Again: true, After: after, Limited: true, Err: err}
	case slackapi.Token:
		return workflows.Outcome{Again: true, After: tokenPatience, Err: err}
	case slackapi.Refused:
		return workflows.Outcome{Refused: true, Err: err, Receipt: &workflows.Receipt{Effect: d.claim.Effect.ID,
			Op: "card", Refused: true, Code: code, Message: code}}
	}
	return workflows.Outcome{Again: true, Err: err}
}

// lost is the outcome when the lease could not be held: nothing was sent.
func lost(err error) workflows.Outcome { return workflows.Outcome{Again: true, Err: err} }
