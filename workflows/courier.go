package workflows

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Pace of the loops. Both are woken by a commit of their own process; the rest finds what other processes left due.
const (
	pollEvery    = 250 * time.Millisecond
	firstBackoff = 500 * time.Millisecond
	lastBackoff  = 5 * time.Minute
	// maxDelivery bounds one delivery, however many calls it takes.
	maxDelivery = 2 * time.Minute
	// storeTimeout bounds each step with the store.
	storeTimeout = 5 * time.Second
)

// CourierOptions wire a Courier.
type CourierOptions struct {
	Store Effects
	Desk  *Desk
	// Cards delivers card effects, Calls those for integrator.io, Checkpoints draws them; nil: none are asked for.
	Cards, Calls, Checkpoints Deliverer
	// Now is the time of commands, RealNow this machine's clock.
	Now, RealNow func() time.Time
	// Ready says whether claims may be made; nil: always. A clock far from the store's is not ready.
	Ready func(ctx context.Context) error
	// Workers is how many deliveries run at once; 0: 8.
	Workers int
	Log     zerolog.Logger
	// Observe is told of each delivery's end, for metrics; nil: nobody.
	Observe func(e Effect, o Outcome, took time.Duration)
}

// Courier brings due effects to their destination and their answers back to the desk.
type Courier struct {
	o    CourierOptions
	wake chan struct{}
}

// NewCourier makes a courier.
func NewCourier(o CourierOptions) *Courier {
	if o.Workers == 0 {
		o.Workers = 8
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.Observe == nil {
		o.Observe = func(Effect, Outcome, time.Duration) {}
	}
	return &Courier{o: o, wake: make(chan struct{}, 1)}
}

// Wake makes the courier look at once. It never blocks.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends, then lets deliveries in flight finish: their calls are bounded by [CallTimeout].
func (c *Courier) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	context.AfterFunc(ctx, func() { time.AfterFunc(2*CallTimeout, stop) })

	slots := make(chan struct{}, c.o.Workers)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for c.claim(ctx, work, slots, &running) {
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-c.wake:
		}
	}
}

