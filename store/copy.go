package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// cutTries is how often a cut is begun anew because a record was added meanwhile.
const cutTries = 100

// Stood is a record as it stood at the moment of a cut. Record has Ref, Version and Head; Doubt is
// [workflows.DoubtChain] where no seal vouches for them.
type Stood struct {
	Record workflows.Record
	// Cards are the lanes in which cards of the record were still to be brought up to date.
	Cards [2]bool
}

// Cut answers where every record of a shard stands, all at one moment, between two commits: events
// behind that are later ones, and those up to it never change, so they can be read afterwards, at
// leisure. left are those that the index lists and that are not there, or make no sense. Errors:
// [workflows.ErrAway].
func (s *Store) Cut(ctx context.Context, shard int) (stood []Stood, left []workflows.Ref, err error) {
	for range cutTries {
		refs, err := s.shardRefs(ctx, shard, "")
		if err != nil {
			return nil, nil, err
		}
		stood, left, whole, err := s.cut(ctx, shard, refs)
		if err != nil || whole {
			return stood, left, err
		}
	}
	return nil, nil, fmt.Errorf("copy shard %d: %w: records are added faster than they can be listed", shard,
		workflows.ErrAway)
}

// cut reads one moment; whole false: the index lists others by now.
func (s *Store) cut(ctx context.Context, shard int, refs []workflows.Ref) (stood []Stood, left []workflows.Ref,
	whole bool, err error) {
	cmds := make([]*redis.SliceCmd, len(refs))
	var listed *redis.IntCmd
	var due [2]*redis.StringSliceCmd
	err = s.read(ctx, "copy a shard", func() error {
		_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
			listed = p.ZCard(ctx, s.keys.records(shard))
			for i, ref := range refs {
				cmds[i] = p.HMGet(ctx, s.keys.record(shard, ref), "version", "head", "vouch")
			}
			for lane := range due {
				due[lane] = p.ZRange(ctx, s.keys.due(shard, lane), 0, -1)
			}
			return nil
		})
		return err
	})
	if err != nil || listed.Val() != int64(len(refs)) {
		return nil, nil, false, err
	}
	cards := map[string][2]bool{}
	for lane := range due {
		for _, key := range due[lane].Val() {
			if id, ok := workflows.CardsOf(key); ok {
				lanes := cards[id]
				lanes[lane] = true
				cards[id] = lanes
			}
		}
	}
	for i, ref := range refs {
		rec, ok := s.stoodAs(ref, cmds[i].Val())
		if !ok {
			left = append(left, ref)
			continue
		}
		stood = append(stood, Stood{Record: rec, Cards: cards[ref.ID]})
	}
	return stood, left, true, nil
}

// stoodAs reads version, head and the seal over them.
func (s *Store) stoodAs(ref workflows.Ref, fields []any) (workflows.Record, bool) {
	var text [3]string
	for i := range min(len(fields), len(text)) {
		text[i], _ = fields[i].(string)
	}
	version, err := strconv.ParseUint(text[0], 10, 64)
	if err != nil || version == 0 {
		return workflows.Record{}, false
	}
	rec := workflows.Record{Ref: ref, Version: version, Head: text[1]}
	r := sealedRecord{id: ref.String(), version: text[0], head: text[1]}
	if s.strict.Load() && s.seal.by(text[2], domainChain, r.chain()...) < 0 {
		rec.Doubt = workflows.DoubtChain
	}
	return rec, true
}

// ShardOf says on which shard a record lives.
func (s *Store) ShardOf(ref workflows.Ref) int { return s.shardOf(ref) }

// Entries hands out the first upTo events of a record exactly as they are stored, for [ReadLinks].
func (s *Store) Entries(ctx context.Context, ref workflows.Ref, upTo uint64) ([][]byte, error) {
	var entries [][]byte
	err := s.eachEntry(ctx, ref, 0, upTo, func(_ uint64, stored []byte) error {
		entries = append(entries, stored)
		return nil
	})
	return entries, err
}

// ReadLinks reads stored events, the first ones of a record. A [*chain.BrokenError] names one that cannot be read.
func ReadLinks(ref workflows.Ref, entries [][]byte) ([]chain.Link, error) {
	links := make([]chain.Link, 0, len(entries))
	previous := ""
	for i, stored := range entries {
		en, err := decodeEntry(stored)
		if err != nil {
			return links, &chain.BrokenError{Ref: ref, Seq: uint64(i) + 1, Reason: fmt.Sprintf("it cannot be read: %v",
				err)}
		}
		links, previous = append(links, en.link(previous)), en.Link
	}
	return links, nil
}

// Errors of putting a copy back. Compare with errors.Is; each message says what to do.
var (
	// ErrNotEmpty: there is something under the prefix already.
	ErrNotEmpty = errors.New(
		"a copy is only put back where nothing is: set redis.prefix to one that was never used, or use an empty Redis")
	// ErrHalf: a copy was begun to be put back here, and that did not end.
	ErrHalf = errors.New("only a part of a copy was put back here: run keyholder restore again, with the same file")
	// ErrBusy: a Keyholder works under the prefix.
	ErrBusy = errors.New("a Keyholder is running here: stop it first")
)

