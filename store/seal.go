package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// SealKeyBytes is how long a seal key is.
const SealKeyBytes = 32

// Domains of the seals; doc.go has the formulas.
const (
	domainState  = "keyholder state seal 1"
	domainChain  = "keyholder chain seal 1"
	domainPlace  = "keyholder place seal 1"
	domainAsked  = "keyholder asked seal 1"
	domainSealed = "keyholder sealed 1"
)

// sealer makes and compares seals. The first key seals, all verify; without keys nothing is sealed
// and everything holds.
type sealer struct {
	keys   [][]byte
	prefix string
}

func newSealer(o Options) (sealer, error) {
	for _, k := range o.SealKeys {
		if len(k) != SealKeyBytes {
			return sealer{}, fmt.Errorf("open store: a seal key has %d bytes: %w", len(k), ErrSealKey)
		}
	}
	return sealer{keys: o.SealKeys, prefix: o.Prefix}, nil
}

func (s sealer) on() bool { return len(s.keys) > 0 }

// mac is HMAC-SHA-256 over domain, prefix and parts, each behind its length as 8 bytes, big-endian,
// in lower-case hexadecimal.
func (s sealer) mac(key []byte, domain string, parts ...string) string {
	h := hmac.New(sha256.New, key)
	for _, p := range append([]string{domain, s.prefix}, parts...) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// make answers the seal by the first key; empty without keys.
func (s sealer) make(domain string, parts ...string) string {
	if !s.on() {
		return ""
	}
	return s.mac(s.keys[0], domain, parts...)
}

// by answers which of the keys made a seal, -1 for none.
func (s sealer) by(seal, domain string, parts ...string) int {
	return slices.IndexFunc(s.keys, func(key []byte) bool {
		return hmac.Equal([]byte(seal), []byte(s.mac(key, domain, parts...)))
	})
}

// sealedRecord are the parts of a record's two seals, as they are stored.
type sealedRecord struct{ id, version, machine, schema, state, head, last string }

func (r sealedRecord) whole() []string {
	return []string{r.id, r.version, r.head, r.machine, r.schema, r.last, r.state}
}
func (r sealedRecord) chain() []string { return []string{r.id, r.version, r.head} }

// seals answers what is stored beside the record.
func (s sealer) seals(r sealedRecord) (state, chain string) {
	return s.make(domainState, r.whole()...), s.make(domainChain, r.chain()...)
}

// doubt compares both seals.
func (s sealer) doubt(r sealedRecord, state, chain string) workflows.Doubt {
	switch {
	case s.by(chain, domainChain, r.chain()...) < 0:
		return workflows.DoubtChain
	case s.by(state, domainState, r.whole()...) < 0:
		return workflows.DoubtState
	}
	return ""
}

// place writes a place as it is stored: its JSON, behind its seal and a space where there is a key.
func (s sealer) place(workflow, field string, p workflows.Place) (string, error) {
	raw, err := json.Marshal(p)
	if err != nil || !s.on() {
		return string(raw), err
	}
	return s.make(domainPlace, workflow, field, string(raw)) + " " + string(raw), nil
}

// readPlace reads a place and reports whether its seal holds.
func (s sealer) readPlace(workflow, field, stored string) (p workflows.Place, holds bool, err error) {
	seal, raw, sealed := strings.Cut(stored, " ")
	if !sealed || strings.HasPrefix(stored, "{") {
		seal, raw = "", stored
	}
	if err := json.Unmarshal([]byte(raw), &p); err != nil {
		return workflows.Place{}, false, fmt.Errorf("decode the place of a card: %w", err)
	}
	return p, s.by(seal, domainPlace, workflow, field, raw) >= 0, nil
}

// place answers a stored place; one that the seal does not vouch for is reported and counts as none.
func (s *Store) place(workflow, field, stored string) (workflows.Place, bool) {
	p, holds, err := s.seal.readPlace(workflow, field, stored)
	switch {
	case err != nil && !s.strict.Load():
		s.log.Error().Err(err).Str("workflow", workflow).Msg("look up a card")
		return workflows.Place{}, false
	case err != nil, !holds && s.strict.Load():
		s.doubted(workflows.RecordRef(workflow), workflows.DoubtPlace)
		return workflows.Place{}, false
	}
	return p, true
}

// Standing says whether what is stored is sealed.
type Standing string

// Standings.
const (
	// NeverSealed: there is no key, and nothing says that there ever was one.
	NeverSealed Standing = "never sealed"
	// SealedElsewhere: there is no key here, but the record is sealed. Nothing can be committed
	// until [Store.Unseal] or a start with the key.
	SealedElsewhere Standing = "sealed, without a key here"
	// SealedOnce: there is a key, but the record was never sealed with one of the keys: nothing
	// vouches for what stands there ([Store.SealAll]).
	SealedOnce Standing = "not yet sealed"
	// SealedFormerly: it is sealed with one of the later keys ([Store.SealAll]).
	SealedFormerly Standing = "sealed with a former key"
	// Sealed: all of it is sealed with the first key, and what the seal does not vouch for is not believed.
	Sealed Standing = "sealed"
)

// Standing is how it stood when the store was opened or sealed last.
func (s *Store) Standing() Standing {
	standing, _ := s.standing.Load().(Standing)
	return standing
}

// look reads the mark that says that everything is sealed. A database without any record is sealed from its beginning.
func (s *Store) lookAtSeal(ctx context.Context, mark string, look bool) error {
	by := s.seal.by(mark, domainSealed)
	switch {
	case !s.seal.on() && mark == "":
		s.standing.Store(NeverSealed)
	case !s.seal.on():
		s.standing.Store(SealedElsewhere)
	case by == 0:
		s.setSealed(Sealed)
	case by > 0:
		s.setSealed(SealedFormerly)
	default:
		refs, err := s.Refs(ctx, "")
		if err != nil {
			return err
		}
		if len(refs) == 0 && mark == "" {
			if look { // the first start will
				s.setSealed(Sealed)
				return nil
			}
			return s.mark(ctx)
		}
		s.standing.Store(SealedOnce)
	}
	return nil
}

func (s *Store) setSealed(standing Standing) {
	s.standing.Store(standing)
	s.strict.Store(true)
}

// mark says in the database that everything is sealed with the first key.
func (s *Store) mark(ctx context.Context) error {
	if err := s.read(ctx, "mark the record as sealed", func() error {
		return s.rdb.HSet(ctx, s.keys.meta(), fieldSealed, s.seal.make(domainSealed)).Err()
	}); err != nil {
		return err
	}
	s.setSealed(Sealed)
	return nil
}

// Unseal goes on without a key where there was one: the mark is taken away, and what is stored from
// here on has no seal. A later start with a key seals everything anew ([Store.SealAll]).
func (s *Store) Unseal(ctx context.Context) error {
	if s.seal.on() {
		return fmt.Errorf("unseal: %w: there is a key", ErrMisuse)
	}
	if err := s.read(ctx, "take the seal's mark away", func() error {
		return s.rdb.HDel(ctx, s.keys.meta(), fieldSealed).Err()
	}); err != nil {
		return err
	}
	s.standing.Store(NeverSealed)
	return nil
}

// Resealed counts what [Store.SealAll] did.
type Resealed struct {
	Records int // sealed
	// Differed are the records whose state was not that of their events; what the events say was
	// stored. Left are those that were left as they are: their chain does not hold, or an event was
	// erased. Nothing is decided on them.
	Differed, Left []workflows.Ref
}

// SealAll seals everything with the first key, record by record, and marks the database as sealed.
// What one of the keys vouches for already is sealed as it stands. Where nothing vouches for
// anything yet ([SealedOnce]), every record whose links hold is folded anew by refold, and what the
// events say is sealed and stored; places of cards are taken as they stand. Everywhere else what
// does not hold stays as it is. Errors: [workflows.ErrAway].
func (s *Store) SealAll(ctx context.Context, refold func(context.Context, workflows.Record) (workflows.Record, error)) (
	Resealed, error) {
	var done Resealed
	refs, err := s.Refs(ctx, "")
	if err != nil {
		return done, err
	}
	for _, ref := range refs {
		if err := s.sealOne(ctx, ref, refold, &done); err != nil {
			return done, err
		}
		if ref.Kind == workflows.KindWorkflow || ref.Kind == workflows.KindLedger {
			if err := s.sealPlaces(ctx, ref.ID); err != nil {
				return done, err
			}
		}
	}
	return done, s.mark(ctx)
}

// sealOne seals one record; it tries again when the record moved on meanwhile.
func (s *Store) sealOne(ctx context.Context, ref workflows.Ref,
	refold func(context.Context, workflows.Record) (workflows.Record, error), done *Resealed) error {
	for {
		rec, doubt, err := s.stored(ctx, ref)
		if err != nil && !isBroken(err) {
			return err
		}
		next := rec
		switch {
		case err != nil, doubt != "" && s.strict.Load():
			done.Left = append(done.Left, ref)
			return nil
		case doubt != "":
			if next, err = refold(ctx, rec); errors.Is(err, workflows.ErrAway) {
				return err
			} else if err != nil {
				s.log.Warn().Err(err).Str("record", ref.String()).Msg("a record cannot be sealed")
				done.Left = append(done.Left, ref)
				return nil
			}
		}
		moved, err := s.reseal(ctx, rec, next)
		if err != nil {
			return err
		}
		if moved {
			continue
		}
		done.Records++
		if string(next.State) != string(rec.State) || next.Machine != rec.Machine || next.Schema != rec.Schema {
			done.Differed = append(done.Differed, ref)
		}
		return nil
	}
}

// reseal stores a record's state and seals where the record still stands as it was read.
func (s *Store) reseal(ctx context.Context, from, to workflows.Record) (moved bool, err error) {
	r := laidOut(to)
	state, chain := s.seal.seals(r)
	shard := s.shardOf(from.Ref)
	c := &call{shard: shard, script: scriptReseal, keys: []string{s.keys.record(shard, from.Ref)},
		args: []any{r.version, from.Head, r.machine, r.schema, r.state, r.last, state, chain}}
	s.run(ctx, true, c)
	return c.reply == int64(0), written("seal "+from.Ref.String(), c.err)
}

func (s *Store) sealPlaces(ctx context.Context, workflow string) error {
	shard := s.shardOfWorkflow(workflow)
	var all map[string]string
	err := s.read(ctx, "read the places of "+workflow, func() (err error) {
		all, err = s.rdb.HGetAll(ctx, s.keys.places(shard, workflow)).Result()
		return err
	})
	if err != nil {
		return err
	}
	for field, stored := range all {
		if strings.HasPrefix(field, againPrefix) {
			continue
		}
		p, holds, err := s.seal.readPlace(workflow, field, stored)
		if err != nil || !holds && s.strict.Load() {
			continue
		}
		sealed, err := s.seal.place(workflow, field, p)
		if err != nil {
			return fmt.Errorf("seal a place of %s: %w", workflow, err)
		}
		c := &call{shard: shard, script: scriptResealPlace, keys: []string{s.keys.places(shard, workflow)},
			args: []any{field, stored, sealed}}
		s.run(ctx, true, c)
		if c.err != nil {
			return written("seal a place of "+workflow, c.err)
		}
	}
	return nil
}

// Stored implements [record.Archive]. While the record is not sealed as a whole, nothing is
// doubted. A [*chain.BrokenError] where the record makes no sense.
func (s *Store) Stored(ctx context.Context, ref workflows.Ref) (workflows.Record, workflows.Doubt, error) {
	rec, doubt, err := s.stored(ctx, ref)
	if !s.strict.Load() {
		doubt = ""
	}
	return rec, doubt, err
}

func (s *Store) stored(ctx context.Context, ref workflows.Ref) (workflows.Record, workflows.Doubt, error) {
	var fields *redis.SliceCmd
	err := s.read(ctx, "read "+ref.String(), func() error {
		fields = s.rdb.HMGet(ctx, s.keys.record(s.shardOf(ref), ref), recordFields...)
		return fields.Err()
	})
	if err != nil {
		return workflows.Record{}, "", err
	}
	rec, doubt, err := s.readRecord(ref, fields.Val())
	if err != nil {
		return rec, workflows.DoubtChain, &chain.BrokenError{Ref: ref, Reason: err.Error()}
	}
	return rec, doubt, nil
}

// scriptReseal writes state and seals beside a chain that has not moved on.
//
// KEYS: 1 record. ARGV: version, head, machine, schema, state, last, seal, chain's seal. Answers 1,
// or 0 when version or head are others.
var scriptReseal = newScript("seal", `
local got = redis.call('HMGET', KEYS[1], 'version', 'head')
if (got[1] or '0') ~= ARGV[1] or (got[2] or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'machine', ARGV[3], 'schema', ARGV[4], 'state', ARGV[5], 'last', ARGV[6], 'seal', ARGV[7], 'vouch', ARGV[8])
return 1
`)

// scriptResealPlace replaces a place that is still what was read.
//
// KEYS: 1 places. ARGV: field, place as read, place sealed. Answers 1, or 0 when it is another.
var scriptResealPlace = newScript("seal a place", `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`)
