//! Builds everything from the configuration, and serves it.

mod connection;
mod login;
#[cfg(test)]
mod panic_page;
mod progress;
mod server;

use std::{
    future::Future,
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};

use crate::{
    api_key::{Authenticator, StoredKeys},
    clock::Clock,
    config::{Config, Mode, NotifyUrl},
    http,
    keys::Keyring,
    login::{Logins, UsedStates},
    notify::{HttpReceiver, Notifier},
    provider::Provider,
    store::Store,
    telemetry::{self, Metrics, RequestIds},
    vault::{self, Allowed, Callers, Drain, RefreshPolicy, Settings, Vault},
    videoask::{Api, Gateway},
    web::{self, AppState, CODE_EXCHANGES, CookiePolicy, FailureLimit, PendingLogins, SecurityHeaders, Sessions},
};

pub(crate) use self::login::LoginServer;

/// How long requests may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a code exchange that was sent may go on beyond its own timeout, to be saved.
pub(crate) const SAVING: Duration = Duration::from_secs(5);
/// How long a notification in flight may take after everything else has ended.
const LAST_NOTIFICATION: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);

/// The server, ready to serve.
pub struct App {
    state: Arc<AppState>,
    notifier: Option<Notifier>,
    max_connections: Option<NonZeroUsize>,
    exchange_timeout: Duration,
}

/// Why serving failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Token sets were received, could not be saved before the end, and are lost with the process.
    #[error("{0} new token sets could not be saved before the end; their users may have to log in again")]
    Unsaved(usize),
}

impl App {
    /// Builds the server. Consumes the configuration: once keys and hashes are derived, EXPRESS_SESSION and API_KEY are
    /// wiped from memory.
    ///
    /// # Errors
    /// When an HTTP client cannot be built, as without any CA certificates.
    #[expect(clippy::needless_pass_by_value, reason = "dropping the configuration wipes its secrets")]
    pub fn build(config: Config, store: Arc<dyn Store>, clock: Clock) -> Result<Self, http::BuildError> {
        let state = Arc::new(state(&config, store, clock, Callers::Requests)?);
        Ok(Self {
            notifier: config.notify_url.as_ref().map(|url| notifier(&state, url)).transpose()?,
            state,
            max_connections: config.max_connections,
            exchange_timeout: config.provider.exchange_timeout,
        })
    }

