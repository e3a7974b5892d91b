//! Lists records by the sorted sets that the scripts maintain. All members of a set have the same score, so Redis sorts
//! them by their bytes, and finds each page without counting from the start.

use std::sync::LazyLock;

use redis::Cmd;
use time::{Duration, OffsetDateTime};

use crate::store::{
    RowKey, StoreError,
    records::{KeyId, Page, Row},
    redis::{
        connection::Connection,
        keys,
        rows::{Fields, Reader},
        script::RowScript,
        sortable_time,
    },
};

/// The rows of a page, read in one step.
static READ: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local rows = {}
         for at = 1, ROWS do rows[at] = redis.call('HMGET', KEYS[at], unpack(FIELDS)) end
         return rows",
    )
});

/// The first keys of each other secret. The page's keys are the first of all these. Members start with the secret's
/// id; in byte order, a semicolon follows the colon, so it ends the range of one secret.
static SEALED_BY_OTHER_KEYS: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local keys, start = {}, '-'
         while true do
             local first = redis.call('ZRANGEBYLEX', SEALED, start, '+', 'LIMIT', 0, 1)[1]
             if not first then return keys end
             local id = string.match(first, '^[^:]*')
             start = '(' .. id .. ';'
             if id ~= ARGS.key_id then
                 local from = ARGS.after and '(' .. id .. ':' .. ARGS.after or '[' .. id .. ':'
                 for _, member in ipairs(redis.call('ZRANGEBYLEX', SEALED, from, start, 'LIMIT', 0, ARGS.limit)) do
                     table.insert(keys, string.sub(member, #id + 2))
                 end
             end
         end",
    )
});

pub(super) async fn due(
    connection: &Connection,
    now: OffsetDateTime,
    after: Option<&(OffsetDateTime, RowKey)>,
    limit: u32,
) -> Result<Vec<(OffsetDateTime, RowKey)>, StoreError> {
    let from = match after {
        Some((due, key)) => format!("({}{}", sortable_time::from_time(*due), key.0),
        None => "-".to_owned(),
    };
    // Everything before the next millisecond includes any key that is due now.
    let to = format!("({}", sortable_time::from_time(now.saturating_add(Duration::milliseconds(1))));
    let mut page = redis::cmd("ZRANGEBYLEX");
    page.arg(keys::DUE).arg(from).arg(to).arg("LIMIT").arg(0).arg(limit);
    let members: Vec<String> = connection.command(&page).await?;
    members.iter().map(|member| due_and_key(connection, member)).collect()
}

fn due_and_key(connection: &Connection, member: &str) -> Result<(OffsetDateTime, RowKey), StoreError> {
    let (due, key) = member.split_at_checked(sortable_time::LENGTH).unwrap_or((member, ""));
    Ok((Reader::of(connection).due(due)?, RowKey(key.to_owned())))
}

pub(super) async fn kept(connection: &Connection, page: Page<'_>) -> Result<Vec<Row>, StoreError> {
    // Nothing removes a kept row, so the listed ones are still there when they are read.
    read(connection, kept_keys(connection, page).await?).await
}

/// The keys of a page of kept rows.
pub(super) async fn kept_keys(connection: &Connection, page: Page<'_>) -> Result<Vec<RowKey>, StoreError> {
    let from = page.after.map_or_else(|| "-".to_owned(), |after| format!("({}", after.0));
    let limit = page.limit.try_into().unwrap_or(isize::MAX);
    let keys: Vec<String> = connection.command(&Cmd::zrangebylex_limit(keys::KEPT, from, "+", 0, limit)).await?;
    Ok(keys.into_iter().map(RowKey).collect())
}

/// Reads these rows. Those that no longer exist are left out.
pub(super) async fn read(connection: &Connection, keys: Vec<RowKey>) -> Result<Vec<Row>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Fields> = connection.script(&READ.on(keys.iter().map(keys::record))).await?;
    let read = |(key, fields)| Reader::of(connection).row(key, fields).transpose();
    keys.into_iter().zip(rows).filter_map(read).collect()
}

pub(super) async fn sealed_by_other_keys(
    connection: &Connection,
    key_id: &KeyId,
    page: Page<'_>,
) -> Result<Vec<RowKey>, StoreError> {
    let mut call = SEALED_BY_OTHER_KEYS.on([]);
    call.arg("key_id").arg(key_id).arg("limit").arg(page.limit);
    if let Some(after) = page.after {
        call.arg("after").arg(&after.0);
    }
    let mut keys: Vec<String> = connection.script(&call).await?;
    keys.sort_unstable();
    keys.truncate(page.limit as usize);
    Ok(keys.into_iter().map(RowKey).collect())
}