// OpenEmpty opens a store to put the copy of that name back, under a prefix under which there is no
// record; until [Store.Planted] nobody else can open it. Where the same copy was begun already it
// is gone on with. The shards are the copy's. Errors, beside those of [Open]: [ErrNotEmpty],
// [ErrHalf], [ErrBusy].
func OpenEmpty(ctx context.Context, o Options, name string) (*Store, error) {
	s, err := build(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err = s.checkServer(ctx); err == nil {
		err = s.claim(ctx, o.Shards, name)
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// claim marks the prefix as one that is being filled.
func (s *Store) claim(ctx context.Context, shards int, name string) error {
	names, err := s.names(ctx)
	if err != nil {
		return err
	}
	var begun string
	if err := s.read(ctx, "look what is there", func() (err error) {
		begun, err = s.rdb.HGet(ctx, s.keys.meta(), fieldFilling).Result()
		return err
	}); err != nil {
		return err
	}
	if begun != "" && begun != name {
		return fmt.Errorf("%w as before, or remove every key under the prefix %s", ErrHalf, s.Prefix())
	}
	held := slices.IndexFunc(names, func(key string) bool { return strings.HasPrefix(key, s.Prefix()+":{") })
	if begun == "" && held >= 0 {
		return fmt.Errorf("%s and more stands there: %w", names[held], ErrNotEmpty)
	}
	switch n, err := s.Processes(ctx); {
	case err != nil:
		return err
	case n > 0:
		return ErrBusy
	}
	if err := s.read(ctx, "begin", func() error {
		return s.rdb.HSetNX(ctx, s.keys.meta(), fieldFilling, name).Err()
	}); err != nil {
		return err
	}
	if err := s.read(ctx, "begin", func() error {
		return s.rdb.HSet(ctx, s.keys.meta(), fieldLayout, layout, fieldShards, shards).Err()
	}); err != nil {
		return err
	}
	s.shards = shards
	if s.seal.on() {
		return s.mark(ctx)
	}
	return s.Unseal(ctx)
}

// Planted ends what [OpenEmpty] began: from here on the record can be opened.
func (s *Store) Planted(ctx context.Context) error {
	return s.read(ctx, "end", func() error { return s.rdb.HDel(ctx, s.keys.meta(), fieldFilling).Err() })
}

// Pages of what one call plants.
const (
	plantEntries = 500
	plantBytes   = 4 << 20
)

// Plant stores a record with all of its events, as they were stored elsewhere, and where its cards
// stand, in place of what was planted of it before. One with a doubt gets no seal. Errors:
// [workflows.ErrAway], [workflows.ErrUnclear]; planting it again is safe.
func (s *Store) Plant(ctx context.Context, rec workflows.Record, entries [][]byte,
	places map[string]workflows.Place) error {
	shard, verb := s.shardOf(rec.Ref), "put back "+rec.Ref.String()
	keys := []string{s.keys.record(shard, rec.Ref), s.keys.events(shard, rec.Ref), s.keys.records(shard),
		s.keys.places(shard, rec.Ref.ID)}
	clear := &call{shard: shard, script: scriptClear, keys: keys, args: []any{rec.Ref.String()}}
	if s.run(ctx, true, clear); clear.err != nil {
		return written(verb, clear.err)
	}
	for at := 0; at < len(entries); {
		page := &call{shard: shard, script: scriptPlantEvents, keys: keys[1:2], args: []any{at}}
		for size := 0; at < len(entries) && len(page.args) <= plantEntries && size < plantBytes; at++ {
			page.args = append(page.args, entries[at])
			size += len(entries[at])
		}
		if s.run(ctx, true, page); page.err != nil {
			return written(verb, page.err)
		}
		if page.reply == int64(0) {
			return fmt.Errorf("%s: %w: somebody else writes there", verb, workflows.ErrConflict)
		}
	}
	r := laidOut(rec)
	state, chain := "", ""
	if rec.Doubt == "" {
		state, chain = s.seal.seals(r)
	}
	c := &call{shard: shard, script: scriptPlantRecord, keys: keys,
		args: []any{r.id, r.version, r.machine, r.schema, r.state, r.head, r.last, state, chain}}
	for field, p := range places {
		stored, err := s.seal.place(rec.Ref.ID, field, p)
		if err != nil {
			return fmt.Errorf("%s: encode a place: %w", verb, err)
		}
		c.args = append(c.args, field, stored)
	}
	s.run(ctx, true, c)
	return written(verb, c.err)
}

// scriptClear removes a record and what belongs to it alone.
//
// KEYS: 1 record, 2 events, 3 records, 4 places. ARGV: id.
var scriptClear = newScript("clear", `
redis.call('DEL', KEYS[1], KEYS[2], KEYS[4])
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
`)

// scriptPlantEvents appends events as they were stored.
//
// KEYS: 1 events. ARGV: how many there are, events (at most 500). Answers 1, or 0 when there are others.
var scriptPlantEvents = newScript("plant events", `
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
redis.call('RPUSH', KEYS[1], unpack(ARGV, 2))
return 1
`)

// scriptPlantRecord stores a record beside its events, and its places.
//
// KEYS: 1 record, 2 events, 3 records, 4 places. ARGV: id version machine schema state head last
// seal vouch, then field and place of each.
var scriptPlantRecord = newScript("plant", `
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'machine', ARGV[3], 'schema', ARGV[4], 'state', ARGV[5], 'head', ARGV[6],
  'last', ARGV[7], 'seal', ARGV[8], 'vouch', ARGV[9])
redis.call('ZADD', KEYS[3], 0, ARGV[1])
for i = 10, #ARGV, 2 do redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1]) end
return 1
`)