// claim takes as much as there are free hands and answers whether more may be due.
func (c *Courier) claim(ctx, work context.Context, slots chan struct{}, running *sync.WaitGroup) bool {
	free := cap(slots) - len(slots)
	if free == 0 || ctx.Err() != nil {
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := c.o.Ready(bounded); err != nil {
		return false
	}
	claims, err := c.o.Store.ClaimEffects(bounded, c.o.RealNow(), free)
	if err != nil {
		if ctx.Err() == nil {
			c.o.Log.Warn().Err(err).Msg("claim effects")
		}
		return false
	}
	for _, claim := range claims {
		slots <- struct{}{}
		running.Go(func() {
			defer func() {
				<-slots
				c.Wake()
			}()
			c.deliver(work, claim)
		})
	}
	return len(claims) == free && len(claims) > 0
}

// deliver carries one claim to its end.
func (c *Courier) deliver(ctx context.Context, claim Claim) {
	defer func() {
		if p := recover(); p != nil {
			c.o.Log.Error().Interface(LogPanic, p).Str(LogEffect, claim.Effect.ID).Msg("delivery stopped; the lease will end")
		}
	}()
	begun := c.o.RealNow()
	e := claim.Effect
	if dl := e.Deadline(); !dl.IsZero() && !c.o.Now().Before(dl) {
		c.finish(ctx, claim, Outcome{Done: true, Receipt: &Receipt{Failed: true, Code: FailedDeadline}, Err: errGaveUp})
		return
	}
	bounded, cancel := context.WithTimeout(ctx, maxDelivery)
	l := &lease{store: c.o.Store, claim: claim, until: claim.Until, now: c.o.RealNow}
	deliverer := c.o.Calls
	switch {
	case e.Card != nil:
		deliverer = c.o.Cards
	case e.Call.Op == OpTell:
		deliverer = teller{c}
	case e.Call.Op == OpCheckpoint && c.o.Checkpoints != nil:
		deliverer = c.o.Checkpoints
	}
	out := deliverer.Deliver(bounded, claim, l)
	cancel()
	if e.Every > 0 && out.Receipt.learnedNothing(e.Call.Known) {
		out.Receipt = nil
	}
	c.o.Observe(e, out, c.o.RealNow().Sub(begun))
	c.finish(ctx, claim, out)
}

// teller delivers what one workflow tells another.
type teller struct{ c *Courier }

// Deliver implements [Deliverer].
func (t teller) Deliver(ctx context.Context, claim Claim, _ Lease) Outcome {
	e := claim.Effect
	_, err := t.c.o.Desk.Do(ctx, Command{ID: "tell/" + e.ID, Workflow: e.Call.ID, Account: e.Account, Name: e.Call.Command, Input: e.Call.Input, Submitted: len(e.Call.Input) > 0,
		Actor: Actor{Kind: ByKeyholder}, At: t.c.o.Now(), Round: NoRound})
	var refused *Refusal
	if err == nil || errors.As(err, &refused) || errors.Is(err, ErrNoWorkflow) {
		return Outcome{Done: true}
	}
	return Outcome{Again: true, Err: err}
}

var errGaveUp = errors.New("the deadline passed")

// finish stores how a delivery ended. What cannot be stored is delivered again when the lease ends.
func (c *Courier) finish(ctx context.Context, claim Claim, out Outcome) {
	e, real := claim.Effect, c.o.RealNow()
	log := c.o.Log.With().Str(LogEffect, e.ID).Int(LogAttempt, claim.Attempts+1).Logger()
	switch {
	case errors.Is(out.Err, ErrLeaseLost):
		log.Warn().Msg("another process took the effect over")
		return
	case out.Refused && e.Card != nil:
		log.Error().Err(out.Err).Msg("Slack refused the card for good")
		out = Outcome{Done: true}
	case out.Done || out.Refused:
		if out.Err != nil {
			log.Info().Err(out.Err).Msg("the call ended without success")
		}
	default:
		c.again(ctx, claim, out, real)
		return
	}
	if out.Receipt != nil && e.Call != nil && !c.report(ctx, claim, *out.Receipt) {
		wait := backoff(claim.Attempts)
		c.end(ctx, claim, Finish{NotBefore: real.Add(wait), Failed: true})
		return
	}
	c.end(ctx, claim, Finish{Done: true, Place: out.Place, NotBefore: real.Add(e.Every)})
}

// again gives the claim back for later.
func (c *Courier) again(ctx context.Context, claim Claim, out Outcome, real time.Time) {
	wait := max(out.After, backoff(claim.Attempts))
	if out.Untried {
		wait = max(out.After, time.Second)
	}
	if out.Limited {
		wait = max(out.After, time.Second)
		bounded, cancel := context.WithTimeout(ctx, storeTimeout)
		if err := c.o.Store.HoldBack(bounded, claim.Effect.Destination(), real.Add(wait)); err != nil {
			c.o.Log.Warn().Err(err).Msg("hold back")
		}
		cancel()
	}
	c.o.Log.Info().Err(out.Err).Str(LogEffect, claim.Effect.ID).Dur(LogWait, wait).Msg("delivered later")
	// Being asked to wait is no failure: it must not lengthen the back-off of a later one.
	c.end(ctx, claim, Finish{NotBefore: real.Add(wait), Failed: !out.Limited && !out.Untried})
}

// report hands a receipt to the desk and answers whether it was stored.
func (c *Courier) report(ctx context.Context, claim Claim, r Receipt) bool {
	e := claim.Effect
	r.Effect, r.Op, r.Environment = e.ID, e.Call.Op, e.Call.Environment
	id := "receipt/" + e.ID
	if e.Every > 0 {
		id += "/" + r.Transfer.Mark() + "/" + r.User.Mark() + "/" + r.Reading.Mark() + "/" + r.Census.Mark() + "/" + r.SignIns.Mark() + "/" + r.Tokens.Mark() + "/" + r.Code
	}
	bounded, cancel := context.WithTimeout(ctx, 2*storeTimeout)
	defer cancel()
	_, err := c.o.Desk.Do(bounded, Command{ID: id, Workflow: e.Workflow, Account: e.Account, Name: CmdReceipt,
		Actor: Actor{Kind: ByIntegrator}, At: c.o.Now(), Round: NoRound, Receipt: &r, Answers: &claim})
	var refused *Refusal
	if errors.As(err, &refused) || errors.Is(err, ErrNoWorkflow) {
		c.o.Log.Error().Err(err).Str(LogEffect, e.ID).Msg("the receipt has no taker")
		return true
	}
	if err != nil {
		c.o.Log.Warn().Err(err).Str(LogEffect, e.ID).Msg("the receipt could not be stored yet")
	}
	return err == nil
}

func (c *Courier) end(ctx context.Context, claim Claim, f Finish) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := c.o.Store.Finish(bounded, claim, f); err != nil && !errors.Is(err, ErrLeaseLost) {
		c.o.Log.Warn().Err(err).Str(LogEffect, claim.Effect.ID).Msg("the end could not be stored; the lease will end")
	}
}

// backoff is 0.5 s, doubling to 5 min, between half and all of it.
func backoff(attempts int) time.Duration {
	d := lastBackoff
	if attempts < 10 {
		d = min(firstBackoff<<attempts, lastBackoff)
	}
	return d/2 + rand.N(d/2)
}

// lease is the claim that a deliverer holds.
type lease struct {
	store Effects
	claim Claim
	now   func() time.Time

	mu    sync.Mutex
	until time.Time
}

// Hold implements [Lease].
func (l *lease) Hold(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.until.Sub(now) >= LeaseMargin {
		return nil
	}
	until, err := l.store.Extend(ctx, l.claim, now)
	if err != nil {
		return err
	}
	l.until = until
	return nil
}
