//! Stores connections, refreshes each token exactly once, and hands out access tokens. docs/vault.md explains how and
//! why.
//!
//! - `connect`, `import`: save a new connection.
//! - `hand_out`, `on_request`, `keeper`: the three reasons for a refresh: a caller, a person or a rejected token,
//!   and the time.
//! - `refresh`: the one refresh: cache, single flight, lease, write-ahead, exchange, save.
//! - `revoke`: ends a connection.
//! - `report`: what people and machines may know about it all.
//! - `record`: what is stored.
//!
//! There is one record type, one encryption scheme and one refresh. The mode selects only the record key, and who may
//! start a refresh.

mod backoff;
mod connect;
mod error;
mod hand_out;
mod import;
mod index;
mod keeper;
mod key_lock;
mod label;
mod on_request;
mod provider;
mod record;
mod refresh;
mod replaced;
mod report;
mod revoke;
mod settings;
mod store_call;

use std::sync::{Arc, atomic::AtomicU64};

use tokio::sync::{Notify, OnceCell, SetOnce};

use crate::{clock::Clock, keys::Keyring, store::records::Records};

#[cfg(test)]
pub(crate) use self::record::history::ProviderMessage;
#[cfg(test)]
pub(crate) use self::report::login_end::{Basis, LoginEnd};
pub use self::{
    connect::{Connected, EmailBefore, SessionOf},
    error::VaultError,
    hand_out::{HandedOut, MinLife},
    import::{Import, Replace},
    provider::Provider,
    record::{Issuer, Record, RecordBody, connection_id::ConnectionId, identity::Identity, token_set::TokenSet},
    refresh::in_flight::Drain,
    revoke::Ending,
    settings::{Allowed, Callers, RefreshPolicy, Settings},
};
pub(crate) use self::{
    error::{Reconnect, Undecryptable},
    import::{Adopted, PendingImport},
    key_lock::KeyLockGuard,
    on_request::Refreshed,
    record::{
        RecordError,
        cause::{Cause, FailureKind, NextStep, Retry},
        claims::{ClaimValue, Claims},
        history::RefreshFailure,
        identity::EmailProof,
        rotation::Rotation,
    },
    report::{
        attention::Attention,
        connection_report::{FailureReport, Report},
        health::Health,
        inventory::{Forgotten, ImportReport, Inventory, SealingKeyUsage, Unreadable},
        list::{ListEntry, Part, WHOLE_PART},
        login_end::Urgency,
        obstacle::Obstacle,
        status::Status,
        visible_record::VisibleRecord,
    },
    revoke::Ended,
};

/// All connections, as one process sees them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Records>,
    provider: Arc<dyn Provider>,
    keys: Arc<Keyring>,
    clock: Clock,
    settings: Settings,
    cache: refresh::cache::Cache,
    in_flight: refresh::in_flight::InFlight,
    user_index: report::user_index::UserIndex,
    /// What labels depend on: by the current secret, then by each previous one.
    policies: Vec<label::PolicyId>,
    /// Set once every row has an index.
    indexed: OnceCell<()>,
    key_locks: key_lock::KeyLocks,
    keeper_active: keeper::LastActive,
    keeper_wake: Notify,
    /// Makes the names of leases and attempts unique.
    serial: AtomicU64,
    /// Set once this process has had to wait for another one.
    waiting: SetOnce<()>,
}

impl Vault {
    /// A vault with an empty cache. Its jobs run on the Tokio runtime of its callers.
    #[must_use]
    pub fn new(
        store: Arc<dyn Records>,
        provider: Arc<dyn Provider>,
        keys: Arc<Keyring>,
        clock: Clock,
        settings: Settings,
    ) -> Self {
        let policies = index::policies(&keys, &settings);
        Self(Arc::new(Inner {
            store,
            provider,
            keys,
            clock,
            settings,
            cache: refresh::cache::Cache::default(),
            in_flight: refresh::in_flight::InFlight::default(),
            user_index: report::user_index::UserIndex::default(),
            policies,
            indexed: OnceCell::new(),
            key_locks: key_lock::KeyLocks::default(),
            keeper_active: keeper::LastActive::default(),
            keeper_wake: Notify::new(),
            serial: AtomicU64::new(0),
            waiting: SetOnce::new(),
        }))
    }
}
