package store

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// Verify recomputes the chain of a record from its first event and compares it with the head,
// version and last time that the record names. A [*chain.BrokenError] says where it does not hold. An
// erased event counts with the digest it left behind. Other errors: [workflows.ErrAway].
func (s *Store) Verify(ctx context.Context, ref workflows.Ref) error {
	_, err := s.verify(ctx, ref)
	return err
}

// verify answers the number of events as well.
func (s *Store) verify(ctx context.Context, ref workflows.Ref) (uint64, error) {
	broken := func(seq uint64, format string, args ...any) error {
		return &chain.BrokenError{Ref: ref, Seq: seq, Reason: fmt.Sprintf(format, args...)}
	}
	rec, count, err := s.snapshot(ctx, ref)
	if err != nil {
		return 0, err
	}
	switch {
	case rec.Version == 0 && count == 0:
		return 0, broken(0, "there is no such record")
	case rec.Version != count:
		return 0, broken(0, "its version is %d, but %d events are stored", rec.Version, count)
	}
	head, last := "", int64(0)
	var seen uint64
	var erased []entry
	err = s.eachEntry(ctx, ref, 0, rec.Version, func(seq uint64, stored []byte) error {
		en, err := decodeEntry(stored)
		if err != nil {
			return broken(seq, "it cannot be read: %v", err)
		}
		if err := en.link(head).Check(ref, seq, head); err != nil {
			return err
		}
		if en.Erased || en.Type == workflows.Erasure {
			erased = append(erased, en)
		}
		head, last, seen = en.Link, en.At, seq
		return nil
	})
	if seq := strayed(erased); err == nil && seq > 0 {
		err = broken(seq, "something else stands in the place of what was erased, and no event of the record names it")
	}
	switch {
	case err != nil:
		return seen, err
	case seen != rec.Version:
		return seen, broken(seen+1, "it is missing")
	case head != rec.Head:
		return seen, broken(0, "its head is %s, the last link is %s", rec.Head, head)
	case last != rec.Last.UnixMilli():
		return seen, broken(0, "its last time is not that of the last event")
	}
	return seen, nil
}

// snapshot reads the record and the number of its events at one moment.
func (s *Store) snapshot(ctx context.Context, ref workflows.Ref) (workflows.Record, uint64, error) {
	shard := s.shardOf(ref)
	var fields *redis.SliceCmd
	var count *redis.IntCmd
	err := s.read(ctx, "read "+ref.String(), func() error {
		pipe := s.rdb.TxPipeline()
		fields = pipe.HMGet(ctx, s.keys.record(shard, ref), recordFields...)
		count = pipe.LLen(ctx, s.keys.events(shard, ref))
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return workflows.Record{}, 0, err
	}
	rec, _, err := s.readRecord(ref, fields.Val())
	if err != nil {
		return rec, 0, &chain.BrokenError{Ref: ref, Reason: err.Error()}
	}
	return rec, uint64(count.Val()), nil
}

// VerifyAll verifies every record that the index lists, and that the workflows listed as open exist
// and are in the index. A closed record taken out together with its index entry shows by the
// checkpoints only. It goes on after a record that does not hold and tells of each by calling
// failed with a [*chain.BrokenError]; err is for what kept it from looking. It answers how many records
// and events it looked at.
func (s *Store) VerifyAll(ctx context.Context, failed func(workflows.Ref, error)) (records, events int, err error) {
	for shard := range s.shards {
		refs, err := s.shardRefs(ctx, shard, "")
		if err != nil {
			return records, events, err
		}
		listed := make(map[workflows.Ref]bool, len(refs))
		for _, ref := range refs {
			listed[ref] = true
		}
		for _, ref := range refs {
			n, err := s.verify(ctx, ref)
			records, events = records+1, events+int(n)
			if err == nil && s.shardOf(ref) != shard {
				err = &chain.BrokenError{Ref: ref, Reason: fmt.Sprintf("it is listed on shard %d", shard)}
			}
			if err != nil && !isBroken(err) {
				return records, events, err
			}
			if err != nil {
				failed(ref, err)
			}
			if err := s.verifyOpen(ctx, ref, listed, failed); err != nil {
				return records, events, err
			}
		}
	}
	return records, events, nil
}

// verifyOpen looks whether an account's open workflows are all there.
func (s *Store) verifyOpen(ctx context.Context, ref workflows.Ref, listed map[workflows.Ref]bool,
	failed func(workflows.Ref, error)) error {
	if ref.Kind != workflows.KindAccount {
		return nil
	}
	open, err := s.Open(ctx, ref.ID)
	if err != nil {
		return err
	}
	for _, id := range open {
		w := workflows.Ref{Kind: workflows.KindWorkflow, ID: id}
		if listed[w] {
			continue
		}
		rec, _, err := s.snapshot(ctx, w)
		if err != nil && !isBroken(err) {
			return err
		}
		if rec.Version == 0 {
			failed(w, &chain.BrokenError{Ref: w, Reason: "it is listed as open for " + ref.String() +
				", but there is no such record"})
			continue
		}
		// It may have been opened after the index was read.
		known, err := s.indexed(ctx, w)
		if err != nil {
			return err
		}
		if !known {
			failed(w, &chain.BrokenError{Ref: w, Reason: "it exists and is open for " + ref.String() +
				", but the index does not list it"})
		}
	}
	return nil
}

// indexed reports whether the index lists a record.
func (s *Store) indexed(ctx context.Context, ref workflows.Ref) (known bool, err error) {
	err = s.read(ctx, "look into the index", func() error {
		known = false
		err := s.rdb.ZScore(ctx, s.keys.records(s.shardOf(ref)), ref.String()).Err()
		known = err == nil
		return err
	})
	return known, err
}
