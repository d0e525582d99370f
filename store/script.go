package store

import "github.com/redis/go-redis/v9"

// Rules for every script here, so that it runs alike on Redis, Redis Cluster and miniredis: all
// keys come as KEYS; TIME only to compare clocks ([clockLua]), never as the time of anything;
// bodies pass through as they are, without cjson or cmsgpack; lists longer than 500 go in batches,
// because unpack fails near 8,000; nothing is written before everything was compared.

// queueLua holds what the scripts on effect queues share. A script that starts with it has the
// lanes' sorted sets as KEYS[1] (people) and KEYS[2] (bulk). The layout of a queue is in keys.go.
const queueLua = `
local lanes = {['0'] = KEYS[1], ['1'] = KEYS[2]}

-- enter puts the key of a queue that did not exist into the lane of its only entry.
local function enter(member, header)
  local lane, due = string.match(header, '^([01]) (%-?%d+) ')
  redis.call('ZADD', lanes[lane], due, member)
end

-- schedule puts a queue's key into the lane of its first entry, due at score (the entry's own time where there is none), or
-- removes what is empty.
local function schedule(queue, member, head, score)
  local h = redis.call('HGET', queue, 'h:' .. head)
  if not h then
    redis.call('DEL', queue)
    redis.call('ZREM', lanes['0'], member)
    redis.call('ZREM', lanes['1'], member)
    return
  end
  local lane, due = string.match(h, '^([01]) (%-?%d+) ')
  redis.call('ZREM', lanes[lane == '0' and '1' or '0'], member)
  redis.call('ZADD', lanes[lane], score or due, member)
end

-- release ends a lease whose token was compared. every: a watch's distance in ms, 0 for what is done once. notbefore: '' for at once
-- (a watch: after its distance). What was replaced or dropped meanwhile (head is not what was claimed) stays due at its own time; a failed
-- attempt counts for it, too, as the older content may have been delivered after all.
local function release(queue, member, done, every, failed, notbefore, leasefor)
  local q = redis.call('HMGET', queue, 'head', 'claimed', 'until')
  local head, score = q[1], nil
  redis.call('HDEL', queue, 'token', 'claimed', 'until')
  if q[1] == q[2] then
    if done and every == 0 then
      redis.call('HDEL', queue, 'h:' .. head, 'e:' .. head, 'attempts')
      head = string.format('%.0f', tonumber(head) + 1)
      redis.call('HSET', queue, 'head', head)
    elseif done then
      redis.call('HDEL', queue, 'attempts')
      score = notbefore
      if score == '' then score = string.format('%.0f', tonumber(q[3]) - leasefor + every) end
    else
      if failed then redis.call('HINCRBY', queue, 'attempts', 1) end
      score = notbefore
      if score == '' then score = '0' end
    end
  elseif done then
    redis.call('HDEL', queue, 'attempts')
  elseif failed then
    redis.call('HINCRBY', queue, 'attempts', 1)
  end
  schedule(queue, member, head, score)
end
`

// script is a Lua script and its digest.
type script struct {
	name, source, sha string
}

func newScript(name, source string) *script {
	return &script{name: name, source: source, sha: redis.NewScript(source).Hash()}
}
