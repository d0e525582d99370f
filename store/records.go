package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// pageSize is how many events or names are read at once.
const pageSize = 1000

// recordFields in the order in which readRecord takes them.
var recordFields = []string{"version", "machine", "schema", "state", "head", "last", "seal", "vouch"}

// Load implements [workflows.Records]: one pipelined round trip, in a cluster one for each master concerned.
func (s *Store) Load(ctx context.Context, refs ...workflows.Ref) ([]workflows.Record, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	cmds := make([]*redis.SliceCmd, len(refs))
	shards := make([]int, len(refs))
	var clock *clockCheck
	err := s.read(ctx, "load records", func() error {
		pipe := s.rdb.Pipeline()
		for i, ref := range refs {
			shards[i] = s.shardOf(ref)
			cmds[i] = pipe.HMGet(ctx, s.keys.record(shards[i], ref), recordFields...)
		}
		clock = s.askTime(ctx, pipe, shards)
		_, err := pipe.Exec(ctx)
		clock.answered()
		return err
	})
	if err == nil {
		err = clock.verdict()
	}
	if err != nil {
		return nil, err
	}
	records := make([]workflows.Record, len(refs))
	for i, ref := range refs {
		var doubt workflows.Doubt
		records[i], doubt, err = s.readRecord(ref, cmds[i].Val())
		switch {
		case s.strict.Load() && (err != nil || doubt != ""):
			if err != nil {
				doubt = workflows.DoubtChain
			}
			if records[i], err = s.doubtful(ctx, records[i], doubt); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		}
	}
	return records, nil
}

// doubtful is what may be used of a record that its seal does not vouch for.
func (s *Store) doubtful(ctx context.Context, r workflows.Record, doubt workflows.Doubt) (workflows.Record, error) {
	s.doubted(r.Ref, doubt)
	r = workflows.Record{Ref: r.Ref, Version: r.Version, Head: r.Head, Doubt: doubt}
	if doubt == workflows.DoubtChain {
		return r, nil
	}
	// The time of the last event: its link is the head, which is vouched for.
	err := s.eachEntry(ctx, r.Ref, r.Version-1, r.Version, func(_ uint64, stored []byte) error {
		en, err := decodeEntry(stored)
		if err == nil && en.Link == r.Head {
			r.Last = time.UnixMilli(en.At).UTC()
		}
		return err
	})
	if err != nil && !errors.Is(err, workflows.ErrAway) {
		err = fmt.Errorf("read the last event of %s: %w: %w", r.Ref.String(), workflows.ErrDoubted, err)
	}
	return r, err
}

// readRecord reads a record as it is stored, and what its seals do not vouch for. Without a key
// they vouch for everything.
func (s *Store) readRecord(ref workflows.Ref, fields []any) (workflows.Record, workflows.Doubt, error) {
	r := workflows.Record{Ref: ref}
	if len(fields) != len(recordFields) || fields[0] == nil {
		return r, "", nil
	}
	var text [8]string
	for i, f := range fields {
		text[i], _ = f.(string)
	}
	doubt := workflows.Doubt("")
	if s.seal.on() {
		doubt = s.seal.doubt(sealedRecord{ref.String(), text[0], text[1], text[2], text[3], text[4], text[5]}, text[6],
			text[7])
	}
	var err error
	if r.Version, err = strconv.ParseUint(text[0], 10, 64); err != nil {
		return r, doubt, fmt.Errorf("read the version of %s: %w", ref.String(), err)
	}
	r.Machine, r.State, r.Head = text[1], []byte(text[3]), text[4]
	if r.Schema, err = strconv.Atoi(text[2]); err != nil && doubt == "" {
		return r, doubt, fmt.Errorf("read the schema of %s: %w", ref.String(), err)
	}
	if r.Last, err = fromMillis(text[5]); err != nil && doubt == "" {
		return r, doubt, fmt.Errorf("read the time of %s: %w", ref.String(), err)
	}
	return r, doubt, nil
}

// laidOut is a record as the text of its fields.
func laidOut(r workflows.Record) sealedRecord {
	return sealedRecord{id: r.Ref.String(), version: strconv.FormatUint(r.Version, 10), machine: r.Machine,
		schema: strconv.Itoa(r.Schema),
		state:  string(r.State), head: r.Head, last: millis(r.Last)}
}

// Chain implements [workflows.Records].
func (s *Store) Chain(ctx context.Context, rec workflows.Record) ([]workflows.Event, error) {
	return s.Tail(ctx, rec, 1)
}

