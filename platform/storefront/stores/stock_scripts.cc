// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/stock_scripts.h"

namespace panshi::shop {

// KEYS stock, hold, holds; ARGV order, product, expires_ms, quantity, key, body_hash, then the
// hold's fields as pairs. `tries` counts the requests that work on this hold.
const char* const kReserveScript = R"lua(
local hold = redis.call('HMGET', KEYS[2], 'idempotency_key', 'body_hash')
if hold[1] then
  if hold[1] ~= ARGV[5] or hold[2] ~= ARGV[6] then return {'other'} end
  redis.call('HINCRBY', KEYS[2], 'tries', 1)
  return {'already', redis.call('HGETALL', KEYS[2])}
end
local free = redis.call('HGET', KEYS[1], 'free')
if not free then return {'unknown'} end
local quantity = tonumber(ARGV[4])
if tonumber(free) < quantity then return {'sold_out'} end
redis.call('HINCRBY', KEYS[1], 'free', -quantity)
redis.call('HINCRBY', KEYS[1], 'held', quantity)
redis.call('HSET', KEYS[2], 'state', 'placed', 'tries', 1, unpack(ARGV, 7))
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
return {'new', redis.call('HGETALL', KEYS[2])}
)lua";

// KEYS hold; ARGV durable
const char* const kRecordedScript = R"lua(
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSETNX', KEYS[1], 'durable', ARGV[1])
return 1
)lua";

// KEYS stock, hold, holds; ARGV order
const char* const kCancelScript = R"lua(
local hold = redis.call('HMGET', KEYS[2], 'state', 'durable', 'quantity')
if not hold[1] then return 0 end
local left = redis.call('HINCRBY', KEYS[2], 'tries', -1)
if hold[1] ~= 'placed' or hold[2] or left > 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'free', hold[3])
redis.call('HINCRBY', KEYS[1], 'held', -hold[3])
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
)lua";

// KEYS hold, holds; ARGV order, user, amount_cents, now_ms, until_ms
const char* const kBeginPayScript = R"lua(
local hold = redis.call('HMGET', KEYS[1], 'user', 'amount_cents', 'state')
if not hold[1] or hold[1] ~= ARGV[2] then return {'unknown'} end
local all = redis.call('HGETALL', KEYS[1])
if hold[2] ~= ARGV[3] then return {'wrong_amount', all} end
if hold[3] == 'paid' or hold[3] == 'delivered' then return {'already', all} end
if hold[3] == 'expired' then return {'expired', all} end
local expires = redis.call('ZSCORE', KEYS[2], ARGV[1])
if hold[3] == 'placed' and expires and tonumber(expires) <= tonumber(ARGV[4]) then
  return {'expired', all}
end
redis.call('HSET', KEYS[1], 'state', 'paying')
redis.call('ZADD', KEYS[2], 'GT', ARGV[5], ARGV[1])
return {'started', all}
)lua";

// KEYS hold, holds; ARGV order, expires_ms
const char* const kEndPayScript = R"lua(
if redis.call('HGET', KEYS[1], 'state') ~= 'paying' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'placed')
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return 1
)lua";

// KEYS stock, hold, holds, expired; ARGV order, to, card_key, quantity, keep_s, then the fields of
// the hold as pairs, for one that Redis lost (it is not counted: the stock was rebuilt without it).
const char* const kSettleScript = R"lua(
local hold = redis.call('HMGET', KEYS[2], 'state', 'uncounted')
local state, counted = hold[1], not hold[2]
if not state then
  redis.call('HSET', KEYS[2], 'state', 'paid', 'uncounted', 1, unpack(ARGV, 6))
  state, counted = 'paid', false
elseif state == 'expired' then
  local free = tonumber(redis.call('HGET', KEYS[1], 'free') or '0')
  if free >= tonumber(ARGV[4]) then redis.call('HINCRBY', KEYS[1], 'free', -ARGV[4]) end
  redis.call('HINCRBY', KEYS[1], 'held', ARGV[4])
  redis.call('ZREM', KEYS[4], ARGV[1])
end
redis.call('ZREM', KEYS[3], ARGV[1])
if state ~= 'paid' and state ~= 'delivered' then
  redis.call('HSET', KEYS[2], 'state', 'paid')
  state = 'paid'
end
if ARGV[2] == 'delivered' and state == 'paid' then
  if counted then
    redis.call('HINCRBY', KEYS[1], 'held', -ARGV[4])
    redis.call('HINCRBY', KEYS[1], 'sold', ARGV[4])
  end
  redis.call('HSET', KEYS[2], 'state', 'delivered', 'card_key', ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
return 1
)lua";

// KEYS stock, holds, expired; ARGV now_ms, limit, hold prefix, swept_ms, keep_s
const char* const kExpireScript = R"lua(
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
return count
)lua";

// KEYS stock; ARGV initial, free, held, sold
const char* const kInitialiseScript = R"lua(
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'initial', ARGV[1], 'free', ARGV[2], 'held', ARGV[3], 'sold', ARGV[4])
return 1
)lua";

}  // namespace panshi::shop
