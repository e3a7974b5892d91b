use std::sync::Mutex;

use crate::store::StoreError;

/// Why a store that can be read accepts no writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// The file or file system is read-only, or Redis is a replica or cannot save.
    ReadOnly,
    /// The disk, or the memory of Redis.
    Full,
}

impl Unwritable {
    /// The reason behind this error, if it is one.
    #[must_use]
    pub fn of(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::NotWritable { .. } => Some(Self::ReadOnly),
            StoreError::Full { .. } => Some(Self::Full),
            _ => None,
        }
    }
}

/// Remembers that a write failed, so that a health check reports it even if nothing is being written.
#[derive(Debug, Default)]
pub(super) struct LastFailure(Mutex<Option<Unwritable>>);

impl LastFailure {
    /// Remembers the failure, if it means that nothing can be written.
    pub(super) fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(unwritable) = result.as_ref().err().and_then(Unwritable::of) {
            self.set(Some(unwritable));
        }
        result
    }

    /// Tries a write if the previous one failed.
    pub(super) async fn check(&self, probe: impl Future<Output = Result<(), StoreError>>) -> Result<(), StoreError> {
        if self.is_noted() {
            probe.await?;
            self.set(None);
        }
        Ok(())
    }

    fn is_noted(&self) -> bool {
        self.0.lock().is_ok_and(|noted| noted.is_some())
    }

    fn set(&self, unwritable: Option<Unwritable>) {
        if let Ok(mut noted) = self.0.lock() {
            *noted = unwritable;
        }
    }
}