    /// Serves until `shutdown` completes. Then requests may continue for 10 s, code exchanges that were sent for their own
    /// time limit plus 5 s for the save, and the vault finishes its refreshes. Whatever takes longer is cancelled, with a
    /// warning in the log.
    ///
    /// # Errors
    /// When a token set is unsaved at the end.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self { state, notifier, max_connections, exchange_timeout } = self;
        let AppState { clock, vault, code_exchanges, .. } = &*state;
        let (running, stopping) = watch::channel(());
        let background = [
            tokio::spawn(sweep(Arc::clone(&state.store), clock.clone())),
            tokio::spawn(reseal(state.api_keys.stored_keys().clone(), clock.clone())),
            tokio::spawn(keep(vault.clone(), state.mode.clone(), stopped(stopping.clone()))),
        ];
        let notifier = notifier.map(|notifier| tokio::spawn(notifier.run(stopping.clone())));
        tokio::spawn(async move {
            shutdown.await;
            tracing::info!("stopping: requests in flight may finish");
            drop(running);
        });
        let limit = server::connection_limit(max_connections);
        let finished = async {
            server::serve(listener, web::service(Arc::clone(&state)), limit, stopping.clone()).await;
            // The exchange of a browser that disconnected may still be in flight.
            exchanges_done(code_exchanges).await;
        };
        let overdue = async {
            stopped(stopping.clone()).await;
            clock.sleep(GRACE).await;
            let saving_time = (exchange_timeout + SAVING).saturating_sub(GRACE);
            tokio::select! { () = exchanges_done(code_exchanges) => {} () = clock.sleep(saving_time) => {} }
        };
        let requests = async {
            tokio::select! {
                () = finished => {}
                () = overdue => tracing::warn!("some requests did not finish in time and were cancelled"),
            }
        };
        let drained = async {
            stopped(stopping.clone()).await;
            vault.drain(vault.grace()).await
        };
        let ((), drained) = tokio::join!(requests, drained);
        if let Some(mut notifier) = notifier
            && clock.timeout(LAST_NOTIFICATION, &mut notifier).await.is_none()
        {
            notifier.abort();
        }
        background.iter().for_each(tokio::task::JoinHandle::abort);
        match drained {
            Drain::Unsaved(count) => return Err(ServeError::Unsaved(count)),
            Drain::TimedOut => tracing::warn!("an exchange got no response in time and was cancelled"),
            Drain::Complete => {}
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// Builds the state that requests and commands share.
///
/// # Errors
/// When an HTTP client cannot be built, as without any CA certificates.
pub fn state(
    config: &Config,
    store: Arc<dyn Store>,
    clock: Clock,
    callers: Callers,
) -> Result<AppState, http::BuildError> {
    let keys = Arc::new(Keyring::new(&config.secrets.current, &config.secrets.previous));
    let metrics = Metrics::default();
    let provider = Arc::new(Provider::new(&config.provider, clock.clone(), metrics.clone())?);
    let settings = Settings {
        process: process_name(&keys),
        issuer: provider.issuer(),
        exchange_timeout: config.provider.exchange_timeout,
        login_lifetime: config.login_lifetime,
        refresh_policy: refresh_policy(&config.mode),
        callers,
        clock_tolerance: Settings::CLOCK_TOLERANCE,
    };
    let stored_keys = StoredKeys::new(Arc::clone(&store), Arc::clone(&keys));
    let oauth_client = Arc::clone(&provider) as Arc<dyn vault::Provider>;
    let vault = Vault::new(Arc::<dyn Store>::clone(&store), oauth_client, Arc::clone(&keys), clock.clone(), settings);
    let api = Api::new(&config.api, clock.clone(), metrics.clone())?;
    let logins = Logins {
        mode: config.mode.clone(),
        issuer: config.provider.issuer.clone(),
        provider: Arc::clone(&provider),
        vault: vault.clone(),
        api: api.clone(),
        keys: Arc::clone(&keys),
        clock: clock.clone(),
        used_states: UsedStates::default(),
    };
    let cookie_policy = CookiePolicy::new(&config.app_url);
    Ok(AppState {
        app_url: config.app_url.clone(),
        mode: config.mode.clone(),
        scopes: config.provider.scopes.clone(),
        api_url: config.api.url.clone(),
        auth_url: config.provider.auth_url.clone(),
        api,
        gateway: Gateway::new(&config.api, clock.clone(), metrics.clone())?,
        sessions: Sessions::new(Arc::clone(&store), Arc::clone(&keys), clock.clone()),
        pending_logins: PendingLogins::new(Arc::clone(&keys), cookie_policy.clone()),
        cookie_policy,
        security_headers: SecurityHeaders::new(&config.app_url),
        logins,
        code_exchanges: Arc::new(Semaphore::new(CODE_EXCHANGES as usize)),
        failure_limit: FailureLimit::default(),
        api_keys: Authenticator::new(&config.api_keys, stored_keys, clock.clone()),
        snippets: OnceLock::new(),
        request_ids: RequestIds::starting_at(u64::from_be_bytes(keys.random_bytes())),
        clock,
        keys,
        store,
        provider,
        vault,
        metrics,
    })
}

/// The task that reports to `NOTIFY_URL`.
fn notifier(state: &AppState, url: &NotifyUrl) -> Result<Notifier, http::BuildError> {
    let store = Arc::<dyn Store>::clone(&state.store);
    let receiver = Box::new(HttpReceiver::new(url)?);
    let (clock, login_url) = (state.clock.clone(), state.app_url.login().clone());
    Ok(Notifier::new(state.vault.clone(), store, receiver, clock, login_url, process_name(&state.keys)))
}

fn refresh_policy(mode: &Mode) -> RefreshPolicy {
    match mode {
        Mode::Mint => RefreshPolicy::Manual,
        Mode::Keep(allowed) => {
            let (list, allowed) = (allowed.list().to_owned(), allowed.clone());
            RefreshPolicy::Automatic(Allowed { list, check: Arc::new(move |identity| identity.is_in(&allowed)) })
        }
    }
}

/// The name of this process: its process id, and a few random bytes, since process ids are reused.
fn process_name(keys: &Keyring) -> String {
    format!("{}-{:08x}", std::process::id(), u32::from_be_bytes(keys.random_bytes()))
}

/// Runs the keeper, in keep mode. If it stops, this logs it once, and `/readyz` reports it from then on.
async fn keep(vault: Vault, mode: Mode, stop: impl Future<Output = ()> + Send + 'static) {
    if let Mode::Keep(_) = mode
        && let Err(error) = tokio::spawn(async move { vault.run_keeper(stop).await }).await
    {
        tracing::error!(%error, "the keeper stopped: nothing is refreshed before it is asked for; restart the program");
    }
}

/// Completes when the sender is dropped, which is the signal to stop. Nothing is ever sent.
async fn stopped(mut stopping: watch::Receiver<()>) {
    let _ = stopping.changed().await;
}

/// Waits until no code exchange is in flight.
async fn exchanges_done(exchanges: &Semaphore) {
    // The semaphore is never closed, so this waits for the last permit.
    let _ = exchanges.acquire_many(CODE_EXCHANGES).await;
}

/// Deletes ended sessions every ten minutes. If the store fails, that is logged, and the loop continues.
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

/// Every ten minutes, encrypts again the API keys' rights that a previous EXPRESS_SESSION encrypted.
async fn reseal(keys: StoredKeys, clock: Clock) {
    loop {
        match keys.reseal().await {
            Ok(0) => {}
            Ok(keys) => tracing::info!(keys, "encrypted the rights of API keys by the current EXPRESS_SESSION"),
            Err(error) => tracing::warn!(cause = telemetry::chain(&error), "could not look through the API keys"),
        }
        clock.sleep(SWEEP_EVERY).await;
    }
}
