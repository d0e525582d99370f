package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
)

// ClaimTimers implements [workflows.Timers]. When nothing is due it costs one pipelined read,
// otherwise one more round trip.
func (s *Store) ClaimTimers(ctx context.Context, now, real time.Time, fresh, again int, only ...int) ([]workflows.Claim,
	error) {
	picked, err := s.dueTimers(ctx, now, real, fresh, again, only)
	if err != nil || len(picked) == 0 {
		return nil, err
	}
	until := real.Add(workflows.LeaseFor)
	groups := byShard(picked)
	var calls []*call
	for shard, list := range groups {
		c := &call{shard: shard, script: scriptClaimTimers, clocked: true,
			args: []any{millis(now), millis(real), millis(until)},
			keys: []string{s.keys.timers(shard), s.keys.timersLeased(shard), s.keys.timersTokens(shard)}}
		for _, cand := range list {
			c.args = append(c.args, cand.member, newToken(shard))
		}
		calls = append(calls, c)
	}
	s.run(ctx, true, calls...)
	var claims []workflows.Claim
	var failed error
	for _, c := range calls {
		if c.err != nil {
			failed = errors.Join(failed, written("claim timers", c.err))
			continue
		}
		for _, i := range numbers(c.reply) {
			member, token := fmt.Sprint(c.args[1+2*i]), fmt.Sprint(c.args[2+2*i])
			timer, ok := parseTimer(member)
			if !ok {
				s.log.Error().Str("timer", member).Msg("read the name of a timer")
				continue
			}
			claims = append(claims, workflows.Claim{Timer: &timer, Token: token,
				Until:    time.UnixMilli(until.UnixMilli()),
				Attempts: groups[c.shard][i-1].again})
		}
	}
	if len(claims) > 0 && failed != nil {
		s.log.Warn().Err(failed).Msg("claim timers on some shards only")
		failed = nil
	}
	return claims, failed
}

// dueTimers lists up to again timers whose lease ended and up to fresh ones whose time has come, each shard in turn.
func (s *Store) dueTimers(ctx context.Context, now, real time.Time, fresh, again int, only []int) ([]candidate, error) {
	shards := s.everyShard(only)
	due, ended := make([]*redis.StringSliceCmd, len(shards)), make([]*redis.StringSliceCmd, len(shards))
	var clock *clockCheck
	err := s.read(ctx, "look for due timers", func() error {
		pipe := s.rdb.Pipeline()
		for i, shard := range shards {
			// The client leaves the limit out where it is 0, so of what is not wanted one is read and not picked.
			ended[i] = pipe.ZRangeByScore(ctx, s.keys.timersLeased(shard),
				&redis.ZRangeBy{Min: "-inf", Max: millis(real), Count: int64(max(again, 1))})
			due[i] = pipe.ZRangeByScore(ctx, s.keys.timers(shard), &redis.ZRangeBy{Min: "-inf", Max: millis(now),
				Count: int64(max(fresh, 1))})
		}
		clock = s.askTime(ctx, pipe, shards)
		_, err := pipe.Exec(ctx)
		clock.answered()
		return err
	})
	if err != nil && !anyAnswered(due) {
		return nil, err
	}
	if err := clock.verdict(); err != nil {
		return nil, err
	}
	picked := shares(candidates(shards, 0, ended), again)
	for i := range picked {
		picked[i].again = 1
	}
	return append(picked, shares(candidates(shards, 0, due), fresh)...), nil
}

// DropTimer implements [workflows.Timers]. [workflows.ErrLeaseLost] when another lease holds it; a
// timer that is gone already is no error.
func (s *Store) DropTimer(ctx context.Context, c workflows.Claim) error {
	return s.endTimer(ctx, c, "drop", time.Time{})
}

func (s *Store) endTimer(ctx context.Context, c workflows.Claim, how string, until time.Time) error {
	shard, err := s.claimShard(c)
	if err != nil || c.Timer == nil {
		return fmt.Errorf("%s timer: %w", how, errors.Join(workflows.ErrLeaseLost, err))
	}
	sc := &call{shard: shard, counted: true, script: scriptEndTimer,
		args: []any{timerMember(*c.Timer), c.Token, how, millis(until)},
		keys: []string{s.keys.timers(shard), s.keys.timersLeased(shard), s.keys.timersTokens(shard)}}
	s.run(ctx, false, sc)
	if sc.err == nil && sc.reply == int64(2) && how != "drop" {
		return fmt.Errorf("%s timer: %w", how, workflows.ErrLeaseLost)
	}
	return held(how+" timer", sc)
}

// scriptClaimTimers leases due timers: those whose time has come, and those whose lease has ended.
//
// KEYS: 1 timers, 2 timers:leased, 3 timers:tokens.
// ARGV: now (time of commands), now (real time), end of the lease, then for each candidate: member, token;
// at the end those of [clockLua].
//
// Answers the index from 1 of each claimed candidate. A claimed timer moves to timers:leased, so it
// never stands before others.
var scriptClaimTimers = newScript("claim timers", clockLua+`
local now, real = tonumber(ARGV[1]), tonumber(ARGV[2])
local out = {}
for i = 1, (#ARGV - 5) / 2 do
  local member, token = ARGV[2 + i * 2], ARGV[3 + i * 2]
  local lease = redis.call('ZSCORE', KEYS[2], member)
  local mine = false
  if lease then
    mine = tonumber(lease) <= real
  else
    local due = redis.call('ZSCORE', KEYS[1], member)
    mine = due and tonumber(due) <= now
  end
  if mine then
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZADD', KEYS[2], ARGV[3], member)
    redis.call('HSET', KEYS[3], member, token)
    out[#out + 1] = i
  end
end
return out
`)

// scriptEndTimer ends the claim of a timer.
//
// KEYS: 1 timers, 2 timers:leased, 3 timers:tokens. ARGV: member, token, what to do: "drop" it, or
// "keep" it to be claimed again or "extend" its lease; for these, until when (real time).
//
// Answers 1; 0 when another lease holds the timer; 2 when there is no such timer.
var scriptEndTimer = newScript("end timer", meantLua+`
local token = redis.call('HGET', KEYS[3], ARGV[1])
if not token then
  if redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
  return 2
end
if token ~= ARGV[2] then return 0 end
if ARGV[3] == 'drop' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
else
  redis.call('ZADD', KEYS[2], meant(ARGV[4]), ARGV[1])
  if ARGV[3] == 'keep' then redis.call('HDEL', KEYS[3], ARGV[1]) end
end
return 1
`)
