//! What every store does, edge by edge, in memory, in a SQLite file and in a real Redis; then what is particular to
//! the one or the other.

mod a_redis;
mod a_sqlite_file;
mod any_store;
mod examining;
#[path = "../support/redis.rs"]
mod redis_server;
mod tls;

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use redis_server::Redis;
use tempfile::TempDir;
use time::OffsetDateTime;
use videoask_auth::{
    config::StoreUrl,
    store::{
        Created, Examined, Finding, Limits, Missing, Opened, Origin, Outcome, Place, Reason, RecordRow, Room, RowKey,
        SessionRow, State, Store, StoreError, examine, open,
    },
};

/// A store, and what must outlive it.
struct Bed {
    store: Arc<dyn Store>,
    url: StoreUrl,
    _server: Option<Redis>,
    _folder: Option<TempDir>,
}

impl Bed {
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
}

async fn created(url: &StoreUrl) -> Arc<dyn Store> {
    let opened = open(url, Missing::Create).await.unwrap();
    assert_eq!(opened.origin, Origin::Created);
    opened.store
}

/// Seconds from a day in 2001, so that the machine's own clock is far from every limit.
fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_000_000_000).unwrap().saturating_add(time::Duration::seconds(seconds))
}

fn key(name: &str) -> RowKey {
    RowKey(name.to_owned())
}

fn session(name: &str, idle: i64, absolute: i64) -> SessionRow {
    let limits = Limits { idle: at(idle), absolute: at(absolute) };
    SessionRow { key: key(name), limits, sealed: b"sealed".to_vec() }
}

fn kept(name: &str) -> RecordRow {
    RecordRow {
        key: key(name),
        connection_id: "c1".into(),
        generation: 7,
        limits: None,
        sealed: b"sealed tokens".to_vec(),
    }
}

fn minted(name: &str, idle: i64, absolute: i64) -> RecordRow {
    RecordRow { limits: Some(Limits { idle: at(idle), absolute: at(absolute) }), ..kept(name) }
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

#[expect(clippy::disallowed_methods, reason = "the test's own stopwatch: real time limits against a real server")]
async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let start = std::time::Instant::now();
    (call.await, start.elapsed())
}
