//! `demo`: the app and a fake VideoAsk, only on this machine, in memory or in a folder.

mod folder;

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::{ValueEnum, ValueHint};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;
use tokio::{net::TcpListener, sync::watch};
use url::Url;

use crate::{
    app::App,
    cli::{error::CliError, output, serve, signals},
    clock::Clock,
    config::{Config, Environment, Listen, Mode, TelemetryConfig, duration},
    store::{self, IfMissing},
    telemetry::{self, Verbosity},
};
use standin::{Rotation, StandIn};

/// The users of `--keep`. The third user of the stand-in is not allowed to log in.
const KEPT: &str = "ada@example.com,grace@example.com";

const DEFAULT_PORT: u16 = 3000;
const ANOTHER_PORT: &str = "choose another port with --port; 0 takes a free one";
const ALREADY_RUNNING: &str = "the demo of this folder needs this port: is it running already?";

const CLIENT_ID: &str = "demo-client-id";
const CLIENT_SECRET: &str = "demo-client-secret";

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Port of the app, 3000 by default; the pretend VideoAsk takes a free one
    #[arg(long, value_parser = port)]
    port: Option<u16>,
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
    /// Keep .env, store and pretend VideoAsk here, for other commands and the next demo
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
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
    let Prepared { config, listener, beside } = prepare(&options).await?;
    let clock = Clock::system();
    let standin = pretend(&options, &config, clock.clone())?;
    let opened = store::open(&config.store, IfMissing::Create).await?;
    output::data(&welcome(&config, options.dir.as_deref()));
    let app = App::build(config, opened.store, clock)?;

    let (running, stopped) = watch::channel(());
    let standin = tokio::spawn(standin.serve(beside, closed(stopped)));
    let served = app.serve(listener, stop).await;
    drop(running);
    // The result of the stand-in does not matter.
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

/// Parses a port, because clap's own message does not say what a port is.
fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "write a number from 0 to 65535; 0 takes a free port")
}

struct Prepared {
    config: Config,
    listener: TcpListener,
    beside: TcpListener,
}

async fn prepare(options: &Options) -> Result<Prepared, CliError> {
    if let Some(dir) = &options.dir
        && let Some(config) = folder::load(dir)?
    {
        return go_on(options, dir, config).await;
    }
    let listener = bind(options.port.unwrap_or(DEFAULT_PORT), ANOTHER_PORT).await?;
    let beside = bind(0, ANOTHER_PORT).await?;
    let pairs = pairs(options, &listener, &beside)?;
    let config = match &options.dir {
        Some(dir) => folder::create(dir, &pairs)?,
        None => Config::from_pairs(pairs.iter().map(|(name, value)| (*name, &**value)))?.config,
    };
    Ok(Prepared { config, listener, beside })
}

/// The demo that was in this folder before, at its own ports: its connections belong to that pretend VideoAsk.
async fn go_on(options: &Options, dir: &Path, config: Config) -> Result<Prepared, CliError> {
    let differs = |option| Err(CliError::DemoDiffers { folder: dir.into(), option });
    if options.port.is_some_and(|port| port != config.listen.port) {
        return differs("--port");
    }
    if options.keep && config.mode == Mode::Mint {
        return differs("--keep");
    }
    let listener = bind(config.listen.port, ALREADY_RUNNING).await?;
    let beside = bind(config.provider.auth_url.port().unwrap_or_default(), ALREADY_RUNNING).await?;
    Ok(Prepared { config, listener, beside })
}

async fn bind(port: u16, fix: &'static str) -> Result<TcpListener, CliError> {
    serve::bind(&Listen { host: Ipv4Addr::LOCALHOST.to_string(), port }, fix).await
}

/// The demo's configuration, with the same checks as every other one.
fn pairs(
    options: &Options,
    listener: &TcpListener,
    beside: &TcpListener,
) -> Result<[(&'static str, String); 11], CliError> {
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port()).map_err(CliError::Runtime);
    let app_port = port(listener)?;
    // Another loopback name, so that the two do not see each other's cookies.
    let provider = format!("http://127.0.0.1:{}", port(beside)?);
    let (users, key) = if options.keep { (KEPT, random_secret()?) } else { ("", String::new()) };
    let store = if options.dir.is_some() { folder::STORE } else { "memory:" };
    Ok([
        ("CLIENT_ID", CLIENT_ID.to_owned()),
        ("CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("APP_URL", format!("http://localhost:{app_port}")),
        ("PORT", app_port.to_string()),
        ("EXPRESS_SESSION", random_secret()?),
        ("STORE_URL", store.to_owned()),
        ("ALLOWED_USERS", users.to_owned()),
        ("API_KEY", key),
        ("VIDEOASK_AUTH_URL", provider.clone()),
        ("VIDEOASK_API_URL", provider),
        ("AUDIENCE", "https://api.videoask.com/".to_owned()),
    ])
}

fn pretend(options: &Options, config: &Config, clock: Clock) -> Result<StandIn, CliError> {
    let mut tenant = standin::Options::new(config.provider.callback.as_str(), Arc::new(move || clock.now()));
    tenant.access_ttl = options.access_ttl;
    tenant.rotation = match options.rotate {
        Rotate::On => Rotation::On { leeway: options.leeway },
        Rotate::Off => Rotation::Off,
    };
    let url = config.provider.auth_url.clone();
    match &options.dir {
        None => Ok(StandIn::new(tenant, url)),
        Some(dir) => {
            let file = dir.join(folder::REFRESH_TOKENS);
            StandIn::resuming(tenant, url, file.clone()).map_err(|source| CliError::demo_folder(dir, file, source))
        }
    }
}

/// A random secret: sessions and API keys of one demo should not work in the next.
fn random_secret() -> Result<String, CliError> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| CliError::NoRandomness)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

async fn closed(mut stopped: watch::Receiver<()>) {
    // Nothing is ever sent. An error means that the sender was dropped, which is the signal.
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
fn welcome(config: &Config, dir: Option<&Path>) -> String {
    let key = config.api_keys.first().map(ExposeSecret::expose_secret);
    let (app, provider) = (config.app_url.as_url(), &config.provider.auth_url);
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
    let end = match dir {
        None => "Ctrl-C ends both; everything is in memory and gone then.".to_owned(),
        Some(dir) => format!(
            "Other commands, such as `videoask-auth status`, work in the folder {dir}.
Ctrl-C ends both; `videoask-auth demo --dir {dir}` goes on with what is there.",
            dir = dir.display()
        ),
    };
    format!(
        "The demo is ready. No account is needed, and nothing leaves this machine.

  1. Open {app}
  2. Click \"Login on VideoAsk\"
  3. {outcome}

For a program from the token page, README.md or docs/programs.md, in the shell that starts it:

{variables}
The pretend VideoAsk, login and API, is at {provider}
{end}
"
    )
}
