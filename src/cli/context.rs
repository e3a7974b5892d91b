//! What all commands on connections share: keep mode, the open store, and a shutdown that loses no token.

use std::{convert::Infallible, pin::pin, sync::Arc};

use url::Url;

use crate::{
    app::{self, ServeError},
    cli::{
        env_file::EnvFileArg,
        error::{CliError, ConnectionError, ConnectionProblem},
        output, signals, spinner,
    },
    clock::Clock,
    config::{AllowedUsers, Config, Environment, Loaded, Mode, StoreUrl},
    store::{self, IfMissing, OpenedStore, Severity, Store, StoreError, StoreOrigin},
    telemetry::{self, Verbosity},
    vault::{Callers, Drain, Vault, VaultError},
    web::AppState,
};

/// A configuration in keep mode. Nothing is opened yet.
pub(crate) struct Setup {
    config: Config,
    allowed: AllowedUsers,
}

pub(crate) struct Context {
    pub(crate) app: AppState,
    pub(crate) allowed: AllowedUsers,
    pub(crate) login: Url,
}

impl Setup {
    /// Reads the configuration. If the command cannot work with it, the error names `command`.
    pub(crate) fn load(env_file: EnvFileArg, command: &'static str) -> Result<Self, CliError> {
        let Loaded { config, env_file, .. } = Config::load(&Environment::of_process(), &env_file.resolve())?;
        telemetry::init(&config.telemetry, Verbosity::Command);
        let Mode::Keep(allowed) = config.mode.clone() else { return Err(CliError::MintMode { command, env_file }) };
        match config.store {
            StoreUrl::Memory => Err(CliError::OwnMemory(command)),
            StoreUrl::Sqlite(_) | StoreUrl::Redis(_) => Ok(Self { config, allowed }),
        }
    }

    /// Does the work until it is done or a signal arrives, and then waits for every exchange that was sent, and its save.
    pub(crate) async fn run<T>(
        self,
        missing: IfMissing,
        work: impl AsyncFnOnce(&Context) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let mut stop = pin!(signals::stop());
        let context = tokio::select! {
            context = spinner::during("Opening the store", self.open(missing)) => context?,
            () = &mut stop => return Err(CliError::Stopped),
        };
        let vault = &context.app.vault;
        let worked = tokio::select! {
            biased;
            // The signal is checked first, even if the work is done too.
            () = &mut stop => Err(CliError::Stopped),
            worked = work(&context) => worked,
            never = note_waiting(vault) => match never {},
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

    async fn open(self, missing: IfMissing) -> Result<Context, CliError> {
        let Self { config, allowed } = self;
        let store = open_store(&config, missing).await?;
        let login = config.app_url.login().clone();
        Ok(Context { app: app::state(&config, store, Clock::system(), Callers::Command)?, allowed, login })
    }
}

impl Context {
    /// The named user, or else the first entry. There is no fallback to another entry.
    pub(crate) fn user_or_default<'a>(&'a self, user: Option<&'a str>) -> &'a str {
        user.or(self.allowed.first()).unwrap_or_default()
    }

    pub(crate) fn error(&self, user: &str, problem: impl Into<ConnectionProblem>) -> CliError {
        Box::new(self.connection_error(user, problem.into())).into()
    }

    /// The error of a refresh token whose import is pending.
    pub(crate) fn import_error(&self, user: &str, error: VaultError) -> CliError {
        Box::new(self.connection_error(user, error.into()).of_import()).into()
    }

    fn connection_error(&self, user: &str, problem: ConnectionProblem) -> ConnectionError {
        let is_listed = self.allowed.admits(Some(user), Some(user), None).is_some();
        ConnectionError::new(problem, user, is_listed, &self.login)
    }
}

/// Opens the store of a command, and prints a note if it is new.
pub(crate) async fn open_store(config: &Config, missing: IfMissing) -> Result<Arc<dyn Store>, CliError> {
    let opened = store::open(&config.store, missing).await.map_err(|error| match error {
        error @ StoreError::Unavailable { .. } => CliError::StoreUnavailable(error),
        error => CliError::Store(error),
    })?;
    if opened.origin == StoreOrigin::Created {
        output::note(&format_args!("A new, empty store was created: {}", place(&config.store)));
    }
    vet(config, opened)
}

/// Prints once that the command waits for another process. It never completes, so that it can run beside the work.
async fn note_waiting(vault: &Vault) -> Infallible {
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

/// In keep mode, refuses a store that would delete connections, and warns of other risks.
pub(crate) fn vet(config: &Config, opened: OpenedStore) -> Result<Arc<dyn Store>, CliError> {
    let OpenedStore { store, origin, risks, .. } = opened;
    // The configuration has already warned of a store in memory.
    if let StoreUrl::Memory = config.store {
        return Ok(store);
    }
    for finding in risks.into_iter().filter(|finding| finding.matters_to(&config.mode)) {
        match finding.severity() {
            Severity::Fatal => return Err(CliError::Evicts(finding)),
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
