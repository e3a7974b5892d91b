-- What all scripts share. A row is a hash; those with limits are listed in ENDS by their end.
--
-- Limits are judged by the caller's clock. The TTL only clears away what is no longer swept, so it counts from
-- the absolute limit or from Redis's own time, whichever is later, and adds a day.

local function mark_end(row, idle, absolute)
    local earlier = idle
    if tonumber(absolute) < tonumber(idle) then earlier = absolute end
    redis.call('ZADD', ENDS, earlier, row)
end

local function expire(row, absolute)
    local left = math.max(tonumber(absolute) - redis.call('TIME')[1] * 1000, 0)
    redis.call('PEXPIRE', row, string.format('%.0f', left + 86400000))
end

local function key_of(record)
    return string.sub(record, #RECORDS + 1)
end

-- Takes a session or a mint record away, whose traces are fewer than those of a kept one.
local function remove(row)
    local due = redis.call('HGET', row, 'due')
    if due then redis.call('ZREM', DUE, due .. key_of(row)) end
    redis.call('ZREM', ENDS, row)
    return redis.call('DEL', row)
end
