use async_trait::async_trait;
use rusqlite::Transaction;
use time::OffsetDateTime;

use crate::store::{
    NameHash, NewIndex, RowCounts, RowKey, SessionRow, StoreError,
    records::{
        Adoption, Cas, Change, Claim, Expected, KeyId, Lease, LeaseWindow, NewRow, OpenAttempt, Owner, Page, Records,
        Row, RowVersion, Sealed, State,
    },
    sqlite::{
        index, listings,
        maintenance::{checkpoint, rewrite},
        rows, sessions,
        store::SqliteStore,
    },
};

#[async_trait]
impl Records for SqliteStore {
    async fn peek(&self, key: &RowKey) -> Result<Option<RowVersion>, StoreError> {
        let key = key.clone();
        self.read(move |connection| rows::head(connection, &key)).await
    }

    async fn read(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let key = key.clone();
        self.read(move |connection| rows::load(connection, &key)).await
    }

    async fn put(&self, row: &NewRow, replaces: Option<&RowVersion>) -> Result<Cas, StoreError> {
        let (row, replaces) = (row.clone(), replaces.cloned());
        self.write(move |transaction| put(transaction, &row, replaces.as_ref(), None)).await
    }

    async fn put_with_session(
        &self,
        row: &NewRow,
        replaces: Option<&RowVersion>,
        session: &SessionRow,
    ) -> Result<Cas, StoreError> {
        let (row, replaces, session) = (row.clone(), replaces.cloned(), session.clone());
        self.write(move |transaction| put(transaction, &row, replaces.as_ref(), Some(&session))).await
    }

    async fn claim(
        &self,
        key: &RowKey,
        lease: &Lease,
        window: LeaseWindow,
        attempt: &OpenAttempt,
    ) -> Result<Claim, StoreError> {
        let (key, lease, attempt) = (key.clone(), lease.clone(), attempt.clone());
        self.write(move |transaction| claim(transaction, &key, &lease, window, &attempt)).await
    }

    async fn release(&self, key: &RowKey, owner: &Owner) -> Result<(), StoreError> {
        let (key, owner) = (key.clone(), owner.clone());
        self.write(move |transaction| rows::clear_lease(transaction, &key, &owner)).await
    }

    async fn swap(&self, key: &RowKey, expected: &Expected, change: &Change) -> Result<Cas, StoreError> {
        let (key, expected, change) = (key.clone(), expected.clone(), change.clone());
        self.write(move |transaction| swap(transaction, &key, &expected, &change)).await
    }

    async fn restore(&self, row: &NewRow) -> Result<Cas, StoreError> {
        let row = row.clone();
        self.write(move |transaction| restore(transaction, &row)).await
    }

    async fn adopt(
        &self,
        pending: &RowKey,
        expected: &Expected,
        tombstone: &Sealed,
        row: &NewRow,
        replaces: Option<&RowVersion>,
    ) -> Result<Adoption, StoreError> {
        let (pending, expected, tombstone) = (pending.clone(), expected.clone(), tombstone.clone());
        let (row, replaces) = (row.clone(), replaces.cloned());
        self.write(move |transaction| adopt(transaction, &pending, &expected, &tombstone, &row, replaces.as_ref()))
            .await
    }

    async fn due(
        &self,
        now: OffsetDateTime,
        after: Option<&(OffsetDateTime, RowKey)>,
        limit: u32,
    ) -> Result<Vec<(OffsetDateTime, RowKey)>, StoreError> {
        let after = after.cloned();
        self.read(move |connection| listings::due(connection, now, after, limit)).await
    }

    async fn list(&self, page: Page<'_>) -> Result<Vec<Row>, StoreError> {
        let (after, limit) = (page.after.cloned(), page.limit);
        self.read(move |connection| listings::kept(connection, after.as_ref(), limit)).await
    }

    async fn sealed_by_other_keys(&self, key_id: &KeyId, page: Page<'_>) -> Result<Vec<RowKey>, StoreError> {
        let (key_id, after, limit) = (key_id.clone(), page.after.cloned(), page.limit);
        self.read(move |connection| listings::sealed_by_other_keys(connection, &key_id, after.as_ref(), limit)).await
    }

