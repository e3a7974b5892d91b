//! Builds everything from the configuration, and serves it.

mod connection;
mod server;

use std::{future::Future, num::NonZeroUsize, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};

use crate::{
    clock::Clock,
    config::{Config, Mode},
    http,
    keys::Keyring,
    provider::Provider,
    store::Store,
    telemetry::{self, Metrics},
    vault::{self, Callers, Drain, RefreshPolicy, Settings, Vault},
    videoask::{Api, Gateway},
    web::{self, CODE_EXCHANGES, Rooms, Site},
};

/// How long requests may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a code exchange that was sent may go on beyond its own timeout, to be saved.
const SAVING: Duration = Duration::from_secs(5);
/// How often ended sessions are deleted.
const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);

/// The program, ready to serve.
pub struct App {
    router: Router,
    vault: Vault,
    mode: Mode,
    max_connections: Option<NonZeroUsize>,
    exchanges: Arc<Semaphore>,
    exchange_timeout: Duration,
    store: Arc<dyn Store>,
    clock: Clock,
}

/// Why serving did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// New tokens came, could not be saved before the end, and are gone with the process.
    #[error("{0} new token sets could not be saved before the end; their users may have to log in again")]
    Unsaved(usize),
}

impl App {
    /// Builds the app, bottom up. Consumes the configuration: once keys and hashes are derived, EXPRESS_SESSION and
    /// API_KEY are wiped from memory.
    ///
    /// # Errors
    /// When an HTTP client cannot be built, as without any CA certificates.
    #[expect(clippy::needless_pass_by_value, reason = "dropping the configuration wipes its secrets")]
    pub fn build(config: Config, store: Arc<dyn Store>, clock: Clock) -> Result<Self, http::BuildError> {
        let House { provider, api, keys, vault, metrics } =
            House::build(&config, Arc::clone(&store), clock.clone(), Callers::Requests)?;
        let rooms = Rooms {
            provider,
            api,
            gateway: Gateway::new(&config.api, clock.clone(), metrics.clone())?,
            vault: vault.clone(),
            store: Arc::clone(&store),
            keys,
            clock: clock.clone(),
            metrics,
        };
        let site = Site::new(&config, rooms);
        Ok(Self {
            exchanges: Arc::clone(&site.exchanges),
            exchange_timeout: config.provider.exchange_timeout,
            router: web::router(site),
            vault,
            mode: config.mode.clone(),
            max_connections: config.max_connections,
            store,
            clock,
        })
    }

