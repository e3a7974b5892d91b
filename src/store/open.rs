use std::sync::Arc;

use crate::{
    config::StoreUrl,
    store::{Finding, Store, StoreError, StoreLocation, redis, sqlite},
};

/// What to do where there is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Make one: `serve`, `import` and `demo`.
    Create,
    /// Say so: every other command.
    Refuse,
}

/// Whether an opened store was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This call has made it.
    Created,
    /// It was.
    Existing,
}

/// A store, ready for use and at this program's schema version.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Where it is.
    pub at: StoreLocation,
    /// Whether it was there before.
    pub origin: Origin,
    /// What it says about itself.
    pub findings: Vec<Finding>,
}

/// What [`examine`] saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Where it looked.
    pub at: StoreLocation,
    /// What is there.
    pub state: State,
    /// What the store says about itself.
    pub findings: Vec<Finding>,
}

/// What is at the place that `STORE_URL` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No store yet.
    Absent(Room),
    /// A store that took a write, which was undone.
    Sound,
}

/// Whether a store could be made where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It could.
    Writable,
    /// The folder cannot be written.
    NotWritable,
    /// The folder does not exist.
    NoFolder,
    /// This file system does not tell without making a file.
    Unknown,
}

/// Opens the store, makes it if `missing` says so, and migrates an older one.
pub async fn open(url: &StoreUrl, missing: Missing) -> Result<Opened, StoreError> {
    match url {
        StoreUrl::Memory => sqlite::open_memory().await,
        StoreUrl::Sqlite(path) => sqlite::open(path, missing).await,
        StoreUrl::Redis(url) => redis::open(url, missing).await,
    }
}

/// Looks without making or migrating anything, and proves that a store which is there can be written.
pub async fn examine(url: &StoreUrl) -> Result<Examined, StoreError> {
    match url {
        StoreUrl::Memory => Ok(Examined {
            at: StoreLocation::Memory,
            state: State::Absent(Room::Writable),
            findings: vec![Finding::NotPersistent],
        }),
        StoreUrl::Sqlite(path) => sqlite::examine(path).await,
        StoreUrl::Redis(url) => redis::examine(url).await,
    }
}
