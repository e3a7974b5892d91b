//! What holds records, refreshes them exactly once, and hands out access tokens. `docs/vault.md` explains the machine.
//!
//! There is one record type, one sealing and one refresh. The mode decides only the key a record lies under, and who
//! may start a refresh.

mod connect;
mod error;
mod hand_out;
mod import;
mod keeper;
mod provider;
mod record;
mod refresh;
mod report;
mod revoke;
mod settings;
mod store_call;
mod turns;

use std::sync::{Arc, atomic::AtomicU64};

use tokio::sync::{Notify, SetOnce};

use crate::{clock::Clock, keys::Keyring, store::records::Records};

pub use self::{
    connect::Connected,
    error::{Reconnect, Undecryptable, VaultError},
    hand_out::{HandedOut, MinLife},
    import::{Adopted, Import, PendingImport, Replace},
    provider::Provider,
    record::{
        Issuer, Record, RecordBody, RecordError, Tombstone,
        cause::{Cause, FailureKind, NextStep, Retry},
        connection_id::ConnectionId,
        history::{End, Exchanged, History, Previous, ProviderMessage, RefreshFailure, Rotation},
        identity::{EmailProof, Identity},
        token_set::TokenSet,
    },
    refresh::{in_flight::Drain, on_request::Refreshed},
    report::{
        FailureReport, Report,
        health::{Health, Unready},
        inventory::{Forgotten, ImportReport, Inventory, SealingKeyUsage, Unreadable},
        status::{ListEntry, Obstacle, Status, VisibleRecord},
    },
    revoke::{Ended, Ending},
    settings::{Allowed, Callers, RefreshPolicy, Settings},
    turns::Turn,
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
    memory: refresh::cache::Cache,
    in_flight: refresh::in_flight::InFlight,
    replan: Notify,
    heartbeat: keeper::Heartbeat,
    user_index: report::user_index::UserIndex,
    turns: turns::Turns,
    serial: AtomicU64,
    /// Set once this process has had to wait for another one.
    waiting: SetOnce<()>,
}

impl Vault {
    /// A vault that remembers nothing yet. Its tasks run on the runtime of whoever calls it.
    #[must_use]
    pub fn new(
        store: Arc<dyn Records>,
        provider: Arc<dyn Provider>,
        keys: Arc<Keyring>,
        clock: Clock,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            provider,
            keys,
            clock,
            settings,
            memory: refresh::cache::Cache::default(),
            in_flight: refresh::in_flight::InFlight::default(),
            replan: Notify::new(),
            heartbeat: keeper::Heartbeat::default(),
            user_index: report::user_index::UserIndex::default(),
            turns: turns::Turns::default(),
            serial: AtomicU64::new(0),
            waiting: SetOnce::new(),
        }))
    }
}
