//! The contract that every store fulfils, in memory, in a SQLite file and in a real Redis; and what only one of these
//! backends does.

/// Runs each test three times, once for each backend.
macro_rules! contract {
    ($(async fn $name:ident($test:ident: &TestStore) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn holds($test: &TestStore) $body

            #[tokio::test]
            async fn in_memory() {
                holds(&TestStore::in_memory().await).await;
            }

            #[tokio::test]
            async fn in_sqlite() {
                holds(&TestStore::in_sqlite().await).await;
            }

            #[tokio::test]
            async fn in_redis() {
                holds(&TestStore::in_redis().await).await;
            }
        }
    )+};
}

mod a_redis;
mod a_sqlite_file;
mod any_store;
mod api_keys;
#[path = "../support/certificates.rs"]
mod certificates;
mod cuttable_proxy;
mod examining;
mod group_commit;
mod index;
mod leases;
mod listings;
mod notifications;
#[path = "../support/ports.rs"]
mod ports;
mod records;
mod redis_scripts;
#[path = "../support/redis.rs"]
mod redis_server;
mod replicas;
mod tls;
mod upgrade;
mod wrong_redis;

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cuttable_proxy::CuttableProxy;
use redis_server::Redis;
use tempfile::TempDir;
use time::OffsetDateTime;
use videoask_auth::{
    config::StoreUrl,
    store::{
        ApiKeyRow, CanCreate, IfMissing, Index, InsertOutcome, Inspection, Limits, NameHash, Names, NewIndex,
        NotificationSwap, OpenedStore, RowCounts, RowGroup, RowKey, SessionRow, Store, StoreError, StoreLocation,
        StoreOrigin, StoreRisk, StoreStatus, UnavailableReason, Unwritable, UpdateOutcome, Watched, inspect, open,
        records::{
            self as record, Adoption, Cas, Change, Claim, Expected, Lease, LeaseWindow, NewRow, OpenAttempt, Owner,
            Page, Row, RowVersion, Sealed, Version,
        },
    },
};

/// A store, with the server or folder that it needs.
struct TestStore {
    store: Arc<dyn Store>,
    url: StoreUrl,
    _server: Option<Redis>,
    _folder: Option<TempDir>,
}

impl TestStore {
    async fn in_memory() -> Self {
        Self::open(StoreUrl::Memory, None, None).await
    }

    async fn in_sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        Self::open(file_in(&folder), None, Some(folder)).await
    }

    async fn in_redis() -> Self {
        let server = Redis::start_with(&[]);
        Self::open(server.url(None), Some(server), None).await
    }

    async fn open(url: StoreUrl, server: Option<Redis>, folder: Option<TempDir>) -> Self {
        let store = created(&url).await;
        Self { store, url, _server: server, _folder: folder }
    }

    /// Another connection to the same store, as another process would have; `memory:` only has one.
    async fn second(&self) -> Arc<dyn Store> {
        match self.url {
            StoreUrl::Memory => Arc::clone(&self.store),
            _ => open(&self.url, IfMissing::Refuse).await.unwrap().store,
        }
    }

    /// Puts a record where there is none.
    async fn put(&self, row: &NewRow) {
        assert_eq!(self.store.put(row, None).await.unwrap(), Cas::Applied);
    }

    async fn row(&self, name: &str) -> Option<Row> {
        self.store.read(&key(name)).await.unwrap()
    }

    /// Puts a record where there is none, and opens an attempt of this owner on it, under a lease.
    async fn attempted(&self, name: &str, by: &str, until: i64) -> Row {
        let row = kept(name);
        self.put(&row).await;
        self.claim(name, &lease(by, until)).await;
        assert_eq!(self.store.swap(&row.key, &untouched(&row), &begin_attempt(&row, by)).await.unwrap(), Cas::Applied);
        self.row(name).await.unwrap()
    }

    /// Takes a lease at second 0 that may end at second 100 at most.
    async fn claim(&self, name: &str, lease: &Lease) -> Claim {
        self.store.claim(&key(name), lease, SPAN, &OpenAttempt::Respect).await.unwrap()
    }
}

