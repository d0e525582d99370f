package loops

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/keyholder/keyholder/workflows"
)

const (
	// cardsAtOnce is how many cards of one workflow are delivered at once.
	cardsAtOnce = 8
	// firstRefused and lastRefused are the distances at which a refused card is tried again.
	firstRefused = time.Minute
	lastRefused  = 6 * time.Hour
	// closedPatience is how long a card of a workflow that has ended is tried: nobody waits for it.
	closedPatience = 30 * 24 * time.Hour
)

// cardRun is one delivery of the cards of one lane of a workflow.
type cardRun struct {
	c      *Courier
	claim  workflows.Claim
	lease  *lease
	shown  shown
	places map[string]workflows.Place

	mu      sync.Mutex
	few     bool // few enough cards to save their places with the claim's end
	unsaved map[string]workflows.Place
	later   bool
	wait    time.Duration // until the first of those that could not be brought is tried again, where later
	failed  bool
	lost    error // the lease, or the store
}

// cards brings every card of the claim's lane that shows something else than the state says to its newest content, and
// gives the claim back while one of them could not be brought. A card is wanted as long as the state wants it, whatever
// Slack answers. settled: all show what they should, and that is stored.
func (c *Courier) cards(ctx context.Context, claim workflows.Claim) (settled bool) {
	s, err := c.o.Desk.show(ctx, claim.Effect.Workflow, claim.Effect.Revision)
	if err != nil {
		c.unmeant(ctx, claim, err)
		return false
	}
	if claim.Effect.Key != cardsKey(claim.Effect.Workflow, claim.Effect.Lane) {
		c.unmeant(ctx, claim, unexplained("compare its key"))
		return false
	}
	places := claim.Places
	if places == nil {
		if places, err = c.o.Desk.o.Store.Places(ctx, claim.Effect.Workflow); err != nil {
			c.unmeant(ctx, claim, err)
			return false
		}
	}
	claim.Effect.Account = s.state.Account()
	run := &cardRun{c: c, claim: claim, shown: s, places: places, unsaved: map[string]workflows.Place{},
		lease: &lease{store: c.o.Store, claim: claim, until: claim.Until, now: c.o.RealNow}}
	run.few = run.count() <= cardsAtOnce
	// A reply needs the card that it belongs under.
	for _, replies := range []bool{false, true} {
		run.wave(ctx, replies)
	}
	switch {
	case run.lost != nil:
		c.o.Log.Warn().Err(run.lost).Str(workflows.LogEffect, claim.Effect.ID).Msg(
			"the cards' delivery stops; the lease will end")
	case !run.later:
		return c.end(ctx, claim, workflows.Finish{Done: true, Places: run.unsaved})
	default:
		c.end(ctx, claim, workflows.Finish{NotBefore: c.o.RealNow().Add(run.wait), Failed: run.failed,
			Places: run.unsaved})
	}
	return false
}

// count is how many cards show something else than they should.
func (r *cardRun) count() (n int) {
	for _, card := range r.shown.view.Cards {
		at := r.at(card.Name, card.Recipient)
		if laneOf(card) == r.claim.Effect.Lane && (at.TS == "" ||
			at.Shown != hashOf(card, blockMachine(r.shown.machine, card))) {
			n++
		}
	}
	return n
}

// wave delivers the cards that are replies, or those that are not, side by side.
func (r *cardRun) wave(ctx context.Context, replies bool) {
	var g errgroup.Group
	g.SetLimit(cardsAtOnce)
	for _, card := range r.shown.view.Cards {
		if laneOf(card) != r.claim.Effect.Lane || (card.Under != "") != replies {
			continue
		}
		machine := blockMachine(r.shown.machine, card)
		hash := hashOf(card, machine)
		at := r.at(card.Name, card.Recipient)
		if !r.due(at, hash) || r.passes(card, at) {
			continue
		}
		g.Go(func() error {
			r.card(ctx, card, machine, hash, at)
			return nil
		})
	}
	_ = g.Wait()
}

// at answers where a card stands.
func (r *cardRun) at(name, recipient string) workflows.Place {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.places[workflows.PlaceName(name, recipient)]
}

