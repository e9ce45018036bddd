// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/stock_scripts.h"

// Before each script: `epoch` of the counts, or {'stale'} at once when there are none, or when they
// were last known whole on another node: after a failover the last writes may be missing. That is
// noted, so that it holds also when the first node serves again.
#define FENCE                                                                      \
  "local me = redis.pcall('CLUSTER', 'MYID')\n"                                    \
  "if type(me) ~= 'string' then me = '' end\n"                                     \
  "local fence = redis.call('HMGET', KEYS[1], 'epoch', 'node')\n"                  \
  "local epoch = fence[1]\n"                                                       \
  "if not epoch then return {'stale'} end\n"                                       \
  "if fence[2] ~= me then\n"                                                       \
  "  if fence[2] ~= 'lost' then redis.call('HSET', KEYS[1], 'node', 'lost') end\n" \
  "  return {'stale'}\n"                                                           \
  "end\n"

namespace panshi::shop {

// KEYS stock, hold, holds; ARGV order, expires_ms, quantity, key, body_hash, then the hold's fields
// as pairs. `tries` counts the requests that work on this hold.
const char* const kReserveScript = FENCE R"lua(
local hold = redis.call('HMGET', KEYS[2], 'idempotency_key', 'body_hash')
if hold[1] then
  if hold[1] ~= ARGV[4] or hold[2] ~= ARGV[5] then return {'other'} end
  redis.call('HINCRBY', KEYS[2], 'tries', 1)
  return {'already', redis.call('HGETALL', KEYS[2])}
end
local quantity = tonumber(ARGV[3])
if tonumber(redis.call('HGET', KEYS[1], 'free')) < quantity then return {'sold_out'} end
redis.call('HINCRBY', KEYS[1], 'free', -quantity)
redis.call('HINCRBY', KEYS[1], 'held', quantity)
redis.call('HSET', KEYS[2], 'state', 'placed', 'tries', 1, 'epoch', epoch, unpack(ARGV, 6))
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
return {'new', redis.call('HGETALL', KEYS[2])}
)lua";

// KEYS stock, hold; ARGV durable
const char* const kRecordedScript = FENCE R"lua(
if redis.call('HGET', KEYS[2], 'epoch') ~= epoch then return {'stale'} end
redis.call('HSETNX', KEYS[2], 'durable', ARGV[1])
return {'ok'}
)lua";

// KEYS stock, hold, holds; ARGV order, epoch
const char* const kCancelScript = FENCE R"lua(
local hold = redis.call('HMGET', KEYS[2], 'state', 'durable', 'quantity', 'epoch')
if not hold[1] then return {'ok'} end
if hold[4] ~= epoch or ARGV[2] ~= epoch then return {'stale'} end
local left = redis.call('HINCRBY', KEYS[2], 'tries', -1)
if hold[1] ~= 'placed' or hold[2] or left > 0 then return {'ok'} end
redis.call('HINCRBY', KEYS[1], 'free', hold[3])
redis.call('HINCRBY', KEYS[1], 'held', -hold[3])
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
return {'ok'}
)lua";

// KEYS stock, hold, holds; ARGV order, user, amount_cents, now_ms, until_ms
const char* const kBeginPayScript = FENCE R"lua(
local hold = redis.call('HMGET', KEYS[2], 'user', 'amount_cents', 'state', 'epoch')
if not hold[1] or hold[1] ~= ARGV[2] then return {'unknown'} end
local all = redis.call('HGETALL', KEYS[2])
if hold[2] ~= ARGV[3] then return {'wrong_amount', all} end
if hold[3] == 'paid' or hold[3] == 'delivered' then return {'already', all} end
if hold[3] == 'expired' then return {'expired', all} end
if hold[4] ~= epoch then return {'stale'} end
local expires = redis.call('ZSCORE', KEYS[3], ARGV[1])
if hold[3] == 'placed' and expires and tonumber(expires) <= tonumber(ARGV[4]) then
  return {'expired', all}
end
redis.call('HSET', KEYS[2], 'state', 'paying')
redis.call('ZADD', KEYS[3], 'GT', ARGV[5], ARGV[1])
return {'started', all}
)lua";

// KEYS stock, hold, holds; ARGV order, expires_ms, epoch
const char* const kEndPayScript = FENCE R"lua(
local hold = redis.call('HMGET', KEYS[2], 'state', 'epoch')
if hold[1] ~= 'paying' then return {'ok'} end
if hold[2] ~= epoch or ARGV[3] ~= epoch then return {'stale'} end
redis.call('HSET', KEYS[2], 'state', 'placed')
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
return {'ok'}
)lua";

// KEYS stock, hold, holds, expired, sold; ARGV order, to, card_key, quantity, keep_s, then the
// fields of the hold as pairs, for one that is not there. What is in `sold` is counted for ever.
// An order that holds nothing (expired, or lost) takes stock again; when there is none left it is
// marked `uncounted`, and the sum stays right.
const char* const kSettleScript = FENCE R"lua(
local hold = redis.call('HMGET', KEYS[2], 'state', 'uncounted', 'epoch')
local state, uncounted = hold[1], hold[2]
local sold = redis.call('SISMEMBER', KEYS[5], ARGV[1]) == 1
local holds = (state == 'placed' or state == 'paying' or state == 'paid') and hold[3] == epoch
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if not sold and not holds and not uncounted and state ~= 'delivered' then
  if tonumber(redis.call('HGET', KEYS[1], 'free')) >= tonumber(ARGV[4]) then
    redis.call('HINCRBY', KEYS[1], 'free', -ARGV[4])
    redis.call('HINCRBY', KEYS[1], 'held', ARGV[4])
  else
    uncounted = '1'
    redis.call('HSET', KEYS[2], 'uncounted', 1)
  end
