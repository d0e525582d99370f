package serve

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/keyholder/keyholder/store"
)

// readyEvery is how often Redis is asked whether it answers and what time it is.
const readyEvery = time.Second

// state is a verdict kept for the loops and for /readyz.
type state struct{ err error }

// errNotYet is the verdict before the first look.
var errNotYet = errors.New("no answer from Redis yet")

// watchRedis keeps the verdict fresh until ctx ends.
func (s *Server) watchRedis(ctx context.Context) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Server) look(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := s.store.Ready(bounded, s.o.RealNow())
	if ctx.Err() != nil {
		return
	}
	old := s.redis.Swap(&state{err})
	switch {
	case err != nil && (old == nil || old.err == nil):
		s.o.Log.Warn().Err(err).Msg("Redis is not ready; nothing is claimed until it is")
	case err == nil && old != nil && old.err != nil && !errors.Is(old.err, errNotYet):
		s.o.Log.Info().Msg("Redis is ready again")
	}
	if s.store.FailedOver() {
		select {
		case s.redraw <- struct{}{}:
		default:
		}
	}
	ready := 0.0
	if s.Unready() == "" {
		ready = 1
	}
	s.metrics.ready.Set(ready)
}

// ready is what courier and clock ask before they claim.
func (s *Server) ready(context.Context) error {
	if err := s.redis.Load().err; !errors.Is(err, store.ErrPartly) {
		return err
	}
	return nil // one dead master of a cluster does not stop the shards of the others
}

// Unready says what is missing, "" for nothing. It may be asked at any time.
func (s *Server) Unready() string {
	if err := s.redis.Load().err; err != nil {
		return "Redis: " + err.Error()
	}
	if !s.bot.Connected() {
		return "Slack: the socket is not connected"
	}
	return ""
}

// verdict is an atomic state.
type verdict = atomic.Pointer[state]
