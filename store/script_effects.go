package store

// scriptClaimEffects leases due effects. The keys were seen due a moment ago; everything is checked
// again, since another process may have been faster.
//
// KEYS: 1 due:0, 2 due:1, 3 held, then for each candidate its queue and the places of its workflow
// (its queue again where it is no card). ARGV: now, end of the lease, how many to claim, then for
// each candidate: lane, key, token; at the end those of [clockLua].
//
// Answers for each claimed one: the candidate's index from 1, attempts, the effect's bytes, and all
// places, read under the lease (false where it is no card). What is held back moves to the end of
// its hold, so it is looked at once and does not stand before others.
var scriptClaimEffects = newScript("claim effects", clockLua+queueLua+`
local now, lease, quota = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local out = {}
for i = 1, (#KEYS - 3) / 2 do
  if quota == 0 then break end
  local queue, places = KEYS[2 + 2 * i], KEYS[3 + 2 * i]
  local a = 3 + (i - 1) * 3
  local lane, member, token = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
  local score = redis.call('ZSCORE', lanes[lane], member)
  if score and tonumber(score) <= now then
    local q = redis.call('HMGET', queue, 'head', 'token')
    local h = q[1] and redis.call('HGET', queue, 'h:' .. q[1])
    if not h then
      -- A lease ended whose effect was dropped meanwhile.
      schedule(queue, member, '')
    else
      local destination = string.match(h, '^[01] %-?%d+ (.*)$')
      local held = redis.call('HGET', KEYS[3], destination)
      if held and tonumber(held) > now then
        redis.call('ZADD', lanes[lane], held, member)
      else
        if held then redis.call('HDEL', KEYS[3], destination) end
        if q[2] then redis.call('HINCRBY', queue, 'attempts', 1) end
        redis.call('HSET', queue, 'token', token, 'claimed', q[1], 'until', lease)
        redis.call('ZADD', lanes[lane], lease, member)
        local got = redis.call('HMGET', queue, 'attempts', 'e:' .. q[1])
        out[#out + 1] = i
        out[#out + 1] = got[1] or '0'
        out[#out + 1] = got[2]
        out[#out + 1] = places ~= queue and redis.call('HGETALL', places)
        quota = quota - 1
      end
    end
  end
end
return out
`)

// scriptFinish ends a claim.
//
// KEYS: 1 due:0, 2 due:1, 3 queue, 4 the queue to move to (unused without a key to move to), 5
// places of the workflow. ARGV: key, token, done ("1"), every in ms, failed ("1"), not-before (""
// for at once), lease in ms, key to move to ("" to stay); then for each place to be written its
// field, the place, and the field of the mark that it is to be drawn again; at the end that of [meantLua].
//
// Answers 1, or 0 when the token is not the lease's: then nothing was written.
var scriptFinish = newScript("finish", meantLua+queueLua+`
if redis.call('HGET', KEYS[3], 'token') ~= ARGV[2] then return 0 end
for a = 9, #ARGV - 1, 3 do
  redis.call('HSET', KEYS[5], ARGV[a], ARGV[a + 1])
  redis.call('HDEL', KEYS[5], ARGV[a + 2])
end
local again = ARGV[6] ~= '' and meant(ARGV[6]) or ''
local q = redis.call('HMGET', KEYS[3], 'head', 'claimed')
if ARGV[8] == '' or ARGV[3] == '1' or q[1] ~= q[2] then
  release(KEYS[3], ARGV[1], ARGV[3] == '1', tonumber(ARGV[4]), ARGV[5] == '1', again, tonumber(ARGV[7]))
  return 1
end
-- The entry goes to the end of another queue, unless that holds the very same; here it counts as done.
local e = redis.call('HMGET', KEYS[3], 'h:' .. q[1], 'e:' .. q[1])
release(KEYS[3], ARGV[1], true, 0, false, '', tonumber(ARGV[7]))
local to = redis.call('HMGET', KEYS[4], 'head', 'tail')
local head, tail = to[1] or '1', to[2] or '1'
for n = tonumber(head), tonumber(tail) - 1 do
  if redis.call('HGET', KEYS[4], 'e:' .. n) == e[2] then return 1 end
end
local lane, due, destination = string.match(e[1], '^([01]) (%-?%d+) (.*)$')
if again ~= '' then due = again end
local header = lane .. ' ' .. due .. ' ' .. destination
redis.call('HSET', KEYS[4], 'head', head, 'tail', string.format('%.0f', tonumber(tail) + 1), 'h:' .. tail, header, 'e:' .. tail, e[2])
if not to[1] then enter(ARGV[8], header) end
return 1
`)

// scriptSavePlace writes where a card stands, and takes the mark that it is to be drawn again.
//
// KEYS: 1 queue, 2 places of the workflow. ARGV: token, place's field, place, the mark's field.
//
// Answers 1, or 0 when the token is not the lease's: then nothing was written.
var scriptSavePlace = newScript("save a place", `
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[4])
return 1
`)

// scriptExtend prolongs the lease of an effect.
//
// KEYS: 1 due:0, 2 due:1, 3 queue. ARGV: key, token, new end, that of [meantLua]. Answers 1, or 0 when the token is
// not the lease's.
var scriptExtend = newScript("extend", meantLua+`
if redis.call('HGET', KEYS[3], 'token') ~= ARGV[2] then return 0 end
local till = meant(ARGV[3])
redis.call('HSET', KEYS[3], 'until', till)
for i = 1, 2 do
  if redis.call('ZSCORE', KEYS[i], ARGV[1]) then redis.call('ZADD', KEYS[i], till, ARGV[1]) end
end
return 1
`)

// scriptHold keeps the later of two not-befores of a destination.
//
// KEYS: 1 held. ARGV: destination, not-before, that of [meantLua]. Answers 1.
var scriptHold = newScript("hold back", meantLua+`
local till = meant(ARGV[2])
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held or tonumber(held) < tonumber(till) then redis.call('HSET', KEYS[1], ARGV[1], till) end
return 1
`)