end
if not state then redis.call('HSET', KEYS[2], unpack(ARGV, 6)) end
if state ~= 'delivered' then
  redis.call('HSET', KEYS[2], 'state', 'paid', 'epoch', epoch)
  redis.call('PERSIST', KEYS[2])
end
if ARGV[2] == 'delivered' and state ~= 'delivered' then
  if not sold and not uncounted then
    redis.call('HINCRBY', KEYS[1], 'held', -ARGV[4])
    redis.call('HINCRBY', KEYS[1], 'sold', ARGV[4])
    redis.call('SADD', KEYS[5], ARGV[1])
  end
  redis.call('HSET', KEYS[2], 'state', 'delivered', 'card_key', ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
return {'ok'}
)lua";

// KEYS stock, holds of orders. {'ok', index, ...}: those that are counted as paid, from 0.
const char* const kPaidAmongScript = FENCE R"lua(
local answer = {'ok'}
for i = 2, #KEYS do
  local hold = redis.call('HMGET', KEYS[i], 'state', 'epoch')
  if hold[1] == 'delivered' or (hold[1] == 'paid' and hold[2] == epoch) then
    answer[#answer + 1] = i - 2
  end
end
return answer
)lua";

// KEYS stock, holds, expired; ARGV now_ms, limit, hold prefix, swept_ms, keep_s
const char* const kExpireScript = FENCE R"lua(
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local swept = tonumber(ARGV[4])
local count = 0
for i = 1, #due, 2 do
  local order, score = due[i], tonumber(due[i + 1])
  local key = ARGV[3] .. order
  local hold = redis.call('HMGET', key, 'state', 'quantity')
  if hold[1] == 'placed' or (hold[1] == 'paying' and swept > score) then
    redis.call('HINCRBY', KEYS[1], 'free', hold[2])
    redis.call('HINCRBY', KEYS[1], 'held', -hold[2])
    redis.call('HSET', key, 'state', 'expired')
    redis.call('EXPIRE', key, ARGV[5])
    redis.call('ZREM', KEYS[2], order)
    redis.call('ZADD', KEYS[3], ARGV[1], order)
    count = count + 1
  elseif hold[1] ~= 'paying' then
    redis.call('ZREM', KEYS[2], order)
  end
end
return {'ok', count, redis.call('ZCARD', KEYS[3])}
)lua";

// KEYS stock. The epoch as it was when the counts were found lost: rebuild wants to see it again.
const char* const kMarkerScript = R"lua(
local me = redis.pcall('CLUSTER', 'MYID')
if type(me) ~= 'string' then me = '' end
local fence = redis.call('HMGET', KEYS[1], 'epoch', 'node')
if fence[1] and fence[2] == me then return {'whole', fence[1]} end
if fence[1] then redis.call('HSET', KEYS[1], 'node', 'lost') end
return {'lost', fence[1] or ''}
)lua";

// KEYS stock; ARGV initial. What is new is free.
const char* const kRaiseScript = FENCE R"lua(
local more = tonumber(ARGV[1]) - tonumber(redis.call('HGET', KEYS[1], 'initial'))
if more > 0 then
  redis.call('HINCRBY', KEYS[1], 'initial', more)
  redis.call('HINCRBY', KEYS[1], 'free', more)
end
return {'ok'}
)lua";

// KEYS stock, holds, sold
const char* const kWholeScript = R"lua(
return {redis.call('HMGET', KEYS[1], 'initial', 'free', 'held', 'sold'),
        redis.call('ZRANGE', KEYS[2], 0, -1), redis.call('SMEMBERS', KEYS[3])}
)lua";

// KEYS holds of orders
const char* const kFindAllScript = R"lua(
local answer = {}
for i = 1, #KEYS do answer[i] = redis.call('HGETALL', KEYS[i]) end
return answer
)lua";

// KEYS stock, holds, expired, sold, staged; ARGV epoch, epoch seen, initial, hold prefix,
// expires_ms, keep_s, then for each order of the ledger its number of fields, and these as pairs:
// id, state and quantity first. `staged`: the ids of what is sold. Only when nobody counted since
// `epoch seen`.
const char* const kRebuildScript = R"lua(
local current = redis.call('HGET', KEYS[1], 'epoch') or ''
if current == ARGV[1] then return {'ok'} end
if current ~= ARGV[2] then return {'stale'} end
local me = redis.pcall('CLUSTER', 'MYID')
if type(me) ~= 'string' then me = '' end
for _, order in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  redis.call('DEL', ARGV[4] .. order)
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
if redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('RENAME', KEYS[5], KEYS[4])
  redis.call('PERSIST', KEYS[4])
end
local held = 0
local at = 7
while ARGV[at] do
  local last = at + tonumber(ARGV[at])
  local order, state, quantity = ARGV[at + 2], ARGV[at + 4], ARGV[at + 6]
  local key = ARGV[4] .. order
  redis.call('DEL', key)
  redis.call('HSET', key, 'epoch', ARGV[1], 'tries', 1, 'durable', 'database',
             unpack(ARGV, at + 1, last))
  if state == 'delivered' then
    redis.call('EXPIRE', key, ARGV[6])
  else
    held = held + tonumber(quantity)
    if state == 'paying' then redis.call('ZADD', KEYS[2], ARGV[5], order) end
  end
  at = last + 1
end
local sold = redis.call('SCARD', KEYS[4])
redis.call('HSET', KEYS[1], 'initial', ARGV[3], 'held', held, 'sold', sold,
           'free', math.max(tonumber(ARGV[3]) - held - sold, 0), 'epoch', ARGV[1], 'node', me)
return {'ok'}
)lua";

}  // namespace panshi::shop
