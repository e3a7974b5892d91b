//! Builds everything from the configuration, and serves it.

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};

use crate::{
    clock::Clock,
    config::Config,
    http,
    keys::Keyring,
    provider::Provider,
    store::Store,
    telemetry,
    videoask::Api,
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
    exchanges: Arc<Semaphore>,
    exchange_timeout: Duration,
    store: Arc<dyn Store>,
    clock: Clock,
}

impl App {
    /// Builds the house, bottom up.
    ///
    /// # Errors
    /// When an HTTP client cannot be built, as without any CA certificates.
    pub fn build(config: &Config, store: Arc<dyn Store>, clock: Clock) -> Result<Self, http::BuildError> {
        let keys = Arc::new(Keyring::new(&config.secrets.current, &config.secrets.previous));
        let provider = Provider::new(&config.provider, clock.clone())?;
        let api = Api::new(&config.api)?;
        let rooms = Rooms { provider, api, store: Arc::clone(&store), keys, clock: clock.clone() };
        let site = Site::new(config, rooms);
        Ok(Self {
            exchanges: Arc::clone(&site.exchanges),
            exchange_timeout: config.provider.exchange_timeout,
            router: web::router(site),
            store,
            clock,
        })
    }

    /// Serves until `shutdown` completes. Then requests may finish for 10 s, and a code exchange that was sent may be
    /// answered and saved: for its own timeout and 5 s. What takes longer is cut, with a warning in the log.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let Self { router, exchanges, exchange_timeout, store, clock } = self;
        let sweeper = tokio::spawn(sweep(store, clock.clone()));
        let (running, mut stopping) = watch::channel(());
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            shutdown.await;
            tracing::info!("stopping: requests under way may finish");
            drop(running);
        });
        let finished = async {
            server.await?;
            // A browser that hung up leaves its exchange behind.
            exchanges_done(&exchanges).await;
            Ok(())
        };
        let overdue = async {
            // `running` is dropped at the signal and never sends, so this is the signal.
            let _ = stopping.changed().await;
            clock.sleep(GRACE).await;
            let patience = (exchange_timeout + SAVING).saturating_sub(GRACE);
            tokio::select! { () = exchanges_done(&exchanges) => {} () = clock.sleep(patience) => {} }
        };
        let result = tokio::select! {
            result = finished => result,
            () = overdue => {
                tracing::warn!("some requests did not end in time and were cut");
                Ok(())
            }
        };
        sweeper.abort();
        result
    }
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
