package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
)

// ClockOptions wire a Clock.
type ClockOptions struct {
	Store Timers
	Desk  *Desk
	// Now is the time of commands, RealNow this machine's clock.
	Now, RealNow func() time.Time
	// Ready says whether claims may be made; nil: always.
	Ready func(ctx context.Context) error
	Log   zerolog.Logger
}

// Clock turns due timers into commands.
type Clock struct {
	o    ClockOptions
	wake chan struct{}
}

// NewClock makes a clock.
func NewClock(o ClockOptions) *Clock {
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	return &Clock{o: o, wake: make(chan struct{}, 1)}
}

// Wake makes the clock look at once. It never blocks.
func (c *Clock) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run fires timers until ctx ends.
func (c *Clock) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for c.fire(ctx) {
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-c.wake:
		}
	}
}

// timersAtOnce is how many timers one look takes.
const timersAtOnce = 32

// fire decides what is due and answers whether more may be.
func (c *Clock) fire(ctx context.Context) bool {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if ctx.Err() != nil || c.o.Ready(bounded) != nil {
		return false
	}
	now := c.o.Now()
	claims, err := c.o.Store.ClaimTimers(bounded, now, c.o.RealNow(), timersAtOnce)
	if err != nil {
		if ctx.Err() == nil {
			c.o.Log.Warn().Err(err).Msg("claim timers")
		}
		return false
	}
	for _, claim := range claims {
		c.decide(ctx, claim, now)
	}
	return len(claims) == timersAtOnce
}

// decide gives one timer to the desk. One that cannot be decided now stays due: its lease ends.
func (c *Clock) decide(ctx context.Context, claim Claim, now time.Time) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	t := *claim.Timer
	_, err := c.o.Desk.Do(bounded, Command{ID: fmt.Sprintf("timer/%s/%s/%d", t.Workflow, t.Name, t.At.UnixMilli()), Workflow: t.Workflow,
		Name: CmdTimer, Actor: Actor{Kind: ByTimer}, At: now, Round: NoRound, Timer: &t, Answers: &claim})
	log := c.o.Log.With().Str(LogWorkflow, t.Workflow).Str(LogTimer, t.Name).Logger()
	switch {
	case errors.Is(err, ErrNoWorkflow):
		if err := c.o.Store.DropTimer(bounded, claim); err != nil {
			log.Warn().Err(err).Msg("drop a timer without workflow")
		}
	case err != nil && ctx.Err() == nil:
		log.Warn().Err(err).Msg("the timer stays due")
	}
}