    /// Serves until `shutdown` completes. Then requests may finish for 10 s, a code exchange that was sent may be
    /// answered and saved, for its own timeout and 5 s, and the vault ends what it has sent. What takes longer is cut,
    /// with a warning in the log.
    ///
    /// # Errors
    /// When a token set is unsaved at the end.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self { router, vault, mode, max_connections, exchanges, exchange_timeout, store, clock } = self;
        let (running, stopping) = watch::channel(());
        let background = [
            tokio::spawn(sweep(store, clock.clone())),
            tokio::spawn(keep(vault.clone(), mode, stopped(stopping.clone()))),
        ];
        tokio::spawn(async move {
            shutdown.await;
            tracing::info!("stopping: requests in flight may finish");
            drop(running);
        });
        let limit = server::connection_limit(max_connections);
        let finished = async {
            server::serve(listener, router, limit, stopping.clone()).await;
            // A browser that hung up leaves its exchange behind.
            exchanges_done(&exchanges).await;
        };
        let overdue = async {
            stopped(stopping.clone()).await;
            clock.sleep(GRACE).await;
            let patience = (exchange_timeout + SAVING).saturating_sub(GRACE);
            tokio::select! { () = exchanges_done(&exchanges) => {} () = clock.sleep(patience) => {} }
        };
        let requests = async {
            tokio::select! {
                () = finished => {}
                () = overdue => tracing::warn!("some requests did not end in time and were cut"),
            }
        };
        let drained = async {
            stopped(stopping.clone()).await;
            vault.drain(vault.grace()).await
        };
        let ((), drained) = tokio::join!(requests, drained);
        background.iter().for_each(tokio::task::JoinHandle::abort);
        match drained {
            Drain::Unsaved(count) => return Err(ServeError::Unsaved(count)),
            Drain::TimedOut => tracing::warn!("an exchange was not answered in time and was cut"),
            Drain::Complete => {}
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// The rooms between the store and the pages, as a server and a command share them.
pub struct House {
    /// The OAuth client.
    pub provider: Arc<Provider>,
    /// VideoAsk's API.
    pub api: Api,
    /// Keys.
    pub keys: Arc<Keyring>,
    /// Connections.
    pub vault: Vault,
    /// What the others count. Nobody reads those of a command.
    pub metrics: Metrics,
}

impl House {
    /// Builds them over a store.
    ///
    /// # Errors
    /// When an HTTP client cannot be built, as without any CA certificates.
    pub fn build(
        config: &Config,
        store: Arc<dyn Store>,
        clock: Clock,
        callers: Callers,
    ) -> Result<Self, http::BuildError> {
        let keys = Arc::new(Keyring::new(&config.secrets.current, &config.secrets.previous));
        let metrics = Metrics::default();
        let provider = Arc::new(Provider::new(&config.provider, clock.clone(), metrics.clone())?);
        let api = Api::new(&config.api, clock.clone(), metrics.clone())?;
        let settings = Settings {
            process: process_name(&keys),
            issuer: provider.issuer(),
            exchange_timeout: config.provider.exchange_timeout,
            refresh_policy: refresh_policy(&config.mode),
            callers,
            clock_tolerance: Settings::CLOCK_TOLERANCE,
        };
        let vault =
            Vault::new(store, Arc::clone(&provider) as Arc<dyn vault::Provider>, Arc::clone(&keys), clock, settings);
        Ok(Self { provider, api, keys, vault, metrics })
    }
}

fn refresh_policy(mode: &Mode) -> RefreshPolicy {
    match mode {
        Mode::Mint => RefreshPolicy::Manual,
        Mode::Keep(allowed) => {
            let allowed = allowed.clone();
            RefreshPolicy::Automatic(Arc::new(move |identity| identity.is_in(&allowed)))
        }
    }
}

/// The process id, for people, and a few random bytes, since process ids come again.
fn process_name(keys: &Keyring) -> String {
    format!("{}-{:08x}", std::process::id(), u32::from_be_bytes(keys.random_bytes()))
}

/// Runs the keeper, in keep mode. That it stopped is said here once, and by `/readyz` from then on.
async fn keep(vault: Vault, mode: Mode, stop: impl Future<Output = ()> + Send + 'static) {
    if let Mode::Keep(_) = mode
        && let Err(error) = tokio::spawn(async move { vault.keep(stop).await }).await
    {
        tracing::error!(%error, "the keeper stopped: nothing is refreshed before it is asked for; restart the program");
    }
}

/// Completes when the sender is gone, which is the signal to stop. Nothing is ever sent.
async fn stopped(mut stopping: watch::Receiver<()>) {
    let _ = stopping.changed().await;
}

/// Waits until no code exchange is under way.
async fn exchanges_done(exchanges: &Semaphore) {
    // The semaphore is never closed, so this waits for the last permit.
    let _ = exchanges.acquire_many(CODE_EXCHANGES).await;
}

/// Deletes ended sessions now and then. A failing store is reported and tried again: the loop never ends.
async fn sweep(store: Arc<dyn Store>, clock: Clock) {
    loop {
        match store.sweep(clock.now()).await {
            Ok(0) => {}
            Ok(sessions) => tracing::debug!(sessions, "deleted ended sessions"),
            Err(error) => tracing::warn!(cause = telemetry::chain(&error), "could not delete ended sessions"),
        }
        clock.sleep(SWEEP_EVERY).await;
    }
}
