//! Serves one login, for the command that waits for it.

use std::{sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::{
    app::server,
    web::{
        AppState,
        loopback::{self, FetchedFiles, Outcome},
    },
};

/// The most connections. A browser opens a few.
const CONNECTIONS: usize = 64;
/// How long the browser may take for the files of the last page.
const LINGER: Duration = Duration::from_secs(2);

/// A server that ends with its login.
pub(crate) struct LoginServer {
    app: Arc<AppState>,
    /// How the login ended. It closes without a value if the app panics.
    pub(crate) outcome: oneshot::Receiver<Outcome>,
    fetched: FetchedFiles,
    running: watch::Sender<()>,
    servers: Vec<JoinHandle<()>>,
}

impl LoginServer {
    /// Serves the pages of a login on all of these.
    pub(crate) fn start(app: &Arc<AppState>, listeners: Vec<TcpListener>) -> Self {
        let (router, outcome, fetched) = loopback::router(Arc::clone(app));
        let (running, stopping) = watch::channel(());
        let serve = |listener| tokio::spawn(server::serve(listener, router.clone(), CONNECTIONS, stopping.clone()));
        let servers = listeners.into_iter().map(serve).collect();
        Self { app: Arc::clone(app), outcome, fetched, running, servers }
    }

    /// Stops when the browser has fetched its last page and the page's files.
    pub(crate) async fn finish(self) {
        let Self { app, fetched, running, servers, .. } = self;
        let stopped = async {
            fetched.of_a_page().await;
            drop(running);
            for server in servers {
                // The result of the login does not matter here.
                let _ = server.await;
            }
        };
        // `None` means that the browser had the files in its cache, or that the client is no browser.
        let _ = app.clock.timeout(LINGER, stopped).await;
    }
}
