package loops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
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
	Store workflows.Effects
	Desk  *Desk
	// Cards delivers card effects, Calls those for integrator.io, Checkpoints draws them, Post brings
	// letters and alarms, Pages looks at what is documented; nil: none are asked for.
	Cards, Calls, Checkpoints, Post, Pages workflows.Deliverer
	// Now is the time of commands, RealNow this machine's clock.
	Now, RealNow func() time.Time
	// Ready says whether claims may be made; nil: always. A clock far from the store's is not ready.
	Ready func(ctx context.Context) error
	// Workers is how many deliveries run at once; 0: 32.
	Workers int
	Log     zerolog.Logger
	// Observe is told of each delivery's end, for metrics; nil: nobody.
	Observe func(e workflows.Effect, o workflows.Outcome, took time.Duration)
	// Note is told what became of an effect that was not delivered, for metrics: [NoteDropped] or
	// [NoteAside]; nil: nobody.
	Note func(what string)
	// Stages hears of each delivery, for traces; nil: nobody does.
	Stages workflows.Stages
}

// What becomes of effects that are not delivered.
const (
	NoteDropped = "dropped" // nothing in the record explains it
	NoteAside   = "aside"   // this version cannot do it; it waits out of the way
)

// Courier brings due effects to their destination and their answers back to the desk.
type Courier struct {
	o     CourierOptions
	hints *hints
	hands chan struct{} // a token for each delivery that runs
}

// lookers is how many claims are under way at once: one waits for the store while another hands out.
const lookers = 3

// NewCourier makes a courier.
func NewCourier(o CourierOptions) *Courier {
	if o.Workers == 0 {
		o.Workers = 32
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.Observe == nil {
		o.Observe = func(workflows.Effect, workflows.Outcome, time.Duration) {}
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	return &Courier{o: o, hints: newHints(), hands: make(chan struct{}, o.Workers)}
}

// Wake makes the courier look at once, at these shards or, without any, everywhere. It never blocks.
func (c *Courier) Wake(shards ...int) { c.hints.give(shards...) }

// Run delivers until ctx ends, then lets deliveries in flight finish: their calls are bounded by
// [workflows.CallTimeout].
func (c *Courier) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	context.AfterFunc(ctx, func() { time.AfterFunc(2*workflows.CallTimeout, stop) })

	var looking sync.WaitGroup
	for range lookers {
		looking.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case <-c.hints.wake:
				}
				for c.claim(ctx, work, &running) {
				}
			}
		})
	}
	defer looking.Wait()
	c.Wake()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			c.Wake()
		}
	}
}

// claim looks where something is said to be due, takes as much as there are free hands, and answers
// whether more may be due.
func (c *Courier) claim(ctx, work context.Context, running *sync.WaitGroup) bool {
	free := c.reserve()
	if free == 0 || ctx.Err() != nil {
		c.giveBack(free)
		return false // whoever ends a delivery wakes us
	}
	shards, hinted := c.hints.take()
	heard := c.hints.heard() // before looking: what comes later may be written behind a claim
	var claims []workflows.Claim
	if hinted {
		claims = c.look(ctx, free, shards)
	}
	for _, claim := range claims {
		running.Go(func() {
			settled := false
			defer func() {
				c.giveBack(1)
				if settled && !c.hints.since(heard, claim.Shard) {
					c.hints.again() // nothing came meanwhile; what found no hand may have one now
					return
				}
				c.Wake(claim.Shard)
			}()
			settled = c.deliver(work, claim)
		})
	}
	c.giveBack(free - len(claims))
	if full := len(claims) == free; full && hinted {
		c.Wake(shards...)
		return true
	}
	return false
}

// look claims up to free effects.
func (c *Courier) look(ctx context.Context, free int, shards []int) []workflows.Claim {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if c.o.Ready(bounded) != nil {
		return nil
	}
	claims, err := c.o.Store.ClaimEffects(bounded, c.o.RealNow(), free, shards...)
	if err != nil && ctx.Err() == nil {
		c.o.Log.Warn().Err(err).Msg("claim effects")
	}
	return claims
}

// reserve takes free hands, at most half of all, so that lookers do not keep each other waiting.
func (c *Courier) reserve() (n int) {
	for n < max(cap(c.hands)/2, 1) {
		select {
		case c.hands <- struct{}{}:
			n++
		default:
			return n
		}
	}
	return n
}

func (c *Courier) giveBack(n int) {
	for range n {
		<-c.hands
	}
}

