-- Counts what records hold: locks, ended leases, unsure marks, results, and the results' bytes.
-- KEYS: records.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local locks, ended, unsure, results, bytes = 0, 0, 0, 0, 0
for _, record in ipairs(KEYS) do
  local found = redis.call('HMGET', record, 'kind', 'until')
  if found[1] == 'lock' then
    if tonumber(found[2]) > now then locks = locks + 1 else ended = ended + 1 end
  elseif found[1] == 'unsure' then
    unsure = unsure + 1
  elseif found[1] == 'result' then
    results = results + 1
    bytes = bytes + redis.call('HSTRLEN', record, 'body') + redis.call('HSTRLEN', record, 'headers')
  end
end
return {locks, ended, unsure, results, bytes}
