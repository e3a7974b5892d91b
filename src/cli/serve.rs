//! `serve`: the app, by the operator's configuration.

use sd_notify::NotifyState;
use tokio::net::TcpListener;

use crate::{
    app::App,
    cli::{context, error::CliError, signals},
    clock::Clock,
    config::{Config, EnvFile, Environment, Listen, TelemetryConfig},
    store::{self, IfMissing},
    telemetry::{self, Verbosity},
};

pub(super) async fn run(env_file: EnvFile) -> Result<(), CliError> {
    let environment = Environment::of_process();
    let loaded = Config::load(&environment, &env_file)
        .inspect_err(|_| telemetry::set_format(TelemetryConfig::format_alone(&environment, &env_file)))?;
    let config = loaded.config;
    telemetry::init(&config.telemetry, Verbosity::Server);
    for warning in &loaded.warnings {
        tracing::warn!("{}", telemetry::one_line(warning));
    }
    let mut stop = Box::pin(signals::stop());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), variables = %loaded.env_file, "starting");
    let opened = tokio::select! {
        opened = store::open(&config.store, IfMissing::Create) => opened?,
        // A Redis that does not respond delays the start by seconds, and nothing is in flight yet.
        () = &mut stop => {
            tracing::info!("stopped");
            return Ok(());
        }
    };
    let at = opened.at.clone();
    let store = context::vet(&config, opened)?;
    let listener = bind(&config.listen, "see HOST and PORT").await?;
    let (app_url, mode) = (config.app_url.clone(), config.mode.name());
    let app = App::build(config, store, Clock::system())?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(
            %address,
            app_url = %app_url.as_url(),
            mode = mode,
            store = %at,
            version = env!("CARGO_PKG_VERSION"),
            "ready"
        );
    }
    notify(NotifyState::Ready);
    let stop = async {
        stop.await;
        notify(NotifyState::Stopping);
    };
    Ok(app.serve(listener, stop).await?)
}

/// Notifies systemd, if it started this process (`Type=notify`). The port is bound, so connections are accepted from now
/// on.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(error = &error as &dyn std::error::Error, "systemd could not be notified");
    }
}

pub(super) async fn bind(listen: &Listen, fix: &'static str) -> Result<TcpListener, CliError> {
    let taken = TcpListener::bind((listen.host.as_str(), listen.port)).await;
    taken.map_err(|source| CliError::Listen { address: format!("{}:{}", listen.host, listen.port), source, fix })
}