// due reports whether a card is to be brought now. One that was refused waits for its time, unless
// it has something else to say.
func (r *cardRun) due(at workflows.Place, hash string) bool {
	if at.Shown == hash && at.TS != "" {
		return owesWord(at)
	}
	f := at.Refused
	if f == nil || f.Shown != hash {
		return true
	}
	left := f.Next.Sub(r.c.o.RealNow())
	if left <= 0 || left > lastRefused { // nothing waits for longer, unless a clock was wrong that it was counted from
		return true
	}
	r.again(left, false)
	return false
}

// maxPassed is how many changes of a workflow a card leaves out at most while they pass.
const maxPassed = 20

// passes reports whether a card is left as it stands, because it soon has something else to say. One
// that is to be drawn again whatever it says is brought at once, and so is one that says what was many
// changes ago: where one follows the other for long, its reader sees that it goes on.
func (r *cardRun) passes(card workflows.Card, at workflows.Place) bool {
	age := r.c.o.Now().Sub(r.claim.Effect.Made)
	again, behind := at.TS != "" && at.Shown == "", at.TS != "" && r.shown.version > at.Revision+maxPassed
	if again || behind || age < 0 || age >= card.Passing {
		return false
	}
	r.again(card.Passing-age, false)
	return true
}

// again asks for another delivery.
func (r *cardRun) again(wait time.Duration, failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.later || wait < r.wait {
		r.later, r.wait = true, wait
	}
	r.failed = r.failed || failed
}

// owesWord reports whether others heard that a card could not be brought, and not yet that it was.
func owesWord(at workflows.Place) bool { return at.Refused != nil && at.Refused.Told }

// brought notes where a card stands. Who heard that it could not be brought hears that it was, sooner
// or later.
func (r *cardRun) brought(ctx context.Context, card workflows.Card, before, at workflows.Place) {
	if owesWord(before) && !r.reached(ctx, card) {
		at.Refused = before.Refused
		r.again(time.Second, false)
	}
	r.save(ctx, card, at)
}

// card delivers one card.
func (r *cardRun) card(ctx context.Context, card workflows.Card, machine, hash string, at workflows.Place) {
	if at.Shown == hash && at.TS != "" { // it stands there; others are still to hear of that
		done := at
		done.Refused = nil
		r.brought(ctx, card, at, done)
		return
	}
	c, begun := r.c, r.c.o.RealNow()
	one := r.claim
	one.Effect.ID = workflows.CardKey(one.Effect.Workflow, card.Name, card.Recipient)
	one.Effect.Key, one.Effect.Card, one.Effect.Machine, one.Effect.Revision = one.Effect.ID, &card, machine,
		r.shown.version
	one.Place, one.Parent = at, workflows.Place{}
	if card.Under != "" {
		one.Parent = r.at(card.Under, card.Recipient)
	}
	if f := at.Refused; f != nil && f.Since.Before(one.Effect.Made) {
		one.Effect.Made = f.Since // an earlier attempt may have been delivered
	}
	bounded, cancel := context.WithTimeout(ctx, maxDelivery)
	sending, sent := c.o.Stages.Begin(bounded, workflows.StageSend)
	out := r.try(sending, one)
	sent(workflows.About{Workflow: one.Effect.Workflow, Machine: machine, Account: one.Effect.Account,
		Destination: r.claim.Effect.Destination(), Outcome: out.Word()}, out.Err)
	cancel()
	c.o.Observe(one.Effect, out, c.o.RealNow().Sub(begun))
	switch {
	case errors.Is(out.Err, workflows.ErrLeaseLost):
		r.stop(out.Err)
	case out.Done:
		r.brought(ctx, card, at, workflows.Place{Channel: out.Place.Channel, TS: out.Place.TS,
			Revision: r.shown.version, Shown: hash})
	case out.Untried:
		r.again(max(out.After, time.Second), false)
	case out.Limited:
		// Slack limits posting for each conversation: the deliverer holds that one, and no other card waits for it.
		r.again(c.wait(out.After, time.Second, one.Effect.ID), false)
	default:
		r.unreached(ctx, card, one, hash, at, out)
	}
}

