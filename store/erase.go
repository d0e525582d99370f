package store

import (
	"context"
	"fmt"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// settle reads entries, the last ones of a record whose links were recomputed, as events. One that was rewritten is
// believed where an [workflows.Erasure] further on, that is itself believed, names the very bytes; else it is an erased
// one. An error comes with the number of the entry that cannot be read.
func settle(entries []entry) (events []workflows.Event, seq uint64, err error) {
	events = make([]workflows.Event, len(entries))
	named := map[uint64]string{}
	for i := len(entries) - 1; i >= 0; i-- {
		en := entries[i]
		read := en.event
		if en.rewritten() && named[en.Seq] == workflows.InsteadHash(en.body) {
			read = en.asItStands
		}
		if events[i], err = read(); err != nil {
			return nil, en.Seq, err
		}
		erased, ok := workflows.ReadErased(events[i])
		if !ok {
			continue
		}
		for n, sum := range erased.Instead {
			if _, later := named[n]; !later && n < en.Seq {
				named[n] = sum
			}
		}
	}
	return events, 0, nil
}

func (en entry) rewritten() bool { return en.Erased && len(en.body) > 0 }

// strayed answers the number of an entry that was rewritten though no believed event names what stands there; 0: none.
// The entries are at least all that were erased, and all erasures.
func strayed(entries []entry) uint64 {
	events, seq, err := settle(entries)
	if err != nil {
		return seq
	}
	for i, e := range events {
		if e.Body == nil && entries[i].rewritten() {
			return e.Seq
		}
	}
	return 0
}

// ReadEvents reads stored events, all of a record whose links hold, as [Store.Chain] does. A [*chain.BrokenError]
// names one that cannot be read.
func ReadEvents(ref workflows.Ref, stored [][]byte) ([]workflows.Event, error) {
	entries := make([]entry, len(stored))
	for i, raw := range stored {
		en, err := decodeEntry(raw)
		if err != nil {
			return nil, &chain.BrokenError{Ref: ref, Seq: uint64(i) + 1, Reason: err.Error()}
		}
		entries[i] = en
	}
	events, seq, err := settle(entries)
	if err != nil {
		return nil, &chain.BrokenError{Ref: ref, Seq: seq, Reason: err.Error()}
	}
	return events, nil
}

// Envelopes implements [workflows.Eraser].
func (s *Store) Envelopes(ctx context.Context, rec workflows.Record) ([]workflows.Raw, []workflows.Event, error) {
	events, err := s.Chain(ctx, rec)
	if err != nil {
		return nil, nil, err
	}
	stored, err := s.Entries(ctx, rec.Ref, rec.Version)
	if err != nil {
		return nil, nil, err
	}
	if len(stored) != len(events) {
		return nil, nil, fmt.Errorf("read the events of %s: %w", rec.Ref, workflows.ErrConflict)
	}
	raws := make([]workflows.Raw, len(stored))
	for i, b := range stored {
		en, err := decodeEntry(b)
		if err != nil {
			return nil, nil, err
		}
		raws[i].Seq = en.Seq
		if events[i].Body != nil {
			raws[i].Body = en.body
		}
	}
	return raws, events, nil
}

// Redact implements [workflows.Eraser]: one script call. Redis's own files keep what was there
// until they are rewritten.
func (s *Store) Redact(ctx context.Context, r workflows.Redaction) error {
	if s.Standing() == SealedElsewhere || s.Standing() == SealedOnce {
		return fmt.Errorf("erase: %w", ErrSealed)
	}
	shard := s.shardOf(r.Ref)
	event, head, err := seal(r.From.Head, r.Ref, r.Event)
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	next := r.Next
	next.Ref, next.Version, next.Head, next.Last = r.Ref, r.Event.Seq, head, r.Event.At
	laid := laidOut(next)
	state, vouch := s.seal.seals(laid)
	c := &call{shard: shard, script: scriptRedact,
		keys: []string{s.keys.record(shard, r.Ref), s.keys.events(shard, r.Ref), s.keys.places(shard, r.Ref.ID)},
		args: []any{r.Event.Seq - 1, r.From.Head, event, laid.version, laid.machine, laid.schema, laid.state, head,
			laid.last,
			state, vouch, len(r.Instead)}}
	for _, raw := range r.Instead {
		var stored []byte
		if err := s.eachEntry(ctx, r.Ref, raw.Seq-1, raw.Seq, func(_ uint64, b []byte) error {
			stored = b
			return nil
		}); err != nil {
			return err
		}
		en, err := decodeEntry(stored)
		if err != nil {
			return fmt.Errorf("erase event %d of %s: %w", raw.Seq, r.Ref, err)
		}
		en.Erased, en.Salt, en.body = true, "", raw.Body
		rewritten, err := en.encode()
		if err != nil {
			return fmt.Errorf("erase event %d of %s: %w", raw.Seq, r.Ref, err)
		}
		c.args = append(c.args, raw.Seq-1, stored, rewritten)
	}
	for _, card := range r.Places {
		c.args = append(c.args, card, againPrefix+card)
	}
	if s.run(ctx, true, c); c.err != nil {
		return written("erase", c.err)
	}
	if c.reply == int64(0) {
		return fmt.Errorf("erase from %s: %w", r.Ref, workflows.ErrConflict)
	}
	return nil
}

// scriptRedact rewrites events of a record, and appends the event that says so.
//
// KEYS: 1 record, 2 events, 3 places. ARGV: version and head as read, the event, version machine
// schema state head last seal vouch, count of rewritten events, for each of them index, entry as
// read, entry as it becomes; then the places that go. Answers 1, or 0 when anything is another than
// was read.
var scriptRedact = newScript("redact", `
local got = redis.call('HMGET', KEYS[1], 'version', 'head')
if got[1] ~= ARGV[1] or got[2] ~= ARGV[2] then return 0 end
local last = 12 + 3 * tonumber(ARGV[12])
for i = 13, last, 3 do
  if redis.call('LINDEX', KEYS[2], ARGV[i]) ~= ARGV[i + 1] then return 0 end
end
for i = 13, last, 3 do redis.call('LSET', KEYS[2], ARGV[i], ARGV[i + 2]) end
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('HSET', KEYS[1], 'version', ARGV[4], 'machine', ARGV[5], 'schema', ARGV[6], 'state', ARGV[7], 'head', ARGV[8],
  'last', ARGV[9], 'seal', ARGV[10], 'vouch', ARGV[11])
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) end
return 1
`)

// Erase removes salt and body of an event and keeps its digest, so the chain still verifies while
// nobody can tell what it said. Erasing twice is no error; [ErrNoEvent] when there is none of that
// number. The record's state is not touched: whoever erases must also commit a state without what
// was erased, and Redis's own files keep it until they are rewritten.
func (s *Store) Erase(ctx context.Context, ref workflows.Ref, seq uint64) error {
	shard := s.shardOf(ref)
	if seq == 0 {
		return fmt.Errorf("erase event 0 of %s: %w", ref.String(), ErrNoEvent)
	}
	var stored []byte
	err := s.eachEntry(ctx, ref, seq-1, seq, func(_ uint64, b []byte) error { stored = b; return nil })
	if err != nil {
		return err
	}
	if stored == nil {
		return fmt.Errorf("erase event %d of %s: %w", seq, ref.String(), ErrNoEvent)
	}
	en, err := decodeEntry(stored)
	if err != nil {
		return fmt.Errorf("erase event %d of %s: %w", seq, ref.String(), err)
	}
	if en.Erased {
		return nil
	}
	en.Erased, en.Salt, en.body = true, "", nil
	erased, err := en.encode()
	if err != nil {
		return fmt.Errorf("erase event %d of %s: %w", seq, ref.String(), err)
	}
	c := &call{shard: shard, script: scriptErase, keys: []string{s.keys.events(shard, ref)},
		args: []any{seq - 1, stored, erased}}
	s.run(ctx, true, c)
	if c.err != nil {
		return written("erase", c.err)
	}
	if c.reply == int64(0) {
		return fmt.Errorf("erase event %d of %s: %w", seq, ref.String(), workflows.ErrConflict)
	}
	return nil
}

// scriptErase puts an erased entry into the place of an event, if the event is still what was read.
//
// KEYS: 1 events. ARGV: index, entry as read, erased entry. Answers 1, or 0 when the entry is another.
var scriptErase = newScript("erase", `
if redis.call('LINDEX', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('LSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`)
