-- Stores a result and frees the lock, unless a result is there: says whose is.
-- KEYS: the key's record. ARGV: fence, status, headers (JSON), body, at, how long it is kept.
local record = KEYS[1]
local found = redis.call('HMGET', record, 'kind', 'fence')
if found[1] == 'result' then
  return found[2] == ARGV[1] and 'stored' or 'another'
end
redis.call('DEL', record)
redis.call('HSET', record, 'kind', 'result', 'fence', ARGV[1], 'status', ARGV[2], 'headers', ARGV[3], 'body', ARGV[4],
  'at', ARGV[5])
redis.call('PEXPIRE', record, string.format('%.0f', math.ceil(tonumber(ARGV[6]) / 1000)))
return 'stored'
