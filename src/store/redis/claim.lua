-- Grants a record, or says why not. One key, so that it runs in a cluster; duplicates write nothing.
-- ARGV: time in ms (empty: the server's), payload, claimant, lease in ms, linger in ms
-- Fields: s state (P running, D done, F given up), x fence, f payload, c claimant, d lease end or
-- time to forget, u end of the whole answer, h head and o tail of the answer
local t = redis.call('TIME')
local micros = t[1] * 1000000 + t[2]
if ARGV[1] ~= '' then micros = ARGV[1] * 1000 end
local now = math.floor(micros / 1000)
local r = redis.call('HMGET', KEYS[1], 's', 'x', 'f', 'c', 'd', 'u', 'h', 'o')
local s, x, d, u = r[1], tonumber(r[2] or '0'), tonumber(r[5] or '0'), tonumber(r[6] or '0')
if s and not (x and d and u and x > 0 and (s == 'P' or s == 'D' or s == 'F')) then return {'X'} end
if s == 'P' and d > now then
  if r[3] ~= ARGV[2] then return {'M'} end
  if r[4] == ARGV[3] then return {'A', r[2], '0'} end
  return {'P', string.format('%.0f', d - now)}
end
if s == 'D' and d > now then
  if r[3] ~= ARGV[2] then return {'M'} end
  if u > now then return {'D', r[7] or '', r[8] or ''} end
  if r[8] then redis.call('HDEL', KEYS[1], 'o') end
  return {'D', r[7] or '', ''}
end
-- The clock floors the fence, so that it grows even where the record is gone. %.0f: Lua counts in
-- doubles, exact to 2^53, and microseconds reach that in the year 2255.
x = x + 1
if x < micros then x = micros end
local xs = string.format('%.0f', x)
redis.call('HSET', KEYS[1], 's', 'P', 'x', xs, 'f', ARGV[2], 'c', ARGV[3],
  'd', string.format('%.0f', now + ARGV[4]))
redis.call('HDEL', KEYS[1], 'u', 'h', 'o')
redis.call('PEXPIRE', KEYS[1], ARGV[4] + ARGV[5])
return {'A', xs, s == 'P' and '1' or '0'}
