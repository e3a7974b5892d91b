//! Scripts, because Redis runs each as a whole: no reader sees one of two keys changed.

use redis::Script;

/// What several scripts share. A row is a hash; those with limits are listed in a sorted set by their end.
///
/// Limits are judged by the caller's clock. The TTL only clears away what nobody sweeps any more, so it counts from
/// the absolute limit or from Redis's own time, whichever is later, and adds a day.
const PRELUDE: &str = "
local function mark_end(ends, key, idle, absolute)
    local earlier = idle
    if tonumber(absolute) < tonumber(idle) then earlier = absolute end
    redis.call('ZADD', ends, earlier, key)
end

local function limit(ends, key, idle, absolute)
    redis.call('HSET', key, 'idle', idle, 'absolute', absolute)
    mark_end(ends, key, idle, absolute)
    local left = math.max(tonumber(absolute) - redis.call('TIME')[1] * 1000, 0)
    redis.call('PEXPIRE', key, string.format('%.0f', left + 86400000))
end

local function remove(ends, key)
    redis.call('ZREM', ends, key)
    return redis.call('DEL', key)
end
";

pub(super) fn script(body: &str) -> Script {
    Script::new(&format!("{PRELUDE}{body}"))
}
