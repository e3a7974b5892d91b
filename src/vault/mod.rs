//! What holds records, refreshes them exactly once, and hands out access tokens. `docs/vault.md` explains the machine.
//!
//! There is one record type, one sealing and one refresh. The mode decides only the key a record lies under, and who
//! may start a refresh.

mod answer;
mod backoff;
mod cause;
mod connection;
mod directory;
mod figures;
mod flight;
mod hand_out;
mod health;
mod history;
mod identity;
mod import;
mod inventory;
mod keeper;
mod lease;
mod login;
mod look;
mod memory;
mod provider;
mod record;
mod refresh;
mod refresh_log;
mod refresh_now;
mod report;
mod revoke;
mod settings;
mod stake;
mod status;
mod task;
mod token_set;
mod turns;
mod undecryptable;
mod write_down;

use std::sync::{Arc, atomic::AtomicU64};

use tokio::sync::{Notify, SetOnce};

use crate::{clock::Clock, keys::Keyring, store::records::Records};

pub use self::{
    cause::{Cause, NextStep, Retry, TroubleKind},
    connection::ConnectionId,
    directory::NotFound,
    hand_out::{HandOutError, HandedOut, MinLife, Reconnect},
    health::{Ailment, Health},
    history::{End, Exchanged, History, Previous, Rotation, Trouble, Words},
    identity::{EmailProof, Identity},
    import::{Adopted, Import, PendingImport, Replace},
    inventory::{Forgotten, ImportReport, Inventory, Seals, Unreadable},
    login::{NotStored, Stored},
    provider::Provider,
    record::{Contents, Grave, Issuer, Record, RecordError},
    refresh_now::Refreshed,
    report::{Report, TroubleReport},
    revoke::{Ended, Ending, NotEnded},
    settings::{Allowed, Callers, Settings, Upkeep},
    stake::Drained,
    status::{Listed, Obstacle, Shown, Status},
    token_set::TokenSet,
    turns::Turn,
    undecryptable::Undecryptable,
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
    memory: memory::Memory,
    in_flight: stake::InFlight,
    replan: Notify,
    heartbeat: keeper::Heartbeat,
    directory: directory::Directory,
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
            memory: memory::Memory::default(),
            in_flight: stake::InFlight::default(),
            replan: Notify::new(),
            heartbeat: keeper::Heartbeat::default(),
            directory: directory::Directory::default(),
            turns: turns::Turns::default(),
            serial: AtomicU64::new(0),
            waiting: SetOnce::new(),
        }))
    }
}