// deliver carries one claim to its end. settled: its queue is gone, unless something was written there meanwhile.
func (c *Courier) deliver(ctx context.Context, claim workflows.Claim) (settled bool) {
	e := claim.Effect
	ctx, ended := c.o.Stages.Begin(ctx, workflows.StageDelivery)
	defer ended(workflows.About{Workflow: e.Workflow, Account: e.Account, Destination: e.Destination(),
		Attempt: claim.Attempts + 1}, nil)
	defer func() {
		if p := recover(); p != nil {
			c.aside(ctx, claim, fmt.Errorf("the program stumbled: %v", p))
		}
	}()
	switch {
	case claim.Unreadable != nil:
		c.aside(ctx, claim, claim.Unreadable)
	case claim.Effect.Kind == workflows.EffectCards:
		return c.cards(ctx, claim)
	case claim.Effect.Kind == workflows.EffectCall, claim.Effect.Kind == workflows.EffectWatch:
		c.call(ctx, claim)
	default:
		c.aside(ctx, claim, fmt.Errorf("deliver an effect of the kind %.20q: %w", claim.Effect.Kind,
			workflows.ErrNewer))
	}
	return false
}

// call does what a call or a watch means.
func (c *Courier) call(ctx context.Context, claim workflows.Claim) {
	begun := c.o.RealNow()
	e, back, err := c.mean(ctx, claim.Effect)
	switch {
	case err != nil:
		c.unmeant(ctx, claim, err)
		return
	case back != "":
		c.end(ctx, claim, workflows.Finish{Move: back}) // it can be done after all, in its turn
		return
	}
	claim.Effect = e
	if dl := e.Deadline(); !dl.IsZero() && !c.o.Now().Before(dl) {
		c.finish(ctx, claim, workflows.Outcome{Done: true, Receipt: &workflows.Receipt{Failed: true,
			Code: workflows.FailedDeadline}, Err: errGaveUp})
		return
	}
	bounded, cancel := context.WithTimeout(ctx, maxDelivery)
	l := &lease{store: c.o.Store, claim: claim, until: claim.Until, now: c.o.RealNow}
	deliverer := c.o.Calls
	switch {
	case e.Call.Op == workflows.OpTell:
		deliverer = teller{c}
	case e.Call.Op == workflows.OpUndelegate:
		deliverer = undelegator{c}
	case e.Call.Posted() && c.o.Post != nil:
		deliverer = c.o.Post
	case e.Call.Op == workflows.OpCheckpoint && c.o.Checkpoints != nil:
		deliverer = c.o.Checkpoints
	case e.Call.Op == workflows.OpPage && c.o.Pages != nil:
		deliverer = c.o.Pages
	}
	sending, sent := c.o.Stages.Begin(bounded, workflows.StageSend)
	out := deliverer.Deliver(sending, claim, l)
	sent(workflows.About{Workflow: e.Workflow, Account: e.Account, Destination: e.Destination(), Outcome: out.Word()},
		out.Err)
	cancel()
	if e.Every > 0 && out.Receipt.LearnedNothing(e.Call.Known) {
		out.Receipt = nil
	}
	c.o.Observe(e, out, c.o.RealNow().Sub(begun))
	c.finish(ctx, claim, out)
}

// mean reads what an effect names out of the record. back is the key to whose queue it belongs, where it waits aside.
func (c *Courier) mean(ctx context.Context, e workflows.Effect) (own workflows.Effect, back string, err error) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if e.Kind == workflows.EffectWatch {
		own, err = c.o.Desk.watched(bounded, e)
		return own, "", err
	}
	own, err = c.o.Desk.owed(bounded, e)
	switch {
	case err != nil:
	case isAside(e.Key):
		back = own.Key
	case own.Key != e.Key:
		err = unexplained("compare its key")
	}
	return own, back, err
}

// unmeant ends the claim of what the record does not explain, or not now, or not to this version.
func (c *Courier) unmeant(ctx context.Context, claim workflows.Claim, err error) {
	switch {
	case errors.Is(err, errUnexplained) && claim.Effect.Kind == workflows.EffectWatch && claim.Attempts == 0:
		// The usual cause: the state stopped wanting it a moment ago, and the commit took it away.
		// What is still there then is looked at again.
		c.end(ctx, claim, workflows.Finish{NotBefore: c.o.RealNow(), Failed: true})
	case errors.Is(err, errUnexplained):
		c.o.Log.Warn().Err(err).Str(workflows.LogEffect, claim.Effect.ID).Msg(
			"dropped an effect that nothing in the record asks for")
		c.o.Note(NoteDropped)
		claim.Effect.Every = 0
		c.end(ctx, claim, workflows.Finish{Done: true})
	case passing(err):
		c.again(ctx, claim, workflows.Outcome{Err: err})
	default:
		c.aside(ctx, claim, err)
	}
}

