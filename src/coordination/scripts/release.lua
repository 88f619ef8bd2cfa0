-- Ends a lock without a result.
-- KEYS: the key's record. ARGV: fence, `free` or `unsure`, how long an unsure mark is kept.
local record = KEYS[1]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local function text(number) return string.format('%.0f', number) end

local found = redis.call('HMGET', record, 'kind', 'fence', 'mark')
local kind, ours, mark = found[1], found[2] == ARGV[1], tonumber(found[3] or '0')
if kind == 'result' then
  return 0
end

if ARGV[2] == 'unsure' then
  mark = math.max(mark, now + tonumber(ARGV[3]))
  if kind == 'lock' and not ours then
    -- another's lock stays, above the mark
    redis.call('HSET', record, 'mark', text(mark))
    local kept = math.max(redis.call('PTTL', record), math.ceil((mark - now) / 1000))
    redis.call('PEXPIRE', record, text(kept))
    return 1
  end
elseif kind ~= 'lock' or not ours then
  return 0
end

redis.call('DEL', record)
if mark > now then
  redis.call('HSET', record, 'kind', 'unsure', 'mark', text(mark))
  redis.call('PEXPIRE', record, text(math.ceil((mark - now) / 1000)))
end
return 1
