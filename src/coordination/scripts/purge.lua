-- Removes records, and says how many.
-- KEYS: records. ARGV: `results` for those alone, or `all`.
local purged = 0
for _, record in ipairs(KEYS) do
  if ARGV[1] == 'all' or redis.call('HGET', record, 'kind') == 'result' then
    purged = purged + redis.call('UNLINK', record)
  end
end
return purged