// try asks the deliverer; one that panics has not delivered.
func (r *cardRun) try(ctx context.Context, one workflows.Claim) (out workflows.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			r.c.o.Log.Error().Interface(workflows.LogPanic, p).Str(workflows.LogEffect,
				one.Effect.ID).Msg("the delivery of a card stopped")
			out = workflows.Outcome{Again: true, Err: fmt.Errorf("the program stumbled: %v", p)}
		}
	}()
	return r.c.o.Cards.Deliver(ctx, one, r.lease)
}

// unreached notes that a card could not be brought and when it is tried again: minutes, then hours,
// where Slack refused it.
func (r *cardRun) unreached(ctx context.Context, card workflows.Card, one workflows.Claim, hash string,
	at workflows.Place, out workflows.Outcome) {
	now := r.c.o.RealNow()
	f := workflows.Unreached{Since: now}
	if at.Refused != nil {
		f = *at.Refused
	}
	if f.Since.After(now) {
		f.Since = now // by a clock that was wrong then, or is now
	}
	f.Shown = hash
	wait := max(r.c.wait(out.After, 0, one.Effect.ID), backoff(f.Tries))
	f.Code = "away"
	if out.Refused {
		wait, f.Code = doubled(firstRefused, lastRefused, f.Tries), "refused"
		if out.Receipt != nil && out.Receipt.Code != "" {
			f.Code = out.Receipt.Code
		}
	}
	f.Tries++
	f.Next = now.Add(wait)
	log := r.c.o.Log.Info()
	if out.Refused {
		log = r.c.o.Log.Error()
	}
	log.Err(out.Err).Str(workflows.LogEffect, one.Effect.ID).Dur(workflows.LogWait,
		wait).Msg("the card could not be brought; it is tried again")
	if r.shown.state.Closed() && now.Sub(f.Since) > closedPatience {
		return
	}
	f.Told = f.Told || out.Refused && now.Sub(f.Since) >= workflows.MissedAfter && r.missed(ctx, card, f)
	at.Refused, at.Shown = &f, ""
	r.save(ctx, card, at)
	r.again(wait, !out.Refused)
}

// missed lets others hear that a card cannot be brought, and reports whether that is recorded.
func (r *cardRun) missed(ctx context.Context, card workflows.Card, f workflows.Unreached) bool {
	m := workflows.Missed{Kind: workflows.MissedCard, Workflow: r.claim.Effect.Workflow, To: card.Recipient,
		Code: f.Code, Since: f.Since}
	bounded, cancel := context.WithTimeout(ctx, 2*storeTimeout)
	defer cancel()
	err := r.c.o.Desk.missed(bounded, r.claim.Effect.Account, m, r.c.o.Now())
	if err != nil {
		r.c.o.Log.Warn().Err(err).Str(workflows.LogEffect, r.claim.Effect.ID).Msg(
			"that a card cannot be brought could not be told yet")
	}
	return err == nil
}

// reached lets those who heard of it know that it is there by now, and reports whether that is recorded.
func (r *cardRun) reached(ctx context.Context, card workflows.Card) bool {
	bounded, cancel := context.WithTimeout(ctx, 2*storeTimeout)
	defer cancel()
	m := workflows.Missed{Kind: workflows.MissedCard, Workflow: r.claim.Effect.Workflow, To: card.Recipient,
		Since: r.c.o.RealNow()}
	err := r.c.o.Desk.reached(bounded, r.claim.Effect.Account, m, r.c.o.Now())
	if err != nil {
		r.c.o.Log.Warn().Err(err).Str(workflows.LogEffect, r.claim.Effect.ID).Msg(
			"that a card was brought after all could not be told yet")
	}
	return err == nil
}

// save writes where a card stands: at once, or, where they are few, all of them with the claim's end.
func (r *cardRun) save(ctx context.Context, card workflows.Card, p workflows.Place) {
	if r.few {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.unsaved[workflows.PlaceName(card.Name, card.Recipient)],
			r.places[workflows.PlaceName(card.Name, card.Recipient)] = p, p
		return
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := r.c.o.Store.SavePlace(bounded, r.claim, card.Name, card.Recipient, p); err != nil {
		r.stop(err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.places[workflows.PlaceName(card.Name, card.Recipient)] = p
}

func (r *cardRun) stop(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = err
}

// doubled is a distance that doubles with each try, up to a last one.
func doubled(first, last time.Duration, tries int) time.Duration {
	if tries > 30 {
		return last
	}
	return min(first<<tries, last)
}
