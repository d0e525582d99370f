package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/record"
)

const (
	// doubtAgain is the least distance of two log lines about the same thing; each reading is counted in the metric.
	doubtAgain = time.Hour
	// doubtRetry is how often a message is tried that was not taken.
	doubtRetry = time.Minute
	// doubtGather is how long the first doubt waits for others that are read with it, so that one
	// message names them all.
	doubtGather = 2 * time.Second
	// maxDoubts bounds what is remembered until it is told.
	maxDoubts = 1000
)

// doubts collects what the store does not vouch for until the channel was told, once a day at most.
type doubts struct {
	s    *Server
	wake chan struct{}

	mu      sync.Mutex
	logged  map[string]time.Time
	pending map[string]bool
}

func newDoubts(s *Server) *doubts {
	return &doubts{s: s, wake: make(chan struct{}, 1), logged: map[string]time.Time{}, pending: map[string]bool{}}
}

// add is the store's hook: it counts, logs and remembers, and never blocks.
func (d *doubts) add(ref workflows.Ref, what workflows.Doubt) {
	d.s.metrics.doubts.WithLabelValues(string(what)).Inc()
	name := fmt.Sprintf("%s %s (%s)", ref.Kind, ref.ID, what)
	now := d.s.o.RealNow()
	d.mu.Lock()
	defer d.mu.Unlock()
	if last, known := d.logged[name]; known && now.Sub(last) < doubtAgain {
		return
	}
	if len(d.logged) >= maxDoubts {
		clear(d.logged)
	}
	d.logged[name] = now
	if len(d.pending) < maxDoubts {
		d.pending[name] = true
	}
	d.s.o.Log.Error().Str(workflows.LogKind, ref.Kind).Str(workflows.LogRecord, ref.ID).Str(workflows.LogDoubt,
		string(what)).
		Msg("this is not what Keyholder stored in Redis, so it was not believed; run keyholder audit verify")
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// tellOfRecord has the ledger opened, and tells of what is not as Keyholder stored it, until ctx ends.
func (s *Server) tellOfRecord(ctx context.Context) error {
	if err := s.keepLedger(ctx); err != nil {
		return err
	}
	return s.doubts.tell(ctx)
}

// tell has the ledger tell the channel of what was collected, until ctx ends.
func (d *doubts) tell(ctx context.Context) error {
	tick := time.NewTicker(doubtRetry)
	defer tick.Stop()
	for {
		if names := d.collected(); len(names) > 0 {
			err := d.s.notify(ctx, record.CmdDoubted, map[string]string{record.BlockRecords: strings.Join(names,
				"\n")})
			var refused *workflows.Refusal
			switch {
			case err == nil:
				d.told(names)
			case errors.As(err, &refused) && refused.Code == record.CodeToldToday, ctx.Err() != nil:
			default:
				d.s.o.Log.Warn().Err(err).Msg("the channel cannot be told yet what is not as Keyholder stored it")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-d.wake:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(doubtGather):
			}
		}
	}
}

func (d *doubts) collected() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.pending))
}

func (d *doubts) told(names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		delete(d.pending, name)
	}
}

// notify has the ledger tell the channel something about the record; it opens the ledger if need be.
func (s *Server) notify(ctx context.Context, command string, input map[string]string) error {
	bounded, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return s.lookOrOpen(bounded, workflows.Command{Workflow: workflows.LedgerID(s.store.Shards()),
		Input: s.ledgerChannels(input)}, command, record.OpenLedger)
}

// seal brings the record's seals in line with the keys of this start, before anything is read or
// decided. While Redis is away it waits; it answers nil also when ctx ended first.
func (s *Server) seal(ctx context.Context) error {
	told := false
	for {
		err := s.sealOnce(ctx, &told)
		if err == nil || !worthWaiting(err) {
			return err
		}
		s.o.Log.Warn().Err(err).Msg("the record cannot be sealed yet")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(startRetry):
		}
	}
}

func (s *Server) sealOnce(ctx context.Context, told *bool) error {
	switch s.store.Standing() {
	case store.SealedElsewhere:
		s.o.Log.Error().Msg(
			"the record was sealed, but KEYHOLDER_SEAL_KEY is not set: from here on whatever stands in Redis is believed")
		return s.store.Unseal(ctx)
	case store.SealedOnce:
		refs, err := s.store.Refs(ctx, "")
		if err != nil {
			return err
		}
		s.o.Log.Warn().Int(workflows.LogRecords, len(refs)).Msg(
			"KEYHOLDER_SEAL_KEY is new here: the record is sealed with it, folded anew from its events")
		if !*told {
			if err := s.notify(ctx, record.CmdSealed, map[string]string{
				record.BlockCount: strconv.Itoa(len(refs))}); err != nil {
				return fmt.Errorf("tell that the key is new: %w", err)
			}
			*told = true
		}
	case store.SealedFormerly:
		s.o.Log.Info().Msg("the record is sealed anew with the first of the keys")
	default:
		return nil
	}
	done, err := s.store.SealAll(ctx, func(ctx context.Context, rec workflows.Record) (workflows.Record, error) {
		return workflows.Refold(ctx, s.store, Machines(), rec)
	})
	if err != nil {
		return fmt.Errorf("seal the record: %w", err)
	}
	s.o.Log.Info().Int(workflows.LogRecords, done.Records).Int("differed", len(done.Differed)).Int("left",
		len(done.Left)).Msg("the record is sealed")
	for _, ref := range done.Differed {
		s.doubts.add(ref, workflows.DoubtState)
	}
	for _, ref := range done.Left {
		s.doubts.add(ref, workflows.DoubtChain)
	}
	return nil
}
