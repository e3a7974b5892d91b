//! `serve`: the app, by the operator's configuration.

use tokio::net::TcpListener;

use crate::{
    app::App,
    clock::Clock,
    config::{Config, EnvFile, Environment, Listen, Mode},
    store::{self, Missing},
    telemetry,
};

use super::{failure::Failure, signals};

pub(super) async fn run(env_file: EnvFile) -> Result<(), Failure> {
    let loaded = Config::load(&Environment::of_process(), &env_file)?;
    let config = loaded.config;
    telemetry::init(&config.telemetry);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    if let Mode::Keep(_) = config.mode {
        return Err(Failure::NotYet(
            "ALLOWED_USERS is set, but this version does not keep tokens yet: it would do half of what you ask. Unset \
             ALLOWED_USERS to mint tokens.",
        ));
    }
    let mut stop = Box::pin(signals::stop());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
    let opened = tokio::select! {
        opened = store::open(&config.store, Missing::Create) => opened?,
        // A Redis that does not answer holds the start up for seconds; nothing is under way yet.
        () = &mut stop => return Ok(()),
    };
    let listener = bind(&config.listen, "see HOST and PORT").await?;
    let app = App::build(&config, opened.store, Clock::system())?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, app_url = %config.app_url.as_url(), "ready");
    }
    app.serve(listener, stop).await.map_err(Failure::Server)
}

/// Takes the port.
pub(super) async fn bind(listen: &Listen, mend: &'static str) -> Result<TcpListener, Failure> {
    let taken = TcpListener::bind((listen.host.as_str(), listen.port)).await;
    taken.map_err(|source| Failure::Listen { address: format!("{}:{}", listen.host, listen.port), source, mend })
}