// Distances at which what this version cannot do is looked at again: a newer one that runs beside it may do it at once.
const (
	firstAside = 2 * time.Second
	lastAside  = time.Hour
)

// aside leaves an effect for later, or for a newer version, for ever if need be. Where others wait
// behind it in one queue, it gets a queue of its own.
func (c *Courier) aside(ctx context.Context, claim workflows.Claim, err error) {
	e := claim.Effect
	log := c.o.Log.Error()
	if claim.Attempts > 0 {
		log = c.o.Log.Debug()
	}
	log.Err(err).Str(workflows.LogEffect, e.ID).Str("key", e.Key).Msg("this version cannot deliver it; it is set aside")
	c.o.Note(NoteAside)
	f := workflows.Finish{NotBefore: c.o.RealNow().Add(doubled(firstAside, lastAside, claim.Attempts)), Failed: true}
	switch road, _, _ := strings.Cut(e.Key, "/"); {
	case isAside(e.Key), road == "cards", road == "watch":
	default:
		f.Move = asidePrefix + cmp.Or(e.ID, claim.Token)
	}
	c.end(ctx, claim, f)
}

// teller delivers what one workflow tells another.
type teller struct{ c *Courier }

// Deliver implements [workflows.Deliverer].
func (t teller) Deliver(ctx context.Context, claim workflows.Claim, _ workflows.Lease) workflows.Outcome {
	e := claim.Effect
	who := workflows.Actor{Kind: workflows.ByKeyholder}
	if e.Call.As != "" {
		who = workflows.Actor{Kind: workflows.ByPerson, ID: e.Call.As}
	}
	_, err := t.c.o.Desk.Do(ctx, workflows.Command{ID: "tell/" + e.ID, Workflow: e.Call.ID, Account: e.Account,
		Name: e.Call.Command, Input: e.Call.Input, Submitted: len(e.Call.Input) > 0,
		Actor: who, Told: true, At: t.c.o.Now(), Round: workflows.NoRound})
	var refused *workflows.Refusal
	switch {
	case err == nil, errors.As(err, &refused), errors.Is(err, workflows.ErrNoWorkflow) &&
		!errors.Is(err, workflows.ErrNewer):
		return workflows.Outcome{Done: true}
	case passing(err):
		return workflows.Outcome{Again: true, Err: err}
	}
	return workflows.Outcome{Aside: true, Err: err}
}

// undelegator ends delegations.
type undelegator struct{ c *Courier }

// Deliver implements [workflows.Deliverer].
func (u undelegator) Deliver(ctx context.Context, claim workflows.Claim, _ workflows.Lease) workflows.Outcome {
	e := claim.Effect
	err := u.c.o.Desk.EndDelegation(ctx, workflows.Command{ID: "undelegate/" + e.ID,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder},
		At:    u.c.o.Now(), Round: workflows.NoRound},
		e.Call.ID, e.Call.Known, e.Workflow)
	switch {
	case err == nil:
		return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true, Code: e.Call.ID}}
	case passing(err):
		return workflows.Outcome{Again: true, Err: err}
	}
	return workflows.Outcome{Aside: true, Err: err}
}

var errGaveUp = errors.New("the deadline passed")

// finish stores how a delivery ended. What cannot be stored is delivered again when the lease ends.
func (c *Courier) finish(ctx context.Context, claim workflows.Claim, out workflows.Outcome) {
	e := claim.Effect
	log := c.o.Log.With().Str(workflows.LogEffect, e.ID).Int(workflows.LogAttempt, claim.Attempts+1).Logger()
	c.late(ctx, e, out)
	switch {
	case errors.Is(out.Err, workflows.ErrLeaseLost):
		log.Warn().Msg("another process took the effect over")
		return
	case out.Aside:
		c.aside(ctx, claim, out.Err)
		return
	case !out.Done && !out.Refused:
		c.again(ctx, claim, out)
		return
	case out.Err != nil:
		log.Info().Err(out.Err).Msg("the call ended without success")
	}
	if out.Receipt == nil && e.Every > 0 {
		c.end(ctx, claim, workflows.Finish{Done: true, NotBefore: c.o.RealNow().Add(e.Every)})
		return
	}
	err := c.report(ctx, claim, out.Receipt)
	switch {
	case err == nil && e.Every == 0: // the answer's commit removed it
	case err == nil:
		c.end(ctx, claim, workflows.Finish{Done: true, NotBefore: c.o.RealNow().Add(e.Every)})
	case passing(err) && claim.Attempts < patientFor:
		c.again(ctx, claim, workflows.Outcome{Err: err})
	default:
		c.aside(ctx, claim, err)
	}
}

