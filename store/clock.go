package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
)

// clockCheck compares this machine's clock with the masters' in the very round trip of a read, so
// that nothing is decided or claimed by a clock that jumped since somebody looked last.
type clockCheck struct {
	s           *Store
	began, done time.Time
	asked       []*redis.Cmd
}

// askTime puts the question into a pipeline: to the one server, in a cluster to the masters of these shards.
func (s *Store) askTime(ctx context.Context, pipe redis.Pipeliner, shards []int) *clockCheck {
	c := &clockCheck{s: s}
	if !s.cluster {
		c.asked = append(c.asked, pipe.Do(ctx, "time"))
		c.began = s.now()
		return c
	}
	asked := map[int]bool{}
	for _, shard := range shards {
		if !asked[shard] {
			asked[shard] = true
			c.asked = append(c.asked, pipe.Eval(ctx, `return redis.call('TIME')`, []string{s.keys.records(shard)}))
		}
	}
	c.began = s.now()
	return c
}

// answered notes when the pipeline came back.
func (c *clockCheck) answered() { c.done = c.s.now() }

// verdict is [ErrClock], which is [workflows.ErrAway] as well, when a master that answered is more
// than [MaxClockDistance] away.
func (c *clockCheck) verdict() error {
	if c == nil || c.done.IsZero() {
		return nil
	}
	for _, cmd := range c.asked {
		there, ok := serverTime(cmd)
		if !ok {
			continue // its own error is that of the read
		}
		if apart := distance(there, c.began, c.done.Sub(c.began)); apart > MaxClockDistance {
			return fmt.Errorf("compare clocks: %w: %w: it is %s away", workflows.ErrAway, ErrClock,
				apart.Round(time.Millisecond))
		}
	}
	return nil
}

// serverTime reads the answer of TIME: seconds and microseconds.
func serverTime(cmd *redis.Cmd) (time.Time, bool) {
	list, err := cmd.Slice()
	if err != nil || len(list) != 2 {
		return time.Time{}, false
	}
	seconds, err1 := strconv.ParseInt(fmt.Sprint(list[0]), 10, 64)
	micros, err2 := strconv.ParseInt(fmt.Sprint(list[1]), 10, 64)
	return time.Unix(seconds, micros*1000), err1 == nil && err2 == nil
}

// distance is how far there lies outside of the time from now until took later.
func distance(there, now time.Time, took time.Duration) time.Duration {
	switch {
	case there.Before(now):
		return now.Sub(there)
	case there.After(now.Add(took)):
		return there.Sub(now.Add(took))
	}
	return 0
}

// clockLua begins the scripts that claim and commit. Their last two arguments are when the call was
// sent and when what it stores was decided (empty where nobody says), both by the caller's clock.
// Where the one is far from the server's time, or the other ahead of it, nothing is taken: the
// answer is {"clock", server's time in ms}.
var clockLua = fmt.Sprintf(`
do
  local t, farthest = redis.call('TIME'), %d
  local here = t[1] * 1000 + math.floor(t[2] / 1000)
  local sent, at = tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV]) or 0
  if math.abs(here - sent) > farthest or at - here > farthest then
    return {'clock', string.format('%%.0f', here)}
  end
end
`, MaxClockDistance.Milliseconds())

// meantLua begins the scripts that store when something is due again. Their last argument is when the
// call was sent, by the caller's clock, from which those moments were counted: where that is far from
// the server's time they are moved by as much, so that what was to wait a minute waits no month. They
// are not refused, as what was delivered has to be noted whatever the clocks say.
var meantLua = fmt.Sprintf(`
local off = 0
do
  local t = redis.call('TIME')
  local apart = t[1] * 1000 + math.floor(t[2] / 1000) - tonumber(ARGV[#ARGV])
  if math.abs(apart) > %d then off = apart end
end
local function meant(at) return string.format('%%.0f', tonumber(at) + off) end
`, MaxClockDistance.Milliseconds())

// errLate: a call was under way for so long that its clocks cannot be compared. Sent again it may be quicker.
var errLate = errors.New("too late to compare clocks")

// apart is the error of a call that the server refused for its clock, nil for any other answer. Nothing was written.
func apart(reply any, began time.Time, took time.Duration) error {
	answer, _ := reply.([]any)
	if len(answer) != 2 || answer[0] != "clock" {
		return nil
	}
	ms, err := strconv.ParseInt(fmt.Sprint(answer[1]), 10, 64)
	if err != nil {
		return fmt.Errorf("compare clocks: %w: the server answered %v", workflows.ErrAway, answer)
	}
	there := time.UnixMilli(ms)
	off := distance(there, began, took)
	switch {
	case off > MaxClockDistance:
		return fmt.Errorf("compare clocks: %w: %w: it is %s away", workflows.ErrAway, ErrClock,
			off.Round(time.Millisecond))
	case there.Sub(began) > MaxClockDistance:
		return fmt.Errorf("compare clocks: %w: %w: the server ran it %s after it was sent", workflows.ErrAway, errLate,
			there.Sub(began).Round(time.Millisecond))
	}
	return fmt.Errorf("compare clocks: %w: %w: what was to be stored was decided by one that was ahead",
		workflows.ErrAway, ErrClock)
}