    async fn check_writes(&self) -> Result<(), StoreError> {
        self.last_failure.check(self.write(rewrite)).await
    }

    async fn checkpoint(&self) -> Result<(), StoreError> {
        self.read(checkpoint).await
    }

    async fn find(&self, names: &[NameHash]) -> Result<Vec<Row>, StoreError> {
        let names = names.to_vec();
        self.read(move |connection| index::find(connection, &names)).await
    }

    async fn counts(&self) -> Result<RowCounts, StoreError> {
        self.read(index::counts).await
    }

    async fn reindex(&self, rows: &[NewIndex]) -> Result<(), StoreError> {
        let rows = rows.to_vec();
        self.write(move |transaction| index::reindex(transaction, &rows)).await
    }
}

fn put(
    transaction: &Transaction<'_>,
    new: &NewRow,
    replaces: Option<&RowVersion>,
    session: Option<&SessionRow>,
) -> rusqlite::Result<Cas> {
    match rows::load(transaction, &new.key)? {
        Some(row) if row.version.connection_id == new.version.connection_id => return Ok(Cas::Applied),
        Some(row) if Some(&row.head()) != replaces => return Ok(Cas::Conflict(Box::new(row))),
        None if replaces.is_some() => return Ok(Cas::NoRow),
        Some(before) => rows::update(transaction, &before, &new.into())?,
        None => rows::replace(transaction, &new.into())?,
    }
    if let Some(session) = session {
        sessions::create(transaction, session)?;
    }
    Ok(Cas::Applied)
}

fn claim(
    transaction: &Transaction<'_>,
    key: &RowKey,
    lease: &Lease,
    window: LeaseWindow,
    attempt: &OpenAttempt,
) -> rusqlite::Result<Claim> {
    let Some(row) = rows::load(transaction, key)? else { return Ok(Claim::NoRow) };
    if row.is_held(&lease.owner, window, attempt) {
        return Ok(Claim::Held(Box::new(row)));
    }
    rows::set_lease(transaction, key, lease)?;
    Ok(Claim::Claimed(Box::new(Row { lease: Some(lease.clone()), ..row })))
}

fn swap(transaction: &Transaction<'_>, key: &RowKey, expected: &Expected, change: &Change) -> rusqlite::Result<Cas> {
    let Some(before) = rows::load(transaction, key)? else { return Ok(Cas::NoRow) };
    if !before.matches(expected) {
        return Ok(Cas::Conflict(Box::new(before)));
    }
    let mut row = before.clone();
    row.apply(change);
    rows::update(transaction, &before, &row)?;
    Ok(Cas::Applied)
}

fn restore(transaction: &Transaction<'_>, new: &NewRow) -> rusqlite::Result<Cas> {
    let lease = match rows::load(transaction, &new.key)? {
        Some(row) if !row.is_stale_against(&new.version) => return Ok(Cas::Conflict(Box::new(row))),
        Some(row) => row.lease,
        None => None,
    };
    rows::replace(transaction, &Row { lease, ..new.into() })?;
    Ok(Cas::Applied)
}

fn adopt(
    transaction: &Transaction<'_>,
    pending: &RowKey,
    expected: &Expected,
    tombstone: &Sealed,
    row: &NewRow,
    replaces: Option<&RowVersion>,
) -> rusqlite::Result<Adoption> {
    let import = match rows::load(transaction, pending)? {
        Some(import) if import.matches(expected) => import,
        moved => return Ok(Adoption::PendingConflict(moved.map(Box::new))),
    };
    match put(transaction, row, replaces, None)? {
        Cas::Applied => {}
        Cas::Conflict(there) => return Ok(Adoption::OwnerConflict(Some(there))),
        Cas::NoRow => return Ok(Adoption::OwnerConflict(None)),
    }
    let sealed = tombstone.clone();
    let tombstone = Row { state: State::Tombstone, due: None, attempt: None, lease: None, sealed, ..import };
    rows::replace(transaction, &tombstone)?;
    Ok(Adoption::Applied)
}
