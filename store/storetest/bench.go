package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrSpent is what an operation answers when nothing is left to measure: its comparison ends early.
var ErrSpent = errors.New("nothing is left to measure")

// Comparison sets what Keyholder does beside the least that any program would have to do, in one run. A figure of
// its own tells the machine and what else runs there; the ratio of two figures taken in turns tells the program.
type Comparison struct {
	// What is counted, in the plural, as "workflows".
	What string
	// Width is how many operations are under way at once.
	Width int
	// Ours and Bare do the i-th operation; i grows by one and never repeats.
	Ours, Bare func(i int64) error
	// Aim is the ratio that is aimed at; 0: none.
	Aim float64
	// Turns are the slices of time that each of the two gets, in turns, Slice long; 0: 6 of 400 ms.
	Turns int
	Slice time.Duration
}

// Run measures and reports "<what>/s", "bare/s", their ratio "of-bare" and "aim". It answers how
// many of ours were done.
func (c Comparison) Run(b *testing.B) int64 {
	b.Helper()
	if c.Turns == 0 {
		c.Turns = 6
	}
	if c.Slice == 0 {
		c.Slice = 400 * time.Millisecond
	}
	var ours, bare Sprint
	var err error
	for range c.Turns {
		if err = bare.Run(c.Bare, c.Width, c.Slice); err != nil {
			break
		}
		if err = ours.Run(c.Ours, c.Width, c.Slice); err != nil {
			break
		}
	}
	if err != nil && !errors.Is(err, ErrSpent) {
		b.Fatal(err)
	}
	b.ReportMetric(ours.Rate(), c.What+"/s")
	b.ReportMetric(bare.Rate(), "bare/s")
	b.ReportMetric(ours.Rate()/bare.Rate(), "of-bare")
	if c.Aim > 0 {
		b.ReportMetric(c.Aim, "aim")
	}
	b.ReportMetric(0, "ns/op") // one round is a measurement of its own, and its length says nothing
	return ours.done.Load()
}

// Sprint adds up slices of time in which one thing is done again and again.
type Sprint struct {
	next  atomic.Int64
	done  atomic.Int64
	spent time.Duration
}

// Run does operations, so many at a time, until the slice is over; what is under way then is waited for and counts.
func (s *Sprint) Run(op func(i int64) error, width int, slice time.Duration) error {
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	begun := time.Now()
	for range width {
		all.Go(func() {
			for time.Since(begun) < slice && failed.Load() == nil {
				if err := op(s.next.Add(1)); err != nil {
					failed.Store(&err)
					return
				}
				s.done.Add(1)
			}
		})
	}
	all.Wait()
	s.spent += time.Since(begun)
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Rate is how many were done a second.
func (s *Sprint) Rate() float64 {
	if s.spent == 0 {
		return 0
	}
	return float64(s.done.Load()) / s.spent.Seconds()
}

// BareCommands answers what so many commands cannot do without: for each a load of what is there and a script that
// writes written bytes, state of them into a hash and the rest behind a list and into another hash. Its records are
// called after name and i.
func BareCommands(b *testing.B, addr, name string, commands, width, written int) func(i int64) error {
	b.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, PoolSize: width + 4})
	b.Cleanup(func() { _ = c.Close() })
	script := redis.NewScript(`redis.call('HSET', KEYS[1], 'state', ARGV[1], 'version', '1')
		redis.call('RPUSH', KEYS[2], ARGV[2]) redis.call('HSET', KEYS[3], 'e', ARGV[3]) return 1`)
	state, event, rest := strings.Repeat("s", written/2), strings.Repeat("e", written/4), strings.Repeat("r", written/4)
	ctx := context.Background()
	return func(i int64) error {
		key := fmt.Sprintf("bare:%s:%d", name, i)
		for range commands {
			if err := c.HMGet(ctx, key, "state", "version").Err(); err != nil {
				return err
			}
			if err := script.Run(ctx, c, []string{key, key + ":e", key + ":q"}, state, event, rest).Err(); err != nil {
				return err
			}
		}
		return nil
	}
}

// Meter counts round trips, commits and their bytes as they leave for Redis; it is a [store.Options] Hook.
type Meter struct{ trips, commits, bytes atomic.Int64 }

// Trips is how many round trips were made.
func (m *Meter) Trips() int64 { return m.trips.Load() }

// Mean is the mean size of a commit in bytes, names of keys included; 0 before the first.
func (m *Meter) Mean() int { return int(m.bytes.Load() / max(m.commits.Load(), 1)) }

// Reset forgets what was counted.
func (m *Meter) Reset() {
	m.trips.Store(0)
	m.commits.Store(0)
	m.bytes.Store(0)
}

// DialHook implements redis.Hook.
func (m *Meter) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (m *Meter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		m.trips.Add(1)
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements redis.Hook.
func (m *Meter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		m.trips.Add(1)
		for _, cmd := range cmds {
			m.see(cmd.Args())
		}
		return next(ctx, cmds)
	}
}

// see counts a call of the commit script: the one whose third key is a shard's index of records.
func (m *Meter) see(args []any) {
	if len(args) < 6 || args[0] != "evalsha" {
		return
	}
	if key, _ := args[5].(string); !strings.HasSuffix(key, ":records") {
		return
	}
	m.commits.Add(1)
	for _, a := range args {
		switch v := a.(type) {
		case string:
			m.bytes.Add(int64(len(v)))
		case []byte:
			m.bytes.Add(int64(len(v)))
		default:
			m.bytes.Add(int64(len(fmt.Sprint(v))))
		}
	}
}
