package store

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

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
