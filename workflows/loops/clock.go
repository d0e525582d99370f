package loops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
)

// ClockOptions wire a Clock.
type ClockOptions struct {
	Store workflows.Timers
	Desk  *Desk
	// Now is the time of commands, RealNow this machine's clock.
	Now, RealNow func() time.Time
	// Ready says whether claims may be made; nil: always.
	Ready func(ctx context.Context) error
	Log   zerolog.Logger
	// Stages hears of each timer, for traces; nil: nobody does.
	Stages workflows.Stages
}

// Bounds of the clock.
const (
	// clockHands is how many fresh timers are claimed and decided at once, and clockAgain how many of
	// those whose lease ended: what cannot be decided now takes no hand from what has just come due.
	clockHands = 64
	clockAgain = 8
	// clockPatience is how long a decision keeps its hand. One that waits longer, as for Slack to
	// answer who somebody is, goes on beside the others; clockSlow bounds how many do.
	clockPatience = 250 * time.Millisecond
	clockSlow     = 512
)

// Clock turns due timers into commands: those of one workflow one after another in the order of
// their times, those of different workflows side by side.
type Clock struct {
	o     ClockOptions
	hints *hints

	mu     sync.Mutex
	queues map[string]*timerQueue // by workflow; there while one of its timers is being decided
	busy   [2]int                 // claimed and neither decided nor slow: fresh, taken again
	slow   int
	more   bool // the last look may have left something due
}

// timerQueue holds the claimed timers of one workflow behind the one being decided.
type timerQueue struct {
	workflow string
	waiting  []dueTimer
	slow     bool // the one being decided has given up its hand
}

// dueTimer is a claimed timer and the time of commands at which it was due.
type dueTimer struct {
	workflows.Claim
	now   time.Time
	ended bool // decided, or given up
}

// kind is 1 for a timer whose lease had ended, for whatever reason, and 0 for one that has just come due.
func (t *dueTimer) kind() int { return min(t.Attempts, 1) }

// NewClock makes a clock.
func NewClock(o ClockOptions) *Clock {
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	return &Clock{o: o, hints: newHints(), queues: map[string]*timerQueue{}}
}

// Wake makes the clock look at once, at these shards or, without any, everywhere. It never blocks.
func (c *Clock) Wake(shards ...int) { c.hints.give(shards...) }

// Run fires timers until ctx ends.
func (c *Clock) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	c.Wake()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			c.Wake()
		case <-c.hints.wake:
			for c.fire(ctx, &running) {
			}
		}
	}
}

// free is how many timers may be claimed now. A look costs a round trip, so none is made for a few
// fresh ones while many are at work.
func (c *Clock) free() (fresh, again int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fresh = clockHands - c.busy[0]; fresh < clockHands/2 {
		fresh = 0
	}
	return fresh, clockAgain - c.busy[1]
}

