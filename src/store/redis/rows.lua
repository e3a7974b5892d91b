-- What all scripts share. A row is a hash; those with limits are listed in ENDS by their end.
--
-- Limits are compared with the caller's clock. The TTL only removes rows if nothing sweeps them any longer, so it ends
-- a day after the absolute limit or after Redis's own time, whichever is later.

local function mark_end(row, idle, absolute)
    local earlier = idle
    if tonumber(absolute) < tonumber(idle) then earlier = absolute end
    redis.call('ZADD', ENDS, earlier, row)
end

local function expire(row, absolute)
    local left = math.max(tonumber(absolute) - redis.call('TIME')[1] * 1000, 0)
    redis.call('PEXPIRE', row, string.format('%.0f', left + 86400000))
end

local function create_session(session, idle, absolute, sealed)
    if redis.call('EXISTS', session) == 1 then return 0 end
    redis.call('HSET', session, 'idle', idle, 'absolute', absolute, 'sealed', sealed)
    mark_end(session, idle, absolute)
    expire(session, absolute)
    return 1
end

local function key_of(record)
    return string.sub(record, #RECORDS + 1)
end

-- Deletes a session or a mint-mode record. These are in fewer sets than other records.
local function remove(row)
    local due = redis.call('HGET', row, 'due')
    if due then redis.call('ZREM', DUE, due .. key_of(row)) end
    redis.call('ZREM', ENDS, row)
    return redis.call('DEL', row)
end
