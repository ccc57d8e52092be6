#!lua flags=allow-oom
-- Renews (R), completes (C) or gives up (F) what the holder of a fence holds. A server without
-- memory refuses new claims, never the memory of what is done: hence the flag.
-- ARGV: time in ms (empty: the server's), fence, linger in ms, operation, then
--   R lease in ms | C head, tail, ms of the whole answer, ms of the tombstone | F nothing
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if ARGV[1] ~= '' then now = tonumber(ARGV[1]) end
local r = redis.call('HMGET', KEYS[1], 's', 'x', 'd')
local s, op = r[1], ARGV[4]
if r[2] ~= ARGV[2] then return 0 end
if op == 'C' and s == 'D' and tonumber(r[3]) > now then return 1 end
if op == 'F' and s == 'F' then return 1 end
if s ~= 'P' then return 0 end
if op == 'C' then
  redis.call('HSET', KEYS[1], 's', 'D', 'h', ARGV[5], 'd', string.format('%.0f', now + ARGV[8]),
    'u', string.format('%.0f', now + ARGV[7]))
  if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'o', ARGV[6]) end
  redis.call('HDEL', KEYS[1], 'c')
  redis.call('PEXPIRE', KEYS[1], ARGV[8] + ARGV[3])
elseif op == 'F' then
  redis.call('HSET', KEYS[1], 's', 'F')
  redis.call('HDEL', KEYS[1], 'd', 'f', 'c')
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
else
  redis.call('HSET', KEYS[1], 'd', string.format('%.0f', now + ARGV[5]))
  redis.call('PEXPIRE', KEYS[1], ARGV[5] + ARGV[3])
end
return 1
