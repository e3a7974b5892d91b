//! Finds records by the names of their users, and counts them, with the sorted sets that `records.lua` maintains.

use std::sync::LazyLock;

use time::OffsetDateTime;

use crate::store::{
    NameHash, NewIndex, RowCounts, RowGroup, RowKey, StoreError,
    records::Row,
    redis::{
        connection::Connection,
        failure,
        index_codec::{encode, hex},
        keys, listings,
        rows::{Arguments, Reader},
        script::RowScript,
    },
    state_codec,
};

/// The keys of the rows with any of these names.
static FIND: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local keys = {}
         for name in string.gmatch(ARGS.names, '%x+') do
             for _, member in ipairs(redis.call('ZRANGEBYLEX', NAMES, '[' .. name .. ':', '(' .. name .. ';')) do
                 table.insert(keys, string.sub(member, #name + 2))
             end
         end
         return keys",
    )
});

/// Key id, state, label, number of rows, when the first of them is due, and when the first of their logins ends.
type Group = (String, String, String, u64, String, String);

/// The number of rows without an index, and the groups. A group is a range of members that start with the same three
/// fields. In byte order, a semicolon follows the colon, so it ends the range.
static COUNTS: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local groups, from, indexed = {}, '-', 0
         while true do
             local member = redis.call('ZRANGEBYLEX', GROUPS, from, '+', 'LIMIT', 0, 1)[1]
             if not member then
                 return {redis.call('ZLEXCOUNT', KEPT, '-', '+') - indexed, groups}
             end
             local key_id, state, label, due = string.match(member, '^([^:]*):([^:]*):([^:]*):([^:]*):')
             local group = key_id .. ':' .. state .. ':' .. label
             local rows = redis.call('ZLEXCOUNT', GROUPS, '[' .. group .. ':', '(' .. group .. ';')
             indexed = indexed + rows
             local first = redis.call('ZRANGEBYLEX', LOGIN_ENDS, '[' .. group .. ':', '(' .. group .. ';', 'LIMIT', 0, 1)[1]
             local login_end = first and string.match(first, '^:([^:]*)', #group + 1) or NEVER
             table.insert(groups, {key_id, state, label, rows, due, login_end})
             from = '(' .. group .. ';'
         end",
    )
});

static REINDEX: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "for at = 1, ROWS do
             local before = read(KEYS[at])
             if before.connection_id == ARGS['connection_id' .. at] and before.generation == ARGS['generation' .. at]
                 and not before.absolute
             then
                 local after = copy(before)
                 after.index = ARGS['index' .. at]
                 write(KEYS[at], before, after)
             end
         end",
    )
});

pub(super) async fn find(connection: &Connection, names: &[NameHash]) -> Result<Vec<Row>, StoreError> {
    let mut call = FIND.on([]);
    Arguments(&mut call).add("names", names.iter().map(hex).collect::<Vec<_>>().join(" "));
    let mut keys: Vec<String> = connection.script(&call).await?;
    keys.sort_unstable();
    keys.dedup();
    listings::read(connection, keys.into_iter().map(RowKey).collect()).await
}

pub(super) async fn counts(connection: &Connection) -> Result<RowCounts, StoreError> {
    let (unindexed, groups): (u64, Vec<Group>) = connection.script(&COUNTS.on([])).await?;
    let groups = groups.into_iter().map(|(key_id, state, label, rows, due, login_end)| {
        let state = state_codec::to_state(&state).map_err(|error| failure::damaged(connection.at(), error))?;
        Ok(RowGroup {
            key_id,
            state,
            label,
            rows,
            due: time(connection, &due)?,
            login_end: time(connection, &login_end)?,
        })
    });
    Ok(RowCounts { groups: groups.collect::<Result<_, _>>()?, unindexed })
}

/// Reads the time of a group. Rows without a time sort last in their group.
fn time(connection: &Connection, text: &str) -> Result<Option<OffsetDateTime>, StoreError> {
    if text == keys::NEVER { Ok(None) } else { Reader::of(connection).due(text).map(Some) }
}

pub(super) async fn reindex(connection: &Connection, rows: &[NewIndex]) -> Result<(), StoreError> {
    let mut call = REINDEX.on(rows.iter().map(|row| keys::record(&row.key)));
    let mut arguments = Arguments(&mut call);
    for (at, NewIndex { version, index, .. }) in (1..).zip(rows) {
        arguments
            .add(&format!("connection_id{at}"), &version.connection_id)
            .add(&format!("generation{at}"), version.generation)
            .add(&format!("index{at}"), encode(index));
    }
    connection.script_once(&call).await
}
