package store

// scriptCommit stores a change whole or not at all.
//
// KEYS: 1 due:0, 2 due:1, 3 records, 4 timers, 5 timers:leased, 6 timers:tokens; then the keys in
// the order in which the walk through ARGV meets them, marked K below.
//
// ARGV, walked from the left (n× means: a count, then so many of these):
//
//	lease in ms
//	what is answered: "" | "effect" K:queue key token every | "timer" member token
//	n× compared record: K:record K:events id version head
//	n× guard: K:record revision            a card's content must not be older than its workflow
//	for each compared record: count of events; unless 0: version machine schema state head last seal vouch, events…
//	n× dropped:  K:queue key
//	n× appended: K:queue key header body
//	n× ensured:  K:queue key header body   appended, unless the queue holds the very same body
//	n× put:      K:queue key header body
//	n× stale:    K:places field            a card to be drawn again
//	n× timer gone: member
//	n× timer set:  due member
//	n× waiting:     K:waiting workflow since
//	n× not waiting: K:waiting workflow
//	open: "" | "+" K:open workflow since | "-" K:open workflow
//	those of [clockLua]
//
// Answers {"ok"}, {"conflict", what moved}, or as [clockLua] does.
var scriptCommit = newScript("commit", clockLua+queueLua+`
local k, a = 6, 0
local function key() k = k + 1 return KEYS[k] end
local function arg() a = a + 1 return ARGV[a] end
local function num() return tonumber(arg()) end

local leasefor = num()
local answered = arg()
local claim = {}
if answered == 'effect' then
  claim.queue = key()
  claim.member = arg()
  claim.token = arg()
  claim.every = num()
  if redis.call('HGET', claim.queue, 'token') ~= claim.token then return {'conflict', 'claim'} end
elseif answered == 'timer' then
  claim.member = arg()
  claim.token = arg()
  if redis.call('HGET', KEYS[6], claim.member) ~= claim.token then return {'conflict', 'claim'} end
end

local records = {}
for i = 1, num() do
  local r = {}
  r.record = key()
  r.events = key()
  r.id = arg()
  r.version = arg()
  r.head = arg()
  local got = redis.call('HMGET', r.record, 'version', 'head')
  if (got[1] or '0') ~= r.version or (got[2] or '') ~= r.head then return {'conflict', r.id} end
  records[i] = r
end
for i = 1, num() do
  local record = key()
  local revision = num()
  if tonumber(redis.call('HGET', record, 'version') or '0') > revision then return {'conflict', 'card'} end
end

-- Nothing was written up to here; nothing is compared from here on.
if answered == 'effect' then
  release(claim.queue, claim.member, true, claim.every, false, '', leasefor)
elseif answered == 'timer' then
  redis.call('ZREM', KEYS[5], claim.member)
  redis.call('HDEL', KEYS[6], claim.member)
end

for _, r in ipairs(records) do
  local n = num()
  if n > 0 then
    redis.call('HSET', r.record, 'version', ARGV[a + 1], 'machine', ARGV[a + 2], 'schema', ARGV[a + 3],
      'state', ARGV[a + 4], 'head', ARGV[a + 5], 'last', ARGV[a + 6], 'seal', ARGV[a + 7], 'vouch', ARGV[a + 8])
    a = a + 8
    if r.version == '0' then redis.call('ZADD', KEYS[3], 0, r.id) end
    while n > 0 do
      local m = math.min(n, 500)
      redis.call('RPUSH', r.events, unpack(ARGV, a + 1, a + m))
      a = a + m
      n = n - m
    end
  end
end

-- open answers head and tail of a queue, the end of its lease, if it has one, and whether it exists.
local function open(queue)
  local q = redis.call('HMGET', queue, 'head', 'tail', 'until')
  return tonumber(q[1] or '1'), tonumber(q[2] or '1'), q[3], q[1]
end
local function clear(queue, head, tail)
  for n = head, tail - 1 do redis.call('HDEL', queue, 'h:' .. n, 'e:' .. n) end
end

for i = 1, num() do
  local queue = key()
  local member = arg()
  local head, tail, leased, exists = open(queue)
  if exists then
    clear(queue, head, tail)
    redis.call('HDEL', queue, 'attempts')
    if leased then
      redis.call('HSET', queue, 'head', tail)
    else
      schedule(queue, member, tail)
    end
  end
end
local function append(queue, member, header, body, unless)
  local head, tail, leased, exists = open(queue)
  if unless then
    for n = head, tail - 1 do
      if redis.call('HGET', queue, 'e:' .. n) == body then return end
    end
  end
  redis.call('HSET', queue, 'head', head, 'tail', tail + 1, 'h:' .. tail, header, 'e:' .. tail, body)
  if not exists then
    enter(member, header)
  elseif head == tail then
    schedule(queue, member, tail, leased)
  end
end
for way = 1, 2 do
  for i = 1, num() do
    append(key(), ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], way == 2)
    a = a + 3
  end
end
for i = 1, num() do
  local queue = key()
  local member, header, body = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
  a = a + 3
  local head, tail, leased, exists = open(queue)
  if exists then clear(queue, head, tail) end -- attempts stay: one of them may have been delivered, which whoever delivers the new content must know
  redis.call('HSET', queue, 'head', tail, 'tail', tail + 1, 'h:' .. tail, header, 'e:' .. tail, body)
  if exists then
    schedule(queue, member, tail, leased)
  else
    enter(member, header)
  end
end
for i = 1, num() do
  redis.call('HSET', key(), arg(), '1')
end

for i = 1, num() do
  local member = arg()
  redis.call('ZREM', KEYS[4], member)
  redis.call('ZREM', KEYS[5], member)
  redis.call('HDEL', KEYS[6], member)
end
for i = 1, num() do
  local due, member = ARGV[a + 1], ARGV[a + 2]
  a = a + 2
  if not redis.call('ZSCORE', KEYS[5], member) then redis.call('ZADD', KEYS[4], due, member) end
end
for i = 1, num() do
  local waiting = key()
  redis.call('ZADD', waiting, 'NX', ARGV[a + 2], ARGV[a + 1])
  a = a + 2
end
for i = 1, num() do
  local waiting = key()
  redis.call('ZREM', waiting, arg())
end
local way = arg()
if way == '+' then
  redis.call('ZADD', key(), 'NX', ARGV[a + 2], ARGV[a + 1])
elseif way == '-' then
  redis.call('ZREM', key(), arg())
end
return {'ok'}
`)
