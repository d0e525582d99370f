package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
)

// Ready answers nil when every master that holds shards of ours answers, its clock is at most
// [MaxClockDistance] from now, this machine's time, and, on Sentinel and Cluster, a replica
// confirms what is written there. Otherwise the error is [workflows.ErrAway], [ErrClock] or
// [ErrReplicas], naming each master concerned; with [ErrPartly] when that is so for some masters of
// a cluster only, and claiming may go on for the others. It also notices failovers
// ([Store.FailedOver]).
func (s *Store) Ready(ctx context.Context, now time.Time) error {
	called := s.now()
	masters, lost := s.masters(ctx)
	errs := make([]error, len(masters))
	var all sync.WaitGroup
	for i, m := range masters {
		all.Go(func() { errs[i] = s.readyMaster(ctx, m, now.Add(s.now().Sub(called))) })
	}
	all.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		}
	}
	err := errors.Join(append(errs, lost)...)
	if err != nil && good > 0 {
		return fmt.Errorf("%w: %w", ErrPartly, err)
	}
	return err
}

// holder is a master and one shard that it holds.
type holder struct {
	node  *redis.Client
	shard int
}

// masters lists those that hold shards of ours. lost says that some shard's master cannot be found.
func (s *Store) masters(ctx context.Context) (list []holder, lost error) {
	known := map[*redis.Client]bool{}
	for shard := range s.shards {
		node, err := s.master(ctx, shard)
		if err != nil {
			lost = fmt.Errorf("find the master of shard %d: %w: %w", shard, workflows.ErrAway, err)
			continue
		}
		if !known[node] {
			known[node] = true
			list = append(list, holder{node, shard})
		}
	}
	return list, lost
}

func (s *Store) readyMaster(ctx context.Context, m holder, now time.Time) error {
	apart, err := s.clockDistance(ctx, m.node, now)
	if err == nil && apart > MaxClockDistance {
		err = fmt.Errorf("%w: it is %s away", ErrClock, apart.Round(time.Millisecond))
	}
	if err != nil || !s.replicated {
		return s.named(m, err)
	}
	c := &call{shard: m.shard, script: scriptConfirm, keys: []string{s.keys.confirmed(m.shard)},
		args: []any{millis(s.now())}}
	s.send(ctx, m.node, true, true, []*call{c})
	unconfirmed := errors.Is(c.err, workflows.ErrUnclear)
	if c.err != nil && !unconfirmed {
		return s.named(m, written("confirm a write", c.err))
	}
	id, err := s.replication(ctx, m.node)
	before, _ := c.reply.(string)
	switch {
	case err != nil:
		return s.named(m, err)
	case before == "":
		err = s.noteMaster(ctx, m, id)
	case id != "" && before != id:
		s.failedOver.Store(true)
	}
	if unconfirmed {
		err = fmt.Errorf("%w (%w)", ErrReplicas, c.err)
	}
	return s.named(m, err)
}

// named says which master of a cluster an error is about.
func (s *Store) named(m holder, err error) error {
	if err == nil || !s.cluster {
		return err
	}
	return fmt.Errorf("master %s: %w", m.node.Options().Addr, err)
}

// replication is the ID of a master's stream of changes, which a failover changes; empty where it is not told.
func (s *Store) replication(ctx context.Context, node *redis.Client) (string, error) {
	facts := map[string]string{}
	err := s.info(ctx, node, "replication", facts)
	return strings.TrimSpace(facts["master_replid"]), err
}

// FailedOver reports whether a master has another stream of changes than the one last noted: what
// was acknowledged by the former and no replica had is gone, and cards may show it. It stays so
// until [Store.NoteMasters].
func (s *Store) FailedOver() bool { return s.failedOver.Load() }

// NoteMasters says that what a failover asks for was done.
func (s *Store) NoteMasters(ctx context.Context) error {
	masters, lost := s.masters(ctx)
	if lost != nil {
		return lost
	}
	for _, m := range masters {
		id, err := s.replication(ctx, m.node)
		if err == nil {
			err = s.noteMaster(ctx, m, id)
		}
		if err != nil {
			return err
		}
	}
	s.failedOver.Store(false)
	return nil
}

func (s *Store) noteMaster(ctx context.Context, m holder, id string) error {
	return s.read(ctx, "note the master", func() error {
		return m.node.HSet(ctx, s.keys.confirmed(m.shard), "master", id).Err()
	})
}

// PresentFor is how long a process that said it was there counts as there, by this machine's clock.
const PresentFor = 30 * time.Second

// Present notes that the process of that ID works on this record, and answers how many did within
// [PresentFor], this one counted. It is for telling operators and nothing else: nothing that is
// decided rests on it.
func (s *Store) Present(ctx context.Context, id string) (int, error) {
	now := s.now()
	var all *redis.IntCmd
	err := s.read(ctx, "note that this process is there", func() error {
		_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.ZAdd(ctx, s.keys.processes(), redis.Z{Score: float64(now.UnixMilli()), Member: id})
			p.ZRemRangeByScore(ctx, s.keys.processes(), "-inf", strconv.FormatInt(now.Add(-PresentFor).UnixMilli(), 10))
			all = p.ZCard(ctx, s.keys.processes())
			return nil
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(all.Val()), nil
}

// Absent takes back what [Store.Present] noted.
func (s *Store) Absent(ctx context.Context, id string) error {
	return s.read(ctx, "note that this process is gone", func() error {
		return s.rdb.ZRem(ctx, s.keys.processes(), id).Err()
	})
}

// Processes answers how many processes said within [PresentFor] that they work on this record.
func (s *Store) Processes(ctx context.Context) (int, error) {
	var n int64
	err := s.read(ctx, "count who is there", func() (err error) {
		n, err = s.rdb.ZCount(ctx, s.keys.processes(), strconv.FormatInt(s.now().Add(-PresentFor).UnixMilli(), 10),
			"+inf").Result()
		return err
	})
	return int(n), err
}
