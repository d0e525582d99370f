package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// headsAtOnce is how many heads are read in one round trip.
const headsAtOnce = 500

// DrawCheckpoint makes the checkpoint after the last one of the ledger: it reads where each record
// stands, page by page, and writes nothing. between is called before each page, as to hold a lease;
// its error ends the reading. Records move on meanwhile: each head is one that its record had. A
// record that moved on is compared with where the last checkpoint saw it. A ledger whose
// checkpoints do not hold is gone on with all the same, for [Store.VerifyLedger] to name. Errors:
// [workflows.ErrAway], and those of between.
func (s *Store) DrawCheckpoint(ctx context.Context, at time.Time, between func() error) (workflows.Drawn, error) {
	var ledger chain.Ledger
	if err := s.eachLedgerEvent(ctx, func(e workflows.Event) error {
		_, _, err := ledger.Read(e.Seq, e.Type, e.Body)
		if errors.Is(err, chain.ErrCheckpoint) {
			return nil
		}
		return err
	}); err != nil {
		return workflows.Drawn{}, fmt.Errorf("draw a checkpoint: %w", err)
	}
	var now []chain.Head
	for shard := range s.shards {
		refs, err := s.shardRefs(ctx, shard, "")
		if err != nil {
			return workflows.Drawn{}, err
		}
		// its own chain holds it
		refs = slices.DeleteFunc(refs, func(r workflows.Ref) bool { return r.Kind == workflows.KindLedger })
		for page := range slices.Chunk(refs, headsAtOnce) {
			if err := between(); err != nil {
				return workflows.Drawn{}, err
			}
			heads, err := s.heads(ctx, page)
			if err != nil {
				return workflows.Drawn{}, err
			}
			now = append(now, heads...)
		}
	}
	rewritten := map[workflows.Ref]bool{}
	v := &ledgerCheck{s: s, failed: func(ref workflows.Ref, _ error) {
		rewritten[ref] = true
	}, named: map[workflows.Ref]bool{}}
	for page := range slices.Chunk(ledger.Grew(now), headsAtOnce) {
		if err := between(); err != nil {
			return workflows.Drawn{}, err
		}
		if err := v.want(ctx, ledger.Last.Number, page); err != nil {
			return workflows.Drawn{}, err
		}
	}
	if err := v.look(ctx); err != nil {
		return workflows.Drawn{}, err
	}
	c, changed := ledger.Next(at, now, rewritten)
	return workflows.Drawn{Checkpoint: c, Heads: changed}, nil
}

