-- Grants a key, or says why not. Moments and spans are microseconds, exact in a double until the year 2255.
-- KEYS: the key's record, the last fence.
-- ARGV: run, item, lease, `respect` or `ignore` for an unsure mark, how long an ended lease is kept.
local record, fences = KEYS[1], KEYS[2]
local run, item, lease, keep = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local respects = ARGV[4] == 'respect'

local found = redis.call('HMGET', record, 'kind', 'run', 'item', 'lease', 'until', 'taken', 'mark',
  'status', 'headers', 'body', 'at')
local kind = found[1]
if kind == 'result' then
  return {'stored', found[8], found[9], found[10], found[11]}
elseif kind and kind ~= 'lock' and kind ~= 'unsure' then
  return {'strange', 'a record of kind `' .. kind .. '`'}
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local function text(number) return string.format('%.0f', number) end
local mark = tonumber(found[7] or '0')
local marked = mark > now
local taken = '0'
if kind == 'lock' and found[2] == run and found[3] == item then
  taken = found[6]
else
  if kind == 'lock' then
    local left = tonumber(found[5]) - now
    if left > tonumber(found[4]) then
      -- the clock was set back: no lease has more left than its own length
      left = tonumber(found[4])
      redis.call('HSET', record, 'until', text(now + left))
    end
    if left > 0 then
      return {'locked', text(left)}
    end
    taken = '1'
  end
  if marked and respects then
    return {'unsure'}
  end
end

if redis.call('EXISTS', fences) == 0 then
  -- above all that a Redis that lost its memory can have given
  redis.call('SET', fences, text(now))
end
local fence = text(redis.call('INCR', fences))
redis.call('DEL', record)
redis.call('HSET', record, 'kind', 'lock', 'run', run, 'item', item, 'fence', fence, 'lease', text(lease),
  'until', text(now + lease), 'taken', taken)
local kept = lease + keep
if marked then
  redis.call('HSET', record, 'mark', text(mark))
  kept = math.max(kept, mark - now)
end
redis.call('PEXPIRE', record, text(math.ceil(kept / 1000)))
return {'granted', fence, taken}
