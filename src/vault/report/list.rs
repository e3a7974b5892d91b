//! The keep-mode rows, each as far as this process can read it.

use crate::{
    store::{
        RowKey,
        records::{Page, Row, State},
    },
    vault::{
        Vault,
        error::VaultError,
        record::{Record, tombstone::Tombstone},
        report::status::Status,
    },
};

const PAGE: u32 = 100;

/// How many rows are listed at once where all are looked at.
pub(crate) const WHOLE_PART: usize = 1000;

/// Which part of the rows to list. They are in the order of their keys.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The cursor that the part before gave.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum ListEntry {
    Connection(Box<Status>),
    Tombstone(Box<Tombstone>),
    /// A row that this process cannot decrypt. It is left as it is.
    Unreadable(RowKey, State),
}

/// Whether this row is a user's connection, not a tombstone or an import.
pub(crate) fn is_connection(key: &RowKey, state: State) -> bool {
    !key.is_import() && state != State::Tombstone
}

impl Vault {
    /// The row of this key, if there is one.
    pub(crate) async fn entry(&self, key: &RowKey) -> Result<Option<ListEntry>, VaultError> {
        Ok(self.call_store(self.0.store.read(key)).await?.map(|row| self.describe(&row)))
    }

    /// A part of the keep-mode rows, without the tombstones of imports, and after which key the next one begins.
    pub(crate) async fn entries(&self, part: Part) -> Result<(Vec<ListEntry>, Option<RowKey>), VaultError> {
        let mut entries = Vec::new();
        let (mut after, mut last) = (part.after.map(RowKey), None);
        loop {
            // One more than is listed shows whether there is another part.
            let missing = part.limit.saturating_add(1) - entries.len();
            let limit = u32::try_from(missing).map_or(PAGE, |missing| missing.min(PAGE));
            let rows = self.call_store(self.0.store.list(Page { after: after.as_ref(), limit })).await?;
            for row in rows.iter().filter(|row| !row.is_adopted_import()) {
                if entries.len() == part.limit {
                    return Ok((entries, last));
                }
                entries.push(self.describe(row));
                last = Some(row.key.clone());
            }
            if rows.len() < limit as usize {
                return Ok((entries, None));
            }
            after = rows.into_iter().next_back().map(|row| row.key);
        }
    }

    pub(crate) fn describe(&self, row: &Row) -> ListEntry {
        let keys = &self.0.keys;
        let described = if row.state == State::Tombstone {
            Tombstone::of_row(keys, row).map(|tombstone| ListEntry::Tombstone(Box::new(tombstone)))
        } else {
            Record::of_row(keys, row).map(|record| ListEntry::Connection(Box::new(self.status_of_row(row, record))))
        };
        described.unwrap_or_else(|_| ListEntry::Unreadable(row.key.clone(), row.state))
    }
}