// patientFor is how many attempts to store an answer others of the same queue wait for.
const patientFor = 4

// again gives the claim back for later.
func (c *Courier) again(ctx context.Context, claim workflows.Claim, out workflows.Outcome) {
	least := backoff(claim.Attempts)
	if out.Untried || out.Limited {
		least = time.Second
	}
	wait := c.wait(out.After, least, claim.Effect.ID)
	if out.Limited {
		c.holdBack(ctx, claim.Effect.Destination(), wait)
	}
	c.o.Log.Info().Err(out.Err).Str(workflows.LogEffect, claim.Effect.ID).Dur(workflows.LogWait,
		wait).Msg("delivered later")
	// Being asked to wait is no failure: it must not lengthen the back-off of a later one.
	c.end(ctx, claim, workflows.Finish{NotBefore: c.o.RealNow().Add(wait), Failed: !out.Limited && !out.Untried})
}

// longestWait caps what the other side asks us to wait: a Retry-After of a year is a fault there,
// and nobody looks into it.
const longestWait = time.Hour

// wait is how long to wait where the other side asked for after.
func (c *Courier) wait(after, least time.Duration, effect string) time.Duration {
	if after > longestWait {
		c.o.Log.Warn().Str(workflows.LogEffect, effect).Dur("asked", after).Dur(workflows.LogWait,
			longestWait).Msg("asked to wait longer than anybody can mean; it is tried again earlier")
		after = longestWait
	}
	return max(after, least)
}

func (c *Courier) holdBack(ctx context.Context, destination string, wait time.Duration) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := c.o.Store.HoldBack(bounded, destination, c.o.RealNow().Add(wait)); err != nil {
		c.o.Log.Warn().Err(err).Msg("hold back")
	}
}

// report hands an answer to the desk; without a receipt it only settles the call.
func (c *Courier) report(ctx context.Context, claim workflows.Claim, r *workflows.Receipt) error {
	e := claim.Effect
	cmd := workflows.Command{ID: workflows.ReceiptID(e.ID), Workflow: e.Workflow, Account: e.Account, Name: cmdAnswered,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: c.o.Now(),
		Round: workflows.NoRound, Answers: &claim}
	if r != nil {
		answer := *r
		answer.Effect, answer.Op, answer.Environment = e.ID, e.Call.Op, e.Call.Environment
		cmd.Name, cmd.Actor, cmd.Receipt = workflows.CmdReceipt, workflows.Actor{Kind: workflows.ByIntegrator}, &answer
		if e.Every > 0 {
			cmd.ID += "/" + r.Transfer.Mark() + "/" + r.User.Mark() + "/" + r.Reading.Mark() + "/" + r.Census.Mark() +
				"/" + r.SignIns.Mark() +
				"/" + r.Tokens.Mark() + "/" + r.Page.ID() + "/" + r.Code
		}
	}
	bounded, cancel := context.WithTimeout(ctx, 2*storeTimeout)
	defer cancel()
	_, err := c.o.Desk.Do(bounded, cmd)
	var refused *workflows.Refusal
	if errors.As(err, &refused) { // of what a watch learned; a call is settled in any case
		c.o.Log.Error().Err(err).Str(workflows.LogEffect, e.ID).Msg("the receipt has no taker")
		return nil
	}
	if err != nil {
		c.o.Log.Warn().Err(err).Str(workflows.LogEffect, e.ID).Msg("the receipt could not be stored yet")
	}
	return err
}

// end stores how a claim ended. What cannot be stored is taken up again when the lease ends.
func (c *Courier) end(ctx context.Context, claim workflows.Claim, f workflows.Finish) (stored bool) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	bounded, ended := c.o.Stages.Begin(bounded, workflows.StageFinish)
	err := c.o.Store.Finish(bounded, claim, f)
	ended(workflows.About{Workflow: claim.Effect.Workflow}, err)
	if err != nil && !errors.Is(err, workflows.ErrLeaseLost) {
		c.o.Log.Warn().Err(err).Str(workflows.LogEffect,
			claim.Effect.ID).Msg("the end could not be stored; the lease will end")
	}
	return err == nil
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
	store workflows.Effects
	claim workflows.Claim
	now   func() time.Time

	mu    sync.Mutex
	until time.Time
}

// Hold implements [workflows.Lease].
func (l *lease) Hold(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.until.Sub(now) >= workflows.LeaseMargin {
		return nil
	}
	until, err := l.store.Extend(ctx, l.claim, now)
	if err != nil {
		return err
	}
	l.until = until
	return nil
}