// heads reads where records of one shard stand. Those that do not exist, or make no sense, are left out.
func (s *Store) heads(ctx context.Context, refs []workflows.Ref) ([]chain.Head, error) {
	cmds := make([]*redis.SliceCmd, len(refs))
	err := s.read(ctx, "read heads", func() error {
		pipe := s.rdb.Pipeline()
		for i, ref := range refs {
			cmds[i] = pipe.HMGet(ctx, s.keys.record(s.shardOf(ref), ref), "version", "head")
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var heads []chain.Head
	for i, ref := range refs {
		fields := cmds[i].Val()
		if len(fields) != 2 {
			continue
		}
		version, _ := fields[0].(string)
		link, _ := fields[1].(string)
		n, err := strconv.ParseUint(version, 10, 64)
		if err != nil || n == 0 || !chain.IsHash(link) {
			continue
		}
		heads = append(heads, chain.Head{Ref: ref, Version: n, Link: link})
	}
	return heads, nil
}

// eachLedgerEvent hands out the ledger's events, oldest first. An erased one is an error: nothing
// of a ledger is ever erased.
func (s *Store) eachLedgerEvent(ctx context.Context, f func(workflows.Event) error) error {
	return s.eachEntry(ctx, s.ledger(), 0, 0, func(seq uint64, stored []byte) error {
		en, err := decodeEntry(stored)
		if err != nil {
			return fmt.Errorf("event %d: %w", seq, err)
		}
		if en.Erased {
			return fmt.Errorf("event %d was erased, which is never done to a ledger", seq)
		}
		e, err := en.event()
		if err != nil {
			return err
		}
		return f(e)
	})
}

func (s *Store) ledger() workflows.Ref { return workflows.RecordRef(workflows.LedgerID(s.shards)) }

// VerifyLedger recomputes the root of every checkpoint and looks whether each record still has, at
// the number that a checkpoint names, the link that it names: then the record only grew since.
// expected are the roots, by number, that somebody read where the operator of Redis cannot write; a
// ledger without them, or with others, does not hold. failed is told, with a [*chain.BrokenError], of
// each record that does not hold and the first checkpoint that shows it. It answers the last
// checkpoint (number 0: none was made); err is for what kept it from looking. The chains themselves
// are for [Store.VerifyAll].
func (s *Store) VerifyLedger(ctx context.Context, expected map[uint64]string, failed func(workflows.Ref, error)) (
	chain.Checkpoint, error) {
	v := &ledgerCheck{s: s, failed: failed, named: map[workflows.Ref]bool{}}
	var ledger chain.Ledger
	found := map[uint64]bool{}
	err := s.eachLedgerEvent(ctx, func(e workflows.Event) error {
		made, heads, err := ledger.Read(e.Seq, e.Type, e.Body)
		if made == nil {
			return err
		}
		if err != nil {
			v.ledgerFails("checkpoint %d: %v", made.Number, err)
		}
		if root, given := expected[made.Number]; given {
			found[made.Number] = true
			if root != made.Root {
				v.ledgerFails("checkpoint %d has the root %s here, and %s where you read it: the record was rewritten",
					made.Number, made.Root, root)
			}
		}
		return v.want(ctx, made.Number, heads)
	})
	if err == nil {
		err = v.look(ctx)
	}
	if errors.Is(err, workflows.ErrAway) {
		return ledger.Last, err
	}
	if err != nil {
		v.ledgerFails("%v", err)
	}
	for _, n := range slices.Sorted(maps.Keys(expected)) {
		if !found[n] {
			v.ledgerFails("there is no checkpoint %d here: the ledger was cut off or removed", n)
		}
	}
	return ledger.Last, nil
}

// ledgerCheck compares what checkpoints name with what is stored, some heads at once.
type ledgerCheck struct {
	s      *Store
	failed func(workflows.Ref, error)
	named  map[workflows.Ref]bool // records that do not hold: each is told once
	wanted []wantedHead
}

type wantedHead struct {
	chain.Head
	number uint64 // of the checkpoint

	version *redis.StringCmd
	entry   *redis.StringCmd
}

func (v *ledgerCheck) ledgerFails(format string, args ...any) {
	ref := v.s.ledger()
	v.failed(ref, &chain.BrokenError{Ref: ref, Reason: fmt.Sprintf(format, args...)})
}

func (v *ledgerCheck) want(ctx context.Context, number uint64, heads []chain.Head) error {
	for _, h := range heads {
		v.wanted = append(v.wanted, wantedHead{Head: h, number: number})
		if len(v.wanted) == headsAtOnce {
			if err := v.look(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// look reads the event behind each wanted head.
func (v *ledgerCheck) look(ctx context.Context) error {
	if len(v.wanted) == 0 {
		return nil
	}
	err := v.s.read(ctx, "compare records with a checkpoint", func() error {
		pipe := v.s.rdb.Pipeline()
		for i := range v.wanted {
			w := &v.wanted[i]
			shard := v.s.shardOf(w.Ref)
			w.version = pipe.HGet(ctx, v.s.keys.record(shard, w.Ref), "version")
			w.entry = pipe.LIndex(ctx, v.s.keys.events(shard, w.Ref), int64(w.Version)-1)
		}
		_, _ = pipe.Exec(ctx) // it answers the first error, which may be that one of many is not there
		for _, w := range v.wanted {
			for _, err := range []error{w.version.Err(), w.entry.Err()} {
				if err != nil && !errors.Is(err, redis.Nil) {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range v.wanted {
		if reason := w.check(); reason != "" && !v.named[w.Ref] {
			v.named[w.Ref] = true
			v.failed(w.Ref, &chain.BrokenError{Ref: w.Ref, Reason: reason})
		}
	}
	v.wanted = v.wanted[:0]
	return nil
}

// check says what is wrong with a record according to a checkpoint.
func (w wantedHead) check() string {
	version, _ := strconv.ParseUint(w.version.Val(), 10, 64)
	events := workflows.Plural(int(w.Version), "event")
	switch {
	case w.version.Err() != nil:
		return fmt.Sprintf("checkpoint %d names it with %s, but there is no such record", w.number, events)
	case w.entry.Err() != nil || version < w.Version:
		return fmt.Sprintf("checkpoint %d names it with %s, but its end was cut off: version %d", w.number,
			events, version)
	}
	en, err := decodeEntry([]byte(w.entry.Val()))
	if err != nil || en.Link != w.Link {
		return fmt.Sprintf("event %d is not the one that checkpoint %d names: it, or one before it, was rewritten",
			w.Version, w.number)
	}
	return ""
}