// Tail implements [workflows.Records]. The event before the first wanted is read along with them, for its link.
func (s *Store) Tail(ctx context.Context, rec workflows.Record, first uint64) ([]workflows.Event, error) {
	doubt := func(seq uint64, reason string) error {
		return fmt.Errorf("%w: %w", workflows.ErrDoubted, &chain.BrokenError{Ref: rec.Ref, Seq: seq, Reason: reason})
	}
	first = max(first, 1)
	if first > rec.Version {
		if rec.Version == 0 && rec.Head != "" {
			return nil, doubt(0, "its events do not end where the record does")
		}
		return nil, nil
	}
	entries := make([]entry, 0, rec.Version-first+1)
	head := ""
	err := s.eachEntry(ctx, rec.Ref, max(first, 2)-2, rec.Version, func(seq uint64, stored []byte) error {
		en, err := decodeEntry(stored)
		if err != nil {
			return doubt(seq, err.Error())
		}
		if seq < first {
			head = en.Link
			return nil
		}
		if err := en.link(head).Check(rec.Ref, seq, head); err != nil {
			return fmt.Errorf("%w: %w", workflows.ErrDoubted, err)
		}
		entries, head = append(entries, en), en.Link
		return nil
	})
	if err != nil {
		return nil, err
	}
	if uint64(len(entries)) != rec.Version-first+1 || head != rec.Head {
		return nil, doubt(0, "its events do not end where the record does")
	}
	events, seq, err := settle(entries)
	if err != nil {
		return nil, doubt(seq, err.Error())
	}
	return events, nil
}

// Events implements [workflows.Records].
func (s *Store) Events(ctx context.Context, ref workflows.Ref, after uint64) ([]workflows.Event, error) {
	var events []workflows.Event
	err := s.eachEntry(ctx, ref, after, 0, func(_ uint64, stored []byte) error {
		en, err := decodeEntry(stored)
		if err != nil {
			return fmt.Errorf("read events of %s: %w", ref.String(), err)
		}
		e, err := en.event()
		if err != nil {
			return fmt.Errorf("read events of %s: %w", ref.String(), err)
		}
		events = append(events, e)
		return nil
	})
	return events, err
}

// eachEntry hands out the stored entries behind after, up to the number last (0: all), in pages.
func (s *Store) eachEntry(ctx context.Context, ref workflows.Ref, after, last uint64,
	f func(seq uint64, stored []byte) error) error {
	key := s.keys.events(s.shardOf(ref), ref)
	for {
		stop := int64(after) + pageSize - 1
		if last > 0 {
			stop = min(stop, int64(last)-1)
		}
		var page []string
		err := s.read(ctx, "read events of "+ref.String(), func() (err error) {
			page, err = s.rdb.LRange(ctx, key, int64(after), stop).Result()
			return err
		})
		if err != nil {
			return err
		}
		for _, stored := range page {
			after++
			if err := f(after, []byte(stored)); err != nil {
				return err
			}
		}
		if len(page) < pageSize || last > 0 && after >= last {
			return nil
		}
	}
}

// Waiting implements [workflows.Records]: those that wait longest come first.
func (s *Store) Waiting(ctx context.Context, person string) ([]string, error) {
	cmds := make([]*redis.ZSliceCmd, s.shards)
	err := s.read(ctx, "list what waits for a person", func() error {
		pipe := s.rdb.Pipeline()
		for shard := range cmds {
			cmds[shard] = pipe.ZRangeWithScores(ctx, s.keys.waiting(shard, person), 0, -1)
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []redis.Z
	for _, cmd := range cmds {
		all = append(all, cmd.Val()...)
	}
	slices.SortStableFunc(all, func(a, b redis.Z) int {
		return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(fmt.Sprint(a.Member), fmt.Sprint(b.Member)))
	})
	ids := make([]string, len(all))
	for i, z := range all {
		ids[i] = fmt.Sprint(z.Member)
	}
	return ids, nil
}

// Open implements [workflows.Records].
func (s *Store) Open(ctx context.Context, account string) ([]string, error) {
	var ids []string
	err := s.read(ctx, "list open workflows", func() (err error) {
		ids, err = s.rdb.ZRange(ctx, s.keys.open(workflows.ShardOf(account, s.shards), account), 0, -1).Result()
		return err
	})
	return ids, err
}

// Place implements [workflows.Records].
func (s *Store) Place(ctx context.Context, workflow, name, recipient string) (workflows.Place, bool, error) {
	var raw string
	err := s.read(ctx, "look up a card", func() (err error) {
		raw, err = s.rdb.HGet(ctx, s.keys.places(s.shardOfWorkflow(workflow), workflow),
			placeField(name, recipient)).Result()
		return err
	})
	if err != nil || raw == "" {
		return workflows.Place{}, false, err
	}
	p, ok := s.place(workflow, placeField(name, recipient), raw)
	return p, ok && p.TS != "", nil
}