// fire claims what is due, hands it to the workflows' queues, and answers whether more may be due
// for which there are hands.
func (c *Clock) fire(ctx context.Context, running *sync.WaitGroup) bool {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	fresh, again := c.free()
	if fresh+again == 0 || ctx.Err() != nil {
		return false // whoever settles the next wakes us
	}
	shards, hinted := c.hints.take()
	if !hinted || c.o.Ready(bounded) != nil {
		return false
	}
	now := c.o.Now()
	claims, err := c.o.Store.ClaimTimers(bounded, now, c.o.RealNow(), fresh, again, shards...)
	if err != nil {
		if ctx.Err() == nil {
			c.o.Log.Warn().Err(err).Msg("claim timers")
		}
		return false
	}
	slices.SortStableFunc(claims, func(a, b workflows.Claim) int { return a.Timer.At.Compare(b.Timer.At) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.more = fresh == 0 || len(claims) >= fresh
	for _, claim := range claims {
		c.queue(ctx, &dueTimer{Claim: claim, now: now}, running)
	}
	if len(claims) < fresh || len(claims) == 0 {
		return false
	}
	c.hints.give(shards...)
	return true
}

// queue puts a timer behind the others of its workflow, or begins. One of a workflow that is slow
// just now is let go: its lease ends.
func (c *Clock) queue(ctx context.Context, t *dueTimer, running *sync.WaitGroup) {
	q := c.queues[t.Timer.Workflow]
	if q != nil && q.slow {
		return
	}
	c.busy[t.kind()]++
	if q != nil {
		q.waiting = append(q.waiting, *t)
		return
	}
	q = &timerQueue{workflow: t.Timer.Workflow, waiting: []dueTimer{*t}}
	c.queues[q.workflow] = q
	running.Go(func() { c.work(ctx, q) })
}

// work decides the timers of one workflow until none is left.
func (c *Clock) work(ctx context.Context, q *timerQueue) {
	for {
		c.mu.Lock()
		if len(q.waiting) == 0 {
			delete(c.queues, q.workflow)
			c.mu.Unlock()
			return
		}
		t := q.waiting[0]
		q.waiting = q.waiting[1:]
		c.mu.Unlock()
		aside := time.AfterFunc(clockPatience, func() { c.stepAside(q, &t) })
		c.decide(ctx, t.Claim, t.now)
		aside.Stop()
		c.settled(q, &t)
	}
}

// stepAside takes the hand from a decision that is slow, and lets go of what waits behind it.
func (c *Clock) stepAside(q *timerQueue, t *dueTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.ended || c.slow >= clockSlow {
		return
	}
	q.slow = true
	c.slow++
	c.busy[t.kind()]--
	for _, w := range q.waiting {
		c.busy[w.kind()]--
	}
	q.waiting = nil
	c.Wake()
}

// settled notes that a decision has ended.
func (c *Clock) settled(q *timerQueue, t *dueTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.ended = true
	if q.slow {
		q.slow = false
		c.slow--
	} else {
		c.busy[t.kind()]--
	}
	if c.more && c.busy[0] <= clockHands/2 {
		c.Wake()
	}
}

// decide gives one timer to the desk. One that cannot be decided now stays due: its lease ends.
func (c *Clock) decide(ctx context.Context, claim workflows.Claim, now time.Time) {
	if claim.Until.Sub(c.o.RealNow()) < storeTimeout {
		return // it waited for its turn; what would be decided now might no longer be ours to answer
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	t := *claim.Timer
	bounded, ended := c.o.Stages.Begin(bounded, workflows.StageTimer)
	_, err := c.o.Desk.Do(bounded, workflows.Command{ID: fmt.Sprintf("timer/%s/%s/%d", t.Workflow, t.Name,
		t.At.UnixMilli()),
		Workflow: t.Workflow,
		Name:     workflows.CmdTimer, Actor: workflows.Actor{Kind: workflows.ByTimer}, At: now,
		Round: workflows.NoRound, Timer: &t, Answers: &claim})
	ended(workflows.About{Workflow: t.Workflow}, err)
	log := c.o.Log.With().Str(workflows.LogWorkflow, t.Workflow).Str(workflows.LogTimer, t.Name).Logger()
	switch {
	case err == nil, ctx.Err() != nil:
	case errors.Is(err, workflows.ErrNewer), !passing(err) && !errors.Is(err, workflows.ErrNoWorkflow):
		log.Error().Err(err).Msg("this version cannot decide the timer; it is set aside")
		c.aside(bounded, claim, now)
	case errors.Is(err, workflows.ErrNoWorkflow):
		if err := c.o.Store.DropTimer(bounded, claim); err != nil {
			log.Warn().Err(err).Msg("drop a timer without workflow")
		}
	default:
		log.Warn().Err(err).Msg("the timer stays due")
	}
}

// aside leaves a timer for later, or for a newer version, for ever if need be: again after as long
// as it is due already.
func (c *Clock) aside(ctx context.Context, claim workflows.Claim, now time.Time) {
	wait := min(max(now.Sub(claim.Timer.At), workflows.LeaseFor), lastAside)
	if err := c.o.Store.Finish(ctx, claim, workflows.Finish{NotBefore: c.o.RealNow().Add(wait),
		Failed: true}); err != nil &&
		!errors.Is(err, workflows.ErrLeaseLost) {
		c.o.Log.Warn().Err(err).Str(workflows.LogTimer, claim.Timer.Name).Msg("set a timer aside")
	}
}
