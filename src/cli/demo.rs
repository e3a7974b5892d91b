//! `demo`: the app and a pretend VideoAsk, on this machine alone, everything in memory.

use std::{net::Ipv4Addr, path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::ValueEnum;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{net::TcpListener, sync::watch};
use url::Url;

use crate::{
    app::App,
    cli::{error::CliError, output, serve, signals},
    clock::Clock,
    config::{Config, Environment, Listen, Loaded, TelemetryConfig, duration},
    store::{self, IfMissing},
    telemetry::{self, Verbosity},
};
use standin::{Rotation, StandIn};

/// Whose tokens `--keep` keeps; the third user of the stand-in is turned away.
const KEPT: &str = "ada@example.com,grace@example.com";

const CLIENT_ID: &str = "demo-client-id";
const CLIENT_SECRET: &str = "demo-client-secret";

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Port of the app; the pretend VideoAsk takes a free one
    #[arg(long, default_value_t = 3000, value_parser = port)]
    port: u16,
    /// Keep the tokens of ada@example.com and grace@example.com, and refresh them
    #[arg(long)]
    keep: bool,
    /// Life of an access token, such as 90s, 10m or 24h
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = access_ttl)]
    access_ttl: Duration,
    /// Whether each refresh token works only once
    #[arg(long, value_enum, default_value_t = Rotate::Off)]
    rotate: Rotate,
    /// With rotation: for how long a spent refresh token is forgiven
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    leeway: Duration,
    /// Every other command reads one
    #[arg(long, hide = true)]
    env_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rotate {
    On,
    Off,
}

pub(super) async fn run(options: Options) -> Result<(), CliError> {
    if options.env_file.is_some() {
        return Err(CliError::DemoReadsNoFile);
    }
    telemetry::init(&TelemetryConfig::load(&Environment::of_process())?, Verbosity::Server);
    let stop = signals::stop();
    let listener = bind(options.port).await?;
    let beside = bind(0).await?;
    let key = options.keep.then(random_secret).transpose()?;
    let Loaded { config, .. } = configuration(&options, key.as_deref(), &listener, &beside)?;
    let clock = Clock::system();
    let standin = pretend(&options, &config, clock.clone());
    let opened = store::open(&config.store, IfMissing::Create).await?;
    output::data(&welcome(key.as_deref(), config.app_url.as_url(), &config.provider.auth_url));
    let app = App::build(config, opened.store, clock)?;

    let (running, stopped) = watch::channel(());
    let standin = tokio::spawn(standin.serve(beside, closed(stopped)));
    let served = app.serve(listener, stop).await;
    drop(running);
    // The stand-in has nothing to lose; that it ended is all that matters.
    let _ = standin.await;
    Ok(served?)
}

/// A token that expires at once cannot be used, and `expires_in` counts whole seconds.
fn access_ttl(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(life) if life < Duration::from_secs(1) => Err("an access token must last 1s or longer".to_owned()),
        Ok(life) => Ok(life),
        Err(error) => Err(error.to_string()),
    }
}

/// clap's own words for a bad number do not say what a port is.
fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "write a number from 0 to 65535; 0 takes a free port")
}

async fn bind(port: u16) -> Result<TcpListener, CliError> {
    let listen = Listen { host: Ipv4Addr::LOCALHOST.to_string(), port };
    serve::bind(&listen, "choose another port with --port; 0 takes a free one").await
}

/// The demo's configuration, through the same checks as everybody's.
fn configuration(
    options: &Options,
    key: Option<&str>,
    listener: &TcpListener,
    beside: &TcpListener,
) -> Result<Loaded, CliError> {
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port()).map_err(CliError::Runtime);
    let app_url = format!("http://localhost:{}", port(listener)?);
    // Another loopback name, so that the two do not see each other's cookies.
    let provider = format!("http://127.0.0.1:{}", port(beside)?);
    let loaded = Config::from_pairs([
        ("CLIENT_ID", CLIENT_ID),
        ("CLIENT_SECRET", CLIENT_SECRET),
        ("APP_URL", &app_url),
        ("EXPRESS_SESSION", &random_secret()?),
        ("STORE_URL", "memory:"),
        ("ALLOWED_USERS", if options.keep { KEPT } else { "" }),
        ("API_KEY", key.unwrap_or_default()),
        ("VIDEOASK_AUTH_URL", &provider),
        ("VIDEOASK_API_URL", &provider),
        ("AUDIENCE", "https://api.videoask.com/"),
    ])?;
    Ok(loaded)
}

fn pretend(options: &Options, config: &Config, clock: Clock) -> StandIn {
    let mut tenant = standin::Options::new(config.provider.callback.as_str(), Arc::new(move || clock.now()));
    tenant.access_ttl = options.access_ttl;
    tenant.rotation = match options.rotate {
        Rotate::On => Rotation::On { leeway: options.leeway },
        Rotate::Off => Rotation::Off,
    };
    StandIn::new(tenant, config.provider.auth_url.clone())
}

/// Sessions and API keys of one demo mean nothing to the next.
fn random_secret() -> Result<String, CliError> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| CliError::NoRandomness)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

async fn closed(mut stopped: watch::Receiver<()>) {
    // Nothing is ever sent: an error means that the sender is gone, which is the signal.
    let _ = stopped.changed().await;
}

/// What the programs on the token page, in README.md and in docs/programs.md read from their environment, set to this demo.
fn variables(key: Option<&str>, app: &Url, provider: &Url) -> String {
    let (app, provider) = (app.as_str().trim_end_matches('/'), provider.as_str().trim_end_matches('/'));
    let lines = match key {
        Some(key) => vec![("APP_URL", app), ("VIDEOASK_AUTH_API_KEY", key), ("VIDEOASK_API_URL", provider)],
        None => vec![
            ("CLIENT_ID", CLIENT_ID),
            ("CLIENT_SECRET", CLIENT_SECRET),
            ("VIDEOASK_API_URL", provider),
            ("VIDEOASK_AUTH_URL", provider),
        ],
    };
    let lines = lines.into_iter().map(|(name, value)| format!("     export {name}={value}\n"));
    lines.collect::<Vec<_>>().concat()
}

/// The steps. Where tokens are kept, the last one is a program's, and `key` is what it needs: it opens this demo alone.
fn welcome(key: Option<&str>, app: &Url, provider: &Url) -> String {
    let outcome = match key {
        None => "Choose a user and click \"Approve\": you come back with both tokens".to_owned(),
        Some(key) => format!(
            "Choose ada and click \"Approve\": this app keeps the tokens, and refreshes them before they expire.
     Grace may log in too; Eve is not in ALLOWED_USERS. To watch the refreshes: --access-ttl 1m
  4. Call the API from a program, with this demo's API key and no token at all:

     curl --header \"Authorization: Bearer {key}\" {app}proxy/forms"
        ),
    };
    let variables = variables(key, app, provider);
    format!(
        "The demo is ready. No account is needed, and nothing leaves this machine.

  1. Open {app}
  2. Click \"Login on VideoAsk\"
  3. {outcome}

For a program from the token page, README.md or docs/programs.md, in the shell that starts it:

{variables}
The pretend VideoAsk, login and API, is at {provider}
Ctrl-C ends both; everything is in memory and gone then.
"
    )
}
