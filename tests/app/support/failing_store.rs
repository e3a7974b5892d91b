//! A store that a test can make fail, and work again.

use rusqlite::Connection;
use tempfile::TempDir;
use videoask_auth::{
    config::StoreUrl,
    store::{self, IfMissing},
};

use super::{TestServer, api_client::keep_mode};

/// A SQLite store that a test can make fail, and work again.
pub struct FailingStore(TempDir);

impl FailingStore {
    pub async fn start() -> (Self, TestServer) {
        let folder = TempDir::new().expect("a folder");
        let url = StoreUrl::Sqlite(folder.path().join("store.db"));
        let opened = store::open(&url, IfMissing::Create).await.expect("a store can be made");
        (Self(folder), keep_mode().store(opened.store).start().await)
    }

    /// From now on, every access to records fails.
    pub fn take_away(&self) {
        self.execute("ALTER TABLE records RENAME TO gone");
    }

    /// Deletes every record, including tombstones.
    pub fn lose_records(&self) {
        self.execute("DELETE FROM records");
    }

    /// From now on, every access to API keys fails.
    pub fn take_keys_away(&self) {
        self.execute("ALTER TABLE api_keys RENAME TO gone_keys");
    }

    /// Makes the API keys accessible again.
    pub fn give_keys_back(&self) {
        self.execute("ALTER TABLE gone_keys RENAME TO api_keys");
    }

    /// From now on, the store accepts no new session.
    pub fn refuse_sessions(&self) {
        self.execute("CREATE TRIGGER refuse BEFORE INSERT ON sessions BEGIN SELECT RAISE(FAIL, 'refused'); END");
    }

    /// Makes the records accessible again, unchanged.
    pub fn give_back(&self) {
        self.execute("ALTER TABLE gone RENAME TO records");
    }

    fn execute(&self, sql: &str) {
        let database = Connection::open(self.0.path().join("store.db")).expect("the store is a file");
        database.execute_batch(sql).expect("nobody holds it for long");
    }
}
