//! The records that have nothing to report before a known time, so that a round neither reads nor decrypts them.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use time::{Duration, OffsetDateTime};

use crate::{notify::state::LONGEST_QUIET, store::Watched};

/// Stores hashes instead of keys and versions, because there may be many records. A record that is skipped because of a
/// collision is checked at most an hour later.
#[derive(Debug, Default)]
pub(super) struct QuietRecords {
    looks: HashMap<u64, Look>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Look {
    seen: u64,
    until: OffsetDateTime,
}

impl QuietRecords {
    /// Whether there is nothing to do about this record for longer than `margin`.
    pub(super) fn has(&self, row: &Watched, now: OffsetDateTime, margin: Duration) -> bool {
        let look = self.looks.get(&self.hasher.hash_one(&row.key));
        look.is_some_and(|look| {
            // A time that is further ahead was written before the clock was set back.
            look.seen == self.hash(row) && now + margin < look.until && look.until - now <= LONGEST_QUIET
        })
    }

    /// Notes that there is nothing to do about this record until then, unless it changes.
    pub(super) fn insert(&mut self, row: &Watched, until: OffsetDateTime) {
        self.looks.insert(self.hasher.hash_one(&row.key), Look { seen: self.hash(row), until });
    }

    fn hash(&self, Watched { key: _, head, due, notified }: &Watched) -> u64 {
        let version = &head.version;
        self.hasher.hash_one((&version.connection_id, version.generation, head.state.as_str(), due, notified))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::store::{
        RowKey,
        records::{RowVersion, State, Version},
    };

    const NOW: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);
    const MARGIN: Duration = Duration::seconds(30);

    fn row() -> Watched {
        let version = Version { connection_id: "c1".to_owned(), generation: 1 };
        let head = RowVersion { version, state: State::Live };
        Watched { key: RowKey("user:1".to_owned()), head, due: Some(NOW), notified: 0 }
    }

    #[test]
    fn a_record_is_quiet_until_its_time_or_until_anything_of_it_changes() {
        let mut quiet = QuietRecords::default();
        assert!(!quiet.has(&row(), NOW, MARGIN));
        quiet.insert(&row(), NOW + Duration::HOUR);
        assert!(quiet.has(&row(), NOW + Duration::minutes(59), MARGIN));
        assert!(!quiet.has(&row(), NOW + Duration::HOUR - MARGIN, MARGIN));
        assert!(!quiet.has(&row(), NOW - Duration::SECOND, MARGIN), "the clock was set back");
        let changes: [fn(&mut Watched); 6] = [
            |row| row.key = RowKey("user:2".to_owned()),
            |row| row.head.version.connection_id = "c2".to_owned(),
            |row| row.head.version.generation = 2,
            |row| row.head.state = State::Dead,
            |row| row.due = None,
            |row| row.notified = 1,
        ];
        for change in changes {
            let mut other = row();
            change(&mut other);
            assert!(!quiet.has(&other, NOW, MARGIN), "{other:?}");
        }
    }
}
