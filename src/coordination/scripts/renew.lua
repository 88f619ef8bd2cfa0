-- Makes leases last from now on.
-- KEYS: records. ARGV: lease, how long an ended lease is kept, then each record's fence.
local lease, keep = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local function text(number) return string.format('%.0f', number) end

local renewed = {}
for number, record in ipairs(KEYS) do
  local found = redis.call('HMGET', record, 'kind', 'fence', 'mark')
  if found[1] == 'lock' and found[2] == ARGV[number + 2] then
    redis.call('HSET', record, 'lease', text(lease), 'until', text(now + lease))
    local kept = math.max(lease + keep, tonumber(found[3] or '0') - now)
    redis.call('PEXPIRE', record, text(math.ceil(kept / 1000)))
    renewed[number] = 1
  else
    renewed[number] = 0
  end
end
return renewed
