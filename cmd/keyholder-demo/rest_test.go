package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/store"
)

// What somebody presses here is what they would see a moment later as well: every step of these tests begins when the
// bot has nothing left to do, so a card that is about to change is never pressed. Tests that press old cards on
// purpose, and those in which something misbehaves, click in Slack by themselves.

// unrest names the first thing that a bot will do at once, or is doing now: an effect or a watch
// that is due or leased, a timer that is due or leased. Nothing is named that waits for its time,
// as after a failure.
//
// ARGV: prefix, shards, the time of commands.
var unrest = redis.NewScript(`
local clock = redis.call('TIME')
local real = clock[1] * 1000 + math.floor(clock[2] / 1000)
for shard = 0, ARGV[2] - 1 do
  local at = string.format('%s:{%02d}:', ARGV[1], shard)
  local timers = redis.call('ZRANGEBYSCORE', at .. 'timers', '-inf', ARGV[3], 'LIMIT', 0, 1)
  if timers[1] then return 'due: ' .. timers[1] end
  local leased = redis.call('ZRANGE', at .. 'timers:leased', 0, 0)
  if leased[1] then return 'leased: ' .. leased[1] end
  for lane = 0, 1 do
    local due = redis.call('ZRANGE', at .. 'due:' .. lane, 0, -1, 'WITHSCORES')
    for i = 1, #due, 2 do
      if tonumber(due[i + 1]) <= real then return 'due: ' .. due[i] end
      if redis.call('HEXISTS', at .. 'queue:' .. due[i], 'token') == 1 then return 'leased: ' .. due[i] end
    end
  end
end
return ''`)

// busy says what a bot still has to do; "": nothing. Without a bot nothing will be done.
func (s *stage) busy() string {
	if s.slack.Connections() == 0 {
		return ""
	}
	if s.looker == nil {
		o, err := redis.ParseURL(s.redisURL())
		if err != nil {
			s.t.Fatal(err)
		}
		s.looker = redis.NewClient(o)
		s.t.Cleanup(func() { _ = s.looker.Close() })
	}
	ctx, cancel := context.WithTimeout(s.ctx, time.Second)
	defer cancel()
	what, err := unrest.Run(ctx, s.looker, nil, cmp.Or(s.cfg.Redis.Prefix, store.DefaultPrefix), s.cfg.Redis.Shards,
		s.clock.Now().UnixMilli()).Text()
	if err != nil {
		return fmt.Sprintf("Redis does not say: %v", err)
	}
	return what
}

// atRest waits until the bot has nothing to do, so that what Slack shows is the newest.
func (s *stage) atRest() {
	s.t.Helper()
	s.until("the bot to have done everything", func() bool { return s.busy() == "" })
}

// forward moves the time once what was done before is done.
func (s *stage) forward(by time.Duration) {
	s.t.Helper()
	s.atRest()
	s.clock.Forward(by)
}
