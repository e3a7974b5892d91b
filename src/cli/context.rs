//! What every command on kept connections shares: keep mode, the store, and an end that loses nothing.

use std::{convert::Infallible, pin::pin, sync::Arc};

use url::Url;

use crate::{
    app::{self, ServeError},
    cli::{Source, failure::Failure, output, signals, spinner},
    clock::Clock,
    config::{AllowedUsers, Config, Environment, Loaded, Mode, StoreUrl},
    store::{self, IfMissing, OpenedStore, Severity, Store, StoreError, StoreOrigin},
    telemetry::{self, Verbosity},
    vault::{Callers, Drain, Vault},
    web::AppState,
};

/// A configuration in keep mode. Nothing is opened yet.
pub(crate) struct Setup {
    config: Config,
    allowed: AllowedUsers,
}

/// An open store, and what works on it.
pub(crate) struct Kept {
    pub(crate) app: AppState,
    pub(crate) allowed: AllowedUsers,
    /// Where a person logs in.
    pub(crate) login: Url,
}

impl Setup {
    /// Reads the configuration; `command` is named where it cannot work by it.
    pub(crate) fn load(source: Source, command: &'static str) -> Result<Self, Failure> {
        let Loaded { config, env_file, .. } = Config::load(&Environment::of_process(), &source.env_file())?;
        telemetry::init(&config.telemetry, Verbosity::Command);
        let Mode::Keep(allowed) = config.mode.clone() else { return Err(Failure::MintMode { command, env_file }) };
        match config.store {
            StoreUrl::Memory => Err(Failure::OwnMemory(command)),
            StoreUrl::Sqlite(_) | StoreUrl::Redis(_) => Ok(Self { config, allowed }),
        }
    }

    /// Does the work, and then waits for every exchange that was sent and its saving; so it does after a signal,
    /// which ends the work.
    pub(crate) async fn run<T>(
        self,
        missing: IfMissing,
        work: impl AsyncFnOnce(&Kept) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut stop = pin!(signals::stop());
        let kept = tokio::select! {
            kept = spinner::during("Opening the store", self.open(missing)) => kept?,
            () = &mut stop => return Err(Failure::Stopped),
        };
        let vault = &kept.app.vault;
        let worked = tokio::select! {
            biased;
            // A signal that arrived first counts, even if the result is there by the time both are looked at.
            () = &mut stop => Err(Failure::Stopped),
            worked = work(&kept) => worked,
            never = tell_of_waiting(vault) => match never {},
        };
        match spinner::during("Saving what came", vault.drain(vault.grace())).await {
            Drain::Unsaved(count) => Err(ServeError::Unsaved(count).into()),
            Drain::TimedOut => {
                tracing::warn!("an exchange was not answered in time and was cut");
                worked
            }
            Drain::Complete => worked,
        }
    }

    async fn open(self, missing: IfMissing) -> Result<Kept, Failure> {
        let Self { config, allowed } = self;
        let opened = store::open(&config.store, missing).await.map_err(|error| match error {
            error @ StoreError::Unavailable { .. } => Failure::StoreUnavailable(error),
            error => Failure::Store(error),
        })?;
        if opened.origin == StoreOrigin::Created {
            output::talk(&format_args!("A new, empty store was created: {}", place(&config.store)));
        }
        let store = vet(&config, opened)?;
        let login = config.app_url.login();
        Ok(Kept { app: app::state(&config, store, Clock::system(), Callers::Command)?, allowed, login })
    }
}

/// Says once that a command waits for another process. Goes on for ever, so that it can run beside the work.
async fn tell_of_waiting(vault: &Vault) -> Infallible {
    vault.waits_for_another().await;
    spinner::note("Another process is working on this connection; waiting for it.");
    std::future::pending().await
}

/// Where a store is, without a password.
fn place(store: &StoreUrl) -> String {
    match store {
        StoreUrl::Sqlite(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
        StoreUrl::Redis(_) => "in the Redis that STORE_URL names".to_owned(),
        StoreUrl::Memory => "in memory".to_owned(),
    }
}

/// In keep mode, refuses a store that deletes connections, and says what else puts them at risk.
pub(crate) fn vet(config: &Config, opened: OpenedStore) -> Result<Arc<dyn Store>, Failure> {
    let OpenedStore { store, origin, risks, .. } = opened;
    // Of a store in memory the configuration has warned already.
    if let StoreUrl::Memory = config.store {
        return Ok(store);
    }
    for finding in risks.into_iter().filter(|finding| finding.matters_to(&config.mode)) {
        match finding.severity() {
            Severity::Fatal => return Err(Failure::Evicts(finding)),
            Severity::Warning => tracing::warn!("{finding}"),
        }
    }
    if origin == StoreOrigin::Created && matches!(config.mode, Mode::Keep(_)) {
        tracing::warn!(
            "a new, empty store was made, which is right the first time; later it means that the old one is gone: if \
             you had a connection, the disk was not kept: mount a volume at /data, or use Redis"
        );
    }
    Ok(store)
}
