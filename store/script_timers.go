package store

// scriptClaimTimers leases due timers: those whose time has come, and those whose lease has ended.
//
// KEYS: 1 timers, 2 timers:leased, 3 timers:tokens.
// ARGV: now (time of commands), now (real time), end of the lease, then for each candidate: member, token.
//
// Answers the index from 1 of each claimed candidate. A claimed timer moves to timers:leased, so it
// never stands before others.
var scriptClaimTimers = newScript("claim timers", `
local now, real = tonumber(ARGV[1]), tonumber(ARGV[2])
local out = {}
for i = 1, (#ARGV - 3) / 2 do
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
var scriptEndTimer = newScript("end timer", `
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
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
  if ARGV[3] == 'keep' then redis.call('HDEL', KEYS[3], ARGV[1]) end
end
return 1
`)
