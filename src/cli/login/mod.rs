//! `login`: a login without a running server. In mint mode it prints the tokens, in keep mode it saves them.

mod in_browser;
mod pasted;

use std::{pin::pin, sync::Arc};

use clap::ValueEnum;
use tokio::net::TcpListener;

use crate::{
    app::{self, LoginServer, SAVING},
    cli::{context, env_file::EnvFileArg, error::CliError, login::in_browser::Browser, output, signals, spinner},
    clock::Clock,
    config::{Config, Environment, Loaded, Mode, StoreUrl},
    login::Finished,
    store::{self, IfMissing},
    telemetry::{self, Verbosity, excerpt},
    vault::{Callers, Connected, Identity, RecordBody},
    web::{AppState, Export},
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Log in with a browser elsewhere: print the address to open, and read the one where the browser ends
    #[arg(long)]
    paste: bool,
    /// Print the address to open, and open no browser
    #[arg(long)]
    no_browser: bool,
    /// How to print the tokens; by default as lines for .env
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    env_file: EnvFileArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Lines for .env
    Env,
    /// A JSON object
    Json,
}

enum CallbackMethod {
    /// To this machine, where this command listens.
    Loopback(Vec<TcpListener>, Browser),
    /// To an address that the person copies.
    Pasted,
}

pub(super) async fn run(Options { paste, no_browser, format, env_file }: Options) -> Result<(), CliError> {
    let Loaded { config, .. } = Config::load(&Environment::of_process(), &env_file.resolve())?;
    telemetry::init(&config.telemetry, Verbosity::Command);
    match (&config.mode, &config.store) {
        (Mode::Keep(_), _) if format.is_some() => return Err(CliError::FormatInKeepMode),
        (Mode::Keep(_), StoreUrl::Memory) => return Err(CliError::OwnMemory("login")),
        (Mode::Keep(_) | Mode::Mint, _) => {}
    }
    let mut stop = pin!(signals::stop());
    let method = if paste { CallbackMethod::Pasted } else { callback_method(&config, no_browser).await? };
    let app = tokio::select! {
        app = spinner::during("Opening the store", open(&config)) => Arc::new(app?),
        () = &mut stop => return Err(CliError::LoginCancelled),
    };
    let grace = config.provider.exchange_timeout + SAVING;
    drop(config);

    let mut login = pin!(log_in(&app, method));
    let (finished, server) = tokio::select! {
        biased;
        done = &mut login => done?,
        () = &mut stop => {
            if !app.is_exchanging() {
                return Err(CliError::LoginCancelled);
            }
            // The code was sent and is spent, and its tokens are on their way.
            app.clock.timeout(grace, &mut login).await.unwrap_or(Err(CliError::Stopped))?
        }
    };
    match finished {
        Finished::Minted(body) => print(&app, &body, format.unwrap_or(Format::Env))?,
        Finished::Kept { identity, connected } => tell_kept(&identity, connected),
    }
    if let Some(server) = server {
        server.finish().await;
    }
    Ok(())
}

/// Where to listen, if the callback leads to this machine.
async fn callback_method(config: &Config, no_browser: bool) -> Result<CallbackMethod, CliError> {
    let browser = if no_browser { Browser::Leave } else { Browser::Open };
    let listeners = in_browser::listen(&config.app_url).await?;
    Ok(if listeners.is_empty() { CallbackMethod::Pasted } else { CallbackMethod::Loopback(listeners, browser) })
}

/// What the login works with. Mint mode saves nothing, so it needs no store.
async fn open(config: &Config) -> Result<AppState, CliError> {
    let store = match &config.mode {
        Mode::Mint => store::open(&StoreUrl::Memory, IfMissing::Create).await?.store,
        Mode::Keep(_) => context::open_store(config, IfMissing::Create).await?,
    };
    Ok(app::state(config, store, Clock::system(), Callers::Command)?)
}

async fn log_in(app: &Arc<AppState>, method: CallbackMethod) -> Result<(Finished, Option<LoginServer>), CliError> {
    match method {
        CallbackMethod::Loopback(listeners, browser) => {
            let (finished, server) = in_browser::log_in(app, listeners, browser).await?;
            Ok((finished, Some(server)))
        }
        CallbackMethod::Pasted => Ok((pasted::log_in(app).await?, None)),
    }
}

fn print(app: &AppState, body: &RecordBody, format: Format) -> Result<(), CliError> {
    let export = Export::new(&body.tokens, &body.identity, app.clock.now());
    match format {
        Format::Env => output::print_lines(&export.env())?,
        Format::Json => output::print_result(&export.json())?,
    }
    output::note(&format_args!("Logged in as {}.", named(&body.identity)));
    output::note(&match body.tokens.refresh_token {
        Some(_) => {
            "Treat the tokens like passwords. If VideoAsk rotates refresh tokens, only one program may use this one."
        }
        None => {
            "VideoAsk issued no refresh token, so log in again when the access token has expired. With offline_access in \
             SCOPES, a login brings one."
        }
    });
    Ok(())
}

fn tell_kept(identity: &Identity, connected: Connected) {
    let user = named(identity);
    output::note(&match connected {
        Connected::Yes(_) => format!("Logged in: {user} is connected."),
        Connected::KeptOld => format!(
            "Logged in as {user}. The login brought no refresh token, so the connection from before, which has one, was \
             kept."
        ),
    });
}

/// What to call the user. It came from outside, and a terminal would obey what is not escaped.
fn named(identity: &Identity) -> String {
    match (identity.label(), &identity.user_id) {
        (Some(label), Some(id)) if label != id => format!("{} (user_id {})", excerpt(label), excerpt(id)),
        (Some(label), _) => excerpt(label),
        (None, _) => "a user whom VideoAsk did not name".to_owned(),
    }
}
