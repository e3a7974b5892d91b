-- What all scripts for records share.

-- The result of a step. For a claim, DONE means claimed and MOVED means held.
local MISSING, DONE, MOVED = 0, 1, 2

-- Arguments alternate between names and values. Those that are left out are nil.
local ARGS = {}
for at = 1, #ARGV, 2 do ARGS[ARGV[at]] = ARGV[at + 1] end

-- A record as a table, empty if there is none.
local function read(record)
    local values, row = redis.call('HMGET', record, unpack(FIELDS)), {}
    for at, field in ipairs(FIELDS) do row[field] = values[at] or nil end
    return row
end

local function copy(row)
    local copied = {}
    for field, value in pairs(row) do copied[field] = value end
    return copied
end

-- A response with a record as HMGET returns it.
local function answer(outcome, row)
    local values = {}
    for at, field in ipairs(FIELDS) do values[at] = row[field] or false end
    return {outcome, values}
end

local function move(set, from, to)
    if from == to then return end
    if from then redis.call('ZREM', set, from) end
    if to then redis.call('ZADD', set, 0, to) end
end

-- Like move, from the member that a field of the record names. It cannot be computed from the record itself, since a
-- process of an earlier version, which does not know this set, may have changed that.
local function move_remembered(record, set, field, to)
    local from = redis.call('HGET', record, field) or nil
    if from == to then return end
    if to then redis.call('HSET', record, field, to) else redis.call('HDEL', record, field) end
    move(set, from, to)
end

-- The names in the index of a record without limits, as the keys of a table.
local function names_of(row)
    local names = {}
    if row.index and not row.absolute then
        for name in string.gmatch(string.match(row.index, '^%S+ %S+(.*)') or '', '%x+') do names[name] = true end
    end
    return names
end

local function move_names(key, before, after)
    for name in pairs(after) do
        if not before[name] then redis.call('ZADD', NAMES, 0, name .. ':' .. key) end
    end
    for name in pairs(before) do
        if not after[name] then redis.call('ZREM', NAMES, name .. ':' .. key) end
    end
end

-- Writes a record and updates the sets. Writes that need memory come first: a full Redis refuses them before anything is
-- changed.
local function write(record, before, after)
    -- A Redis that restarted empty becomes a store again with the first record.
    if not before.connection_id then redis.call('SET', SCHEMA, VERSION, 'NX') end
    local changed, gone = {}, {}
    for _, field in ipairs(FIELDS) do
        local value = after[field]
        if value and value ~= before[field] then
            table.insert(changed, field)
            table.insert(changed, value)
        elseif before[field] and not value then
            table.insert(gone, field)
        end
    end
    if #changed > 0 then redis.call('HSET', record, unpack(changed)) end
    if #gone > 0 then redis.call('HDEL', record, unpack(gone)) end
    local key = key_of(record)
    local label, login_end = string.match(after.index or '', '^(%S+) (%S+)')
    local function group_of(row, time)
        if not label or row.absolute then return nil end
        return table.concat({row.key_id, row.state, label, time or NEVER, key}, ':')
    end
    local function due(row) return row.due and row.due .. key end
    local function kept(row) return row.key_id and not row.absolute and key end
    local function sealed(row) return kept(row) and row.key_id .. ':' .. key end
    move(DUE, due(before), due(after))
    move(KEPT, kept(before), kept(after))
    move(SEALED, sealed(before), sealed(after))
    move_remembered(record, GROUPS, 'grouped', group_of(after, after.due))
    local ends = login_end ~= '-' and group_of(after, login_end)
    move_remembered(record, LOGIN_ENDS, 'login_end', ends or nil)
    move_names(key, names_of(before), names_of(after))
    if after.absolute == before.absolute and after.idle == before.idle then return end
    if after.absolute then
        mark_end(record, after.idle, after.absolute)
        expire(record, after.absolute)
    else
        redis.call('ZREM', ENDS, record)
        redis.call('PERSIST', record)
    end
end

-- The new record among the arguments.
local function new_row()
    local row = {}
    for _, field in ipairs(FIELDS) do row[field] = ARGS[field] end
    return row
end

local function is_as_expected(row)
    return row.connection_id == ARGS.expected_connection_id
        and row.generation == ARGS.expected_generation
        and row.state == ARGS.expected_state
        and row.attempt == ARGS.expected_attempt
        and (not ARGS.expected_lease or row.lease_owner == ARGS.expected_lease)
end

-- With the session of the login, if that is given.
local function put(record, session)
    local before, new = read(record), new_row()
    if before.connection_id == new.connection_id then return {DONE, false} end
    local is_as_read = before.connection_id == ARGS.over_connection_id
        and before.generation == ARGS.over_generation
        and before.state == ARGS.over_state
    if not is_as_read then
        if before.connection_id then return answer(MOVED, before) end
        return {MISSING, false}
    end
    write(record, before, new)
    if session then create_session(session, ARGS.session_idle, ARGS.session_absolute, ARGS.session_sealed) end
    return {DONE, false}
end