/// Runs the calls concurrently, and returns all answers in order.
async fn at_once<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

async fn created(url: &StoreUrl) -> Arc<dyn Store> {
    let opened = open(url, IfMissing::Create).await.unwrap();
    assert_eq!(opened.origin, StoreOrigin::Created);
    opened.store
}

/// Second 0 of these tests.
const DAY: OffsetDateTime = OffsetDateTime::UNIX_EPOCH.saturating_add(time::Duration::seconds(1_000_000_000));
/// The time is second 0, and a lease ends at second 100 at most.
const SPAN: LeaseWindow = LeaseWindow { now: DAY, latest_end: DAY.saturating_add(time::Duration::seconds(100)) };

/// Seconds from a moment in 2001, so that the machine's own clock is far from every limit.
fn at(seconds: i64) -> OffsetDateTime {
    DAY.saturating_add(time::Duration::seconds(seconds))
}

fn key(name: &str) -> RowKey {
    RowKey(name.to_owned())
}

fn session(name: &str, idle: i64, absolute: i64) -> SessionRow {
    let limits = Limits { idle: at(idle), absolute: at(absolute) };
    SessionRow { key: key(name), limits, sealed: b"sealed".to_vec() }
}

fn kept(name: &str) -> NewRow {
    NewRow {
        key: key(name),
        version: version("c1", 7),
        state: record::State::Live,
        due: None,
        limits: None,
        sealed: sealed("sealed tokens"),
    }
}

fn minted(name: &str, idle: i64, absolute: i64) -> NewRow {
    NewRow { limits: Some(Limits { idle: at(idle), absolute: at(absolute) }), ..kept(name) }
}

/// The row as it is right after it was put.
fn stored(new: &NewRow) -> Row {
    new.into()
}

/// What to expect of a row without lease and attempt.
fn untouched(row: &NewRow) -> Expected {
    Expected { version: row.version.clone(), state: row.state, attempt: None, lease: None }
}

/// The change that opens an attempt, before a refresh token is sent.
fn begin_attempt(row: &NewRow, attempt: &str) -> Change {
    let attempt = Some(owner(attempt));
    Change { generation: row.version.generation, state: row.state, due: row.due, attempt, sealed: None }
}

fn version(connection_id: &str, generation: u64) -> Version {
    Version { connection_id: connection_id.to_owned(), generation }
}

/// The head of a live row, as a writer has read it.
fn live_version(connection_id: &str, generation: u64) -> RowVersion {
    RowVersion { version: version(connection_id, generation), state: record::State::Live }
}

fn sealed(text: &str) -> Sealed {
    Sealed { key_id: "abcd".to_owned(), bytes: text.into(), index: None }
}

fn owner(name: &str) -> Owner {
    Owner(name.to_owned())
}

fn lease(name: &str, until: i64) -> Lease {
    Lease { owner: owner(name), until: at(until) }
}

fn file_in(folder: &TempDir) -> StoreUrl {
    StoreUrl::Sqlite(folder.path().join("store.db"))
}

/// Runs SQL on the file as another program would.
fn sql(folder: &TempDir, sql: &str) {
    rusqlite::Connection::open(folder.path().join("store.db")).unwrap().execute_batch(sql).unwrap();
}

fn files(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap();
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.unwrap().file_name().into()).collect();
    names.sort();
    names.into_iter().map(|name| name.to_str().unwrap().to_owned()).collect()
}

/// The time within which a save must end, with some margin.
const BUDGET: Duration = Duration::from_millis(5_500);

/// The result of the call, which must end before a timer of this length. On a busy machine both may be late, so the
/// call is polled first.
async fn within<T>(limit: Duration, call: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        result = call => result,
        () = tokio::time::sleep(limit) => panic!("it took longer than {limit:?}"),
    }
}
