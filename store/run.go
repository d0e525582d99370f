package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
)

// call is one script call on one shard, and its outcome.
type call struct {
	shard  int
	script *script
	keys   []string
	args   []any
	// clocked calls compare clocks first ([clockLua]); at is the time at which what they store was
	// decided, in ms, "" where nobody says.
	clocked bool
	at      string
	// counted calls say when they were sent, since they store moments that were counted from this machine's clock
	// ([meantLua]).
	counted bool

	reply any
	err   error // as go-redis gave it; nil: reply is set
}

const (
	// waitFor is how long a commit waits for a replica's confirmation, on Sentinel and Cluster.
	waitFor = time.Second
	// moves is how often a call is sent again because its slot moves to another master: for two seconds and a half at
	// most, and no longer than the caller waits. Moving one slot takes a Cluster less.
	moves = 10
	// readTries is how often a read is tried; writes are sent once.
	readTries = 3
	// lateTries is how often a call is sent whose clocks could not be compared, since it came too late.
	lateTries = 3
)

// run sends the calls, pipelined for each master, once: a call is sent again only when the server
// said that it did not run it because it did not know the script or because the slot has moved or is
// being moved, or that it came too late for comparing clocks; of none of these anything was written.
// With confirm a WAIT follows on the same connection, and what no replica confirmed is ErrUnclear.
func (s *Store) run(ctx context.Context, confirm bool, calls ...*call) {
	if err := done(ctx); err != nil {
		for _, c := range calls {
			c.err = err
		}
		return
	}
	pending := calls
	for try := 0; len(pending) > 0; try++ {
		for node, group := range s.byMaster(ctx, pending) {
			s.send(ctx, node, confirm, false, group)
			var unknown []*call
			for _, c := range group {
				if redis.HasErrorPrefix(c.err, "NOSCRIPT") {
					unknown = append(unknown, c)
				}
			}
			if len(unknown) > 0 {
				s.send(ctx, node, confirm, true, unknown)
			}
		}
		pending = append(s.moved(ctx, pending, try), late(pending, try)...)
	}
}

// byMaster groups calls by the master of their shard. A call whose master cannot be found has its error.
func (s *Store) byMaster(ctx context.Context, calls []*call) map[*redis.Client][]*call {
	groups := map[*redis.Client][]*call{}
	for _, c := range calls {
		node, err := s.master(ctx, c.shard)
		if err != nil {
			c.err = fmt.Errorf("find the master of shard %d: %w: %w", c.shard, workflows.ErrAway, err)
			continue
		}
		groups[node] = append(groups[node], c)
	}
	return groups
}

func (s *Store) master(ctx context.Context, shard int) (*redis.Client, error) {
	switch rdb := s.rdb.(type) {
	case *redis.Client:
		return rdb, nil
	case *redis.ClusterClient:
		return rdb.MasterForKey(ctx, s.keys.records(shard))
	default:
		return nil, fmt.Errorf("unknown kind of client %T", rdb)
	}
}

// send makes one round trip.
func (s *Store) send(ctx context.Context, node *redis.Client, confirm, source bool, calls []*call) {
	pipe, began := node.Pipeline(), s.now() // one time for all, since the answers are judged by it
	cmds := make([]*redis.Cmd, len(calls))
	for i, c := range calls {
		name, what := "evalsha", c.script.sha
		if source {
			name, what = "eval", c.script.source
		}
		args := make([]any, 0, 3+len(c.keys)+len(c.args))
		args = append(args, name, what, len(c.keys))
		for _, k := range c.keys {
			args = append(args, k)
		}
		args = append(args, c.args...)
		if c.clocked {
			args = append(args, millis(began), c.at)
		} else if c.counted {
			args = append(args, millis(began))
		}
		cmds[i] = pipe.Do(ctx, args...)
	}
	var confirmed *redis.Cmd
	if confirm && s.replicated {
		confirmed = pipe.Do(ctx, "wait", 1, waitFor.Milliseconds())
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	took := s.now().Sub(began)
	for i, c := range calls {
		c.reply, c.err = cmds[i].Result()
		if errors.Is(c.err, redis.Nil) {
			c.err = nil
		}
		if c.err == nil && c.clocked {
			c.err = apart(c.reply, began, took)
		}
		if c.err == nil && confirmed != nil {
			c.err = unconfirmed(c.reply, confirmed)
		}
	}
}

// unconfirmed answers ErrUnclear when something was written that no replica has.
func unconfirmed(reply any, wait *redis.Cmd) error {
	if answer, ok := reply.([]any); ok && len(answer) > 0 && answer[0] == "conflict" {
		return nil
	}
	if claimed, ok := reply.([]any); ok && len(claimed) == 0 {
		return nil // a claim that found nothing has written nothing that counts
	}
	n, err := wait.Int()
	if err != nil {
		return fmt.Errorf("wait for a replica: %w: %w", workflows.ErrUnclear, err)
	}
	if n < 1 {
		return fmt.Errorf("wait for a replica: %w: none confirmed it within %s", workflows.ErrUnclear, waitFor)
	}
	return nil
}

// Confirm implements [workflows.Records]: a write and a WAIT for one replica on the master of the
// record's shard. Everything that was written there before is confirmed with it.
func (s *Store) Confirm(ctx context.Context, ref workflows.Ref) error {
	if !s.replicated {
		return nil
	}
	shard := s.shardOf(ref)
	c := &call{shard: shard, script: scriptConfirm, keys: []string{s.keys.confirmed(shard)},
		args: []any{millis(s.now())}}
	s.run(ctx, true, c)
	return written("confirm what is recorded", c.err)
}

// scriptConfirm writes something that a replica can confirm.
//
// KEYS: 1 confirmed. ARGV: now. Answers the noted master, "" for none.
var scriptConfirm = newScript("confirm", `
redis.call('HSET', KEYS[1], 'at', ARGV[1])
return redis.call('HGET', KEYS[1], 'master') or ''
`)

// late answers the calls to send again because nobody can tell by them whether the clocks agree.
func late(calls []*call, try int) []*call {
	if try+1 >= lateTries {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(calls), func(c *call) bool { return !errors.Is(c.err, errLate) })
}

// moved answers the calls to send again because their slot has another master now, or will have one in a moment: while
// its keys are under way, neither master runs a script that needs those of both (ASK, TRYAGAIN).
func (s *Store) moved(ctx context.Context, calls []*call, try int) []*call {
	cluster, ok := s.rdb.(*redis.ClusterClient)
	if !ok || try >= moves {
		return nil
	}
	var again []*call
	for _, c := range calls {
		if redis.HasErrorPrefix(c.err, "MOVED") || redis.HasErrorPrefix(c.err, "ASK") ||
			redis.HasErrorPrefix(c.err, "TRYAGAIN") {
			again = append(again, c)
		}
	}
	if len(again) == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(time.Duration(try) * 50 * time.Millisecond): // the node asked may not have heard of the move yet
	}
	// ReloadState would only ask for it in the background; this one asks first.
	_ = cluster.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
	return again
}

// read runs f, again when the server could not be reached.
func (s *Store) read(ctx context.Context, verb string, f func() error) error {
	var err error
	for try := range readTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return readError(verb, err)
			case <-time.After(time.Duration(try) * 20 * time.Millisecond):
			}
		}
		err = f()
		if errors.Is(err, redis.Nil) {
			err = nil
		}
		if err == nil || !errors.Is(readError(verb, err), workflows.ErrAway) || ctx.Err() != nil {
			break
		}
	}
	return readError(verb, err)
}
