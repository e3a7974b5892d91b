use std::sync::LazyLock;

use async_trait::async_trait;
use redis::Cmd;
use time::OffsetDateTime;

use crate::store::{
    NameHash, NewIndex, RowCounts, RowKey, SessionRow, StoreError, millis,
    records::{
        Adoption, Cas, Change, Claim, Expected, KeyId, Lease, LeaseWindow, NewRow, OpenAttempt, Owner, Page, Records,
        Row, RowVersion, Sealed,
    },
    redis::{
        RedisStore, index, keys, listings, replication,
        rows::{Arguments, FIELDS, Fields, Reader},
        script::RowScript,
        server,
    },
};

static PUT: LazyLock<RowScript> = LazyLock::new(|| RowScript::for_records("return put(KEYS[1])"));

static PUT_WITH_SESSION: LazyLock<RowScript> = LazyLock::new(|| RowScript::for_records("return put(KEYS[1], KEYS[2])"));

static CLAIM: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local row = read(KEYS[1])
         if not row.connection_id then return {MISSING, false} end
         local function keeps_out(holder)
             return holder and holder ~= ARGS.lease_owner and holder ~= ARGS.taken_over
         end
         local ends = tonumber(row.lease_until)
         local runs = ends and ends > tonumber(ARGS.now) and ends <= tonumber(ARGS.latest_end)
         if keeps_out(row.attempt) or (runs and keeps_out(row.lease_owner)) then return answer(MOVED, row) end
         redis.call('HSET', KEYS[1], 'lease_owner', ARGS.lease_owner, 'lease_until', ARGS.lease_until)
         row.lease_owner, row.lease_until = ARGS.lease_owner, ARGS.lease_until
         return answer(DONE, row)",
    )
});

static RELEASE: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "if redis.call('HGET', KEYS[1], 'lease_owner') == ARGS.lease_owner then
             redis.call('HDEL', KEYS[1], 'lease_owner', 'lease_until')
         end",
    )
});

static SWAP: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local before = read(KEYS[1])
         if not before.connection_id then return {MISSING, false} end
         if not is_as_expected(before) then return answer(MOVED, before) end
         local after = copy(before)
         for _, field in ipairs({'generation', 'state', 'due', 'attempt'}) do after[field] = ARGS[field] end
         if ARGS.sealed then
             for _, field in ipairs({'key_id', 'sealed', 'index'}) do after[field] = ARGS[field] end
         end
         write(KEYS[1], before, after)
         return {DONE, false}",
    )
});

/// Generations are compared as text, since Lua's numbers do not hold all 64 bits.
static RESTORE: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local function is_less(one, other)
             return #one < #other or (#one == #other and one < other)
         end
         local before, after = read(KEYS[1]), new_row()
         if before.connection_id then
             local is_behind = before.connection_id == after.connection_id
                 and is_less(before.generation, after.generation)
                 and before.state ~= REVOKING and before.state ~= TOMBSTONE
             if not is_behind then return answer(MOVED, before) end
         end
         after.lease_owner, after.lease_until = before.lease_owner, before.lease_until
         write(KEYS[1], before, after)
         return {DONE, false}",
    )
});

/// Returns which of the two rows is in conflict, 1 or 2, and the result of the comparison or the put.
static ADOPT: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local before = read(KEYS[2])
         if not before.connection_id then return {2, MISSING, false} end
         if not is_as_expected(before) then return {2, unpack(answer(MOVED, before))} end
         local outcome = put(KEYS[1])
         if outcome[1] ~= DONE then return {1, unpack(outcome)} end
         local grave = copy(before)
         grave.state = TOMBSTONE
         for _, field in ipairs({'key_id', 'sealed', 'index'}) do grave[field] = ARGS['grave_' .. field] end
         for _, field in ipairs({'due', 'attempt', 'lease_owner', 'lease_until'}) do grave[field] = nil end
         write(KEYS[2], before, grave)
         return {1, DONE, false}",
    )
});

/// The result of a script: its outcome as a number, and the record as it is.
type Ended = (u8, Option<Fields>);

const MISSING: u8 = 0;
const DONE: u8 = 1;
/// The number of the pending row in the result of [`ADOPT`].
const PENDING: u8 = 2;

#[async_trait]
impl Records for RedisStore {
    async fn peek(&self, key: &RowKey) -> Result<Option<RowVersion>, StoreError> {
        let fields = Cmd::hmget(keys::record(key), &FIELDS[..3]);
        match self.connection.command(&fields).await? {
            (None, None, None) => Ok(None),
            (connection_id, generation, state) => self.reader().head(connection_id, generation, state).map(Some),
        }
    }

    async fn read(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let fields = self.connection.command(&Cmd::hmget(keys::record(key), &FIELDS)).await?;
        self.reader().row(key.clone(), fields)
    }

    async fn put(&self, row: &NewRow, replaces: Option<&RowVersion>) -> Result<Cas, StoreError> {
        let mut call = PUT.on([keys::record(&row.key)]);
        Arguments(&mut call).add_row(row).add_replaces(replaces);
        self.swapped(&row.key, self.last_failure.note(self.connection.script_once(&call).await)?)
    }

