package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// backlogWidth bounds how many queues of a shard and lane, and how many of its timers, one [Store.Backlog] looks at.
const backlogWidth = 500

// Backlog is what waits to be done. It is for telling operators and nothing else.
type Backlog struct {
	// Queues are those of effects that were not delivered yet; watches, which are never done, are not among them.
	Queues []Queue
	// LateTimers is how many timers have come due and are not decided, Latest since when the first of them is due, in
	// the time of commands; zero: none.
	LateTimers int
	Latest     time.Time
}

// Queue holds the effects of one key, delivered one after another.
type Queue struct {
	Destination string    // of the first, as [workflows.Effect.Destination]
	Since       time.Time // when the first was due at first, in real time
	Length      int
}

// Backlog looks at what waits: at most 500 queues and timers of each shard and lane. now is the time of commands. It
// costs two round trips and claims nothing.
func (s *Store) Backlog(ctx context.Context, now time.Time) (Backlog, error) {
	var b Backlog
	keys := make([][]string, s.shards)
	err := s.read(ctx, "look at what waits", func() error {
		b = Backlog{}
		pipe := s.rdb.Pipeline()
		lanes, due := make([][2]*redis.StringSliceCmd, s.shards), make([]*redis.StringSliceCmd, s.shards)
		late, leased := make([]*redis.IntCmd, s.shards), make([]*redis.StringSliceCmd, s.shards)
		for shard := range s.shards {
			for lane := range lanes[shard] {
				lanes[shard][lane] = pipe.ZRange(ctx, s.keys.due(shard, lane), 0, backlogWidth-1)
			}
			late[shard] = pipe.ZCount(ctx, s.keys.timers(shard), "-inf", millis(now))
			due[shard] = pipe.ZRangeByScore(ctx, s.keys.timers(shard), &redis.ZRangeBy{Min: "-inf", Max: millis(now),
				Count: 1})
			leased[shard] = pipe.ZRange(ctx, s.keys.timersLeased(shard), 0, backlogWidth-1)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		for shard := range s.shards {
			keys[shard] = append(lanes[shard][0].Val(), lanes[shard][1].Val()...)
			b.LateTimers += int(late[shard].Val()) + len(leased[shard].Val())
			for _, member := range append(due[shard].Val(), leased[shard].Val()...) {
				if t, ok := parseTimer(member); ok && (b.Latest.IsZero() || t.At.Before(b.Latest)) {
					b.Latest = t.At
				}
			}
		}
		return nil
	})
	if err != nil {
		return b, err
	}
	b.Queues, err = s.queues(ctx, keys)
	return b, err
}

// queues reads what stands first in the queues of these effect keys, by shard.
func (s *Store) queues(ctx context.Context, keys [][]string) ([]Queue, error) {
	var all []Queue
	err := s.read(ctx, "look at queues", func() error {
		all = nil
		pipe := s.rdb.Pipeline()
		var read []*redis.MapStringStringCmd
		for shard, list := range keys {
			for _, key := range list {
				if !strings.HasPrefix(key, "watch/") {
					read = append(read, pipe.HGetAll(ctx, s.keys.queue(shard, key)))
				}
			}
		}
		if len(read) == 0 {
			return nil
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		for _, q := range read {
			if one, ok := parseQueue(q.Val()); ok {
				all = append(all, one)
			}
		}
		return nil
	})
	return all, err
}

// parseQueue reads a queue as keys.go has it; ok is false for one that is gone, or not of this version.
func parseQueue(fields map[string]string) (Queue, bool) {
	head, err := strconv.Atoi(fields["head"])
	tail, err2 := strconv.Atoi(fields["tail"])
	header := strings.SplitN(fields["h:"+fields["head"]], " ", 3)
	if err != nil || err2 != nil || len(header) != 3 {
		return Queue{}, false
	}
	since, err := fromMillis(header[1])
	return Queue{Destination: header[2], Since: since, Length: tail - head}, err == nil
}
