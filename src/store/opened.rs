//! What opening or inspecting a store finds.

use std::sync::Arc;

use crate::store::{Store, StoreLocation, StoreRisk};

/// What to do where there is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Create one: `serve`, `import`, `demo` and keep mode's `login`.
    Create,
    /// Fail: every other command.
    Refuse,
}

/// Whether an opened store was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOrigin {
    /// This call created it.
    Created,
    /// It existed.
    Existing,
}

/// A store, ready for use and at this program's schema version.
#[derive(Debug)]
pub struct OpenedStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Where it is.
    pub(crate) at: StoreLocation,
    /// Whether it was there before.
    pub origin: StoreOrigin,
    /// What may lose its data, or give it away.
    pub risks: Vec<StoreRisk>,
}

/// What [`inspect`](super::inspect) found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Where it looked.
    pub at: StoreLocation,
    /// What is there.
    pub status: StoreStatus,
    /// What may lose its data, or give it away.
    pub risks: Vec<StoreRisk>,
}

/// What is at the place that `STORE_URL` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreStatus {
    /// No store yet.
    Missing(CanCreate),
    /// A store that accepts writes.
    Writable,
}

/// Whether a store could be created where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanCreate {
    /// Yes.
    Yes,
    /// The folder cannot be written.
    NotWritable,
    /// The folder does not exist.
    NoFolder,
    /// Only creating a file would tell, on this file system.
    Unknown,
}