    async fn put_with_session(
        &self,
        row: &NewRow,
        replaces: Option<&RowVersion>,
        session: &SessionRow,
    ) -> Result<Cas, StoreError> {
        let mut call = PUT_WITH_SESSION.on([keys::record(&row.key), keys::session(&session.key)]);
        Arguments(&mut call).add_row(row).add_replaces(replaces).add_session(session);
        self.swapped(&row.key, self.last_failure.note(self.connection.script_once(&call).await)?)
    }

    async fn claim(
        &self,
        key: &RowKey,
        lease: &Lease,
        window: LeaseWindow,
        attempt: &OpenAttempt,
    ) -> Result<Claim, StoreError> {
        let mut call = CLAIM.on([keys::record(key)]);
        Arguments(&mut call)
            .add("lease_owner", &lease.owner.0)
            .add("lease_until", millis::from_time(lease.until))
            .add("now", millis::from_time(window.now))
            .add("latest_end", millis::from_time(window.latest_end))
            .add_taken_over(attempt);
        let (outcome, fields): Ended = self.last_failure.note(self.connection.script_once(&call).await)?;
        let row = self.row_of(key, fields)?;
        Ok(match (outcome, row) {
            (DONE, Some(row)) => Claim::Claimed(row),
            (_, Some(row)) => Claim::Held(row),
            (_, None) => Claim::NoRow,
        })
    }

    async fn release(&self, key: &RowKey, owner: &Owner) -> Result<(), StoreError> {
        let mut call = RELEASE.on([keys::record(key)]);
        Arguments(&mut call).add("lease_owner", &owner.0);
        self.last_failure.note(self.connection.script_once(&call).await)
    }

    async fn swap(&self, key: &RowKey, expected: &Expected, change: &Change) -> Result<Cas, StoreError> {
        let mut call = SWAP.on([keys::record(key)]);
        Arguments(&mut call).add_expected(expected).add_change(change);
        let ended = match change.attempt {
            Some(_) => self.last_failure.note(replication::script_once(&self.connection, &call).await)?,
            None => self.last_failure.note(self.connection.script_once(&call).await)?,
        };
        self.swapped(key, ended)
    }

    async fn restore(&self, row: &NewRow) -> Result<Cas, StoreError> {
        let mut call = RESTORE.on([keys::record(&row.key)]);
        Arguments(&mut call).add_row(row);
        self.swapped(&row.key, self.last_failure.note(self.connection.script_once(&call).await)?)
    }

    async fn adopt(
        &self,
        pending: &RowKey,
        expected: &Expected,
        tombstone: &Sealed,
        row: &NewRow,
        replaces: Option<&RowVersion>,
    ) -> Result<Adoption, StoreError> {
        let mut call = ADOPT.on([keys::record(&row.key), keys::record(pending)]);
        Arguments(&mut call).add_expected(expected).add_tombstone(tombstone).add_row(row).add_replaces(replaces);
        let (which, outcome, fields): (u8, u8, Option<Fields>) =
            self.last_failure.note(self.connection.script_once(&call).await)?;
        Ok(match (which, outcome) {
            (_, DONE) => Adoption::Applied,
            (PENDING, _) => Adoption::PendingConflict(self.row_of(pending, fields)?),
            (_, _) => Adoption::OwnerConflict(self.row_of(&row.key, fields)?),
        })
    }

    async fn due(
        &self,
        now: OffsetDateTime,
        after: Option<&(OffsetDateTime, RowKey)>,
        limit: u32,
    ) -> Result<Vec<(OffsetDateTime, RowKey)>, StoreError> {
        listings::due(&self.connection, now, after, limit).await
    }

    async fn list(&self, page: Page<'_>) -> Result<Vec<Row>, StoreError> {
        listings::kept(&self.connection, page).await
    }

    async fn sealed_by_other_keys(&self, key_id: &KeyId, page: Page<'_>) -> Result<Vec<RowKey>, StoreError> {
        listings::sealed_by_other_keys(&self.connection, key_id, page).await
    }

    async fn check_writes(&self) -> Result<(), StoreError> {
        self.last_failure.check(server::probe(&self.connection)).await
    }

    async fn find(&self, names: &[NameHash]) -> Result<Vec<Row>, StoreError> {
        index::find(&self.connection, names).await
    }

    async fn counts(&self) -> Result<RowCounts, StoreError> {
        index::counts(&self.connection).await
    }

    async fn reindex(&self, rows: &[NewIndex]) -> Result<(), StoreError> {
        self.last_failure.note(index::reindex(&self.connection, rows).await)
    }
}

impl RedisStore {
    fn swapped(&self, key: &RowKey, (outcome, fields): Ended) -> Result<Cas, StoreError> {
        Ok(match (outcome, self.row_of(key, fields)?) {
            (MISSING, _) => Cas::NoRow,
            (_, Some(row)) => Cas::Conflict(row),
            (_, None) => Cas::Applied,
        })
    }

    fn row_of(&self, key: &RowKey, fields: Option<Fields>) -> Result<Option<Box<Row>>, StoreError> {
        let row = fields.map(|fields| self.reader().row(key.clone(), fields)).transpose()?;
        Ok(row.flatten().map(Box::new))
    }

    fn reader(&self) -> Reader<'_> {
        Reader::of(&self.connection)
    }
}
