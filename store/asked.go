package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// askedShard is where all notes on people who are asked for a proof stand: they are few, and short-lived.
const askedShard = 0

// AskedFor is how long one process keeps a note that somebody is asked, unless it says so again
// ([Store.StillAsked]): that of a process that died is handed to another one after that.
const AskedFor = 6 * time.Second

// askedEntry is a note as it stands in Redis, behind its seal.
type askedEntry struct {
	workflows.Asked
	Owner string    `json:"owner"` // by chance: only who wrote it, or took it over, changes it
	Until time.Time `json:"until"` // by this machine's clock
}

// Ask implements [workflows.AskedBook].
func (s *Store) Ask(ctx context.Context, a workflows.Asked) (workflows.AskedNote, *workflows.Asked, error) {
	field := a.Team + "/" + a.Person
	stood, err := s.askedAt(ctx, field)
	if err != nil {
		return workflows.AskedNote{}, nil, err
	}
	if was, ok := s.readAsked(field, stood); ok && s.now().Before(was.Until) {
		return workflows.AskedNote{}, &was.Asked, nil
	}
	mine, swapped, err := s.swapAsked(ctx, stood, askedEntry{Asked: a, Owner: rand.Text()})
	if err != nil || swapped {
		return mine, nil, err
	}
	// Somebody was quicker, by a click that came at the same moment.
	if stood, err = s.askedAt(ctx, field); err != nil {
		return workflows.AskedNote{}, nil, err
	}
	was, _ := s.readAsked(field, stood)
	return workflows.AskedNote{}, &was.Asked, nil
}

// StillAsked implements [workflows.AskedBook].
func (s *Store) StillAsked(ctx context.Context, a workflows.AskedNote) (workflows.AskedNote, bool, error) {
	was, ok := s.readAsked(a.Team+"/"+a.Person, a.Stands)
	if !ok {
		return a, false, nil
	}
	return s.swapAsked(ctx, a.Stands, was)
}

// NoLongerAsked implements [workflows.AskedBook].
func (s *Store) NoLongerAsked(ctx context.Context, a workflows.AskedNote) error {
	c := s.askedCall(a.Team+"/"+a.Person, a.Stands, "")
	s.run(ctx, false, c)
	return written("note that somebody is no longer asked", c.err)
}

// AskedByNobody implements [workflows.AskedBook].
func (s *Store) AskedByNobody(ctx context.Context) ([]workflows.AskedNote, error) {
	var all map[string]string
	err := s.read(ctx, "read who is asked for a proof", func() (err error) {
		all, err = s.rdb.HGetAll(ctx, s.keys.asked(askedShard)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []workflows.AskedNote
	for field, stood := range all {
		was, ok := s.readAsked(field, stood)
		if !ok { // nobody who may has written it
			c := s.askedCall(field, stood, "")
			s.run(ctx, false, c)
			continue
		}
		if s.now().Before(was.Until) {
			continue
		}
		was.Owner = rand.Text()
		mine, swapped, err := s.swapAsked(ctx, stood, was)
		if err != nil {
			return out, err
		}
		if swapped {
			out = append(out, mine)
		}
	}
	return out, nil
}

func (s *Store) askedAt(ctx context.Context, field string) (stood string, err error) {
	err = s.read(ctx, "read whether somebody is asked for a proof", func() (err error) {
		stood, err = s.rdb.HGet(ctx, s.keys.asked(askedShard), field).Result()
		return err
	})
	return stood, err
}

// swapAsked writes a note for [AskedFor] from now, unless it no longer stands there as it was.
func (s *Store) swapAsked(ctx context.Context, stood string, next askedEntry) (workflows.AskedNote, bool, error) {
	next.Until = s.now().Add(AskedFor).UTC()
	raw, err := json.Marshal(next)
	if err != nil {
		return workflows.AskedNote{}, false, fmt.Errorf("encode a note: %w", err)
	}
	field := next.Team + "/" + next.Person
	stands := s.seal.make(domainAsked, field, string(raw)) + " " + string(raw)
	c := s.askedCall(field, stood, stands)
	s.run(ctx, false, c)
	return workflows.AskedNote{Asked: next.Asked, Stands: stands}, c.reply == int64(1),
		written("note that somebody is asked for a proof", c.err)
}

// readAsked reads a note; one that the seal does not vouch for counts as none.
func (s *Store) readAsked(field, stood string) (n askedEntry, ok bool) {
	seal, raw, found := strings.Cut(stood, " ")
	if !found || json.Unmarshal([]byte(raw), &n) != nil || n.Team+"/"+n.Person != field {
		return askedEntry{}, false
	}
	return n, !s.seal.on() || s.seal.by(seal, domainAsked, field, raw) >= 0
}

func (s *Store) askedCall(field, stood, next string) *call {
	return &call{shard: askedShard, script: scriptAsked, keys: []string{s.keys.asked(askedShard)},
		args: []any{field, stood, next}}
}

// scriptAsked replaces a note that is still what was read.
//
// KEYS: 1 asked. ARGV: field, note as read ("": none), note to write ("": none). Answers 1, or 0
// when it is another.
var scriptAsked = newScript("note who is asked", `
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
`)
