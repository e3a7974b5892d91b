//! `key`: adds, lists and removes API keys.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    api_key::{KeyBody, KeyName, ListedKey, Method, NewKey, PathPrefix, Rights, StoredKeys, TokenAccess},
    cli::{
        context::{Context, Setup},
        env_file::EnvFileArg,
        error::{CliError, KeyError},
        output, spinner,
    },
    clock::Clock,
    config::duration,
    store::{IfMissing, StoreError, UpdateOutcome},
    times::{rfc3339, whole_seconds},
    vault::VaultError,
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Make an API key and print it, this once; without options it covers everything
    Add(Add),
    /// List the API keys: name, rights, last use, but never the key
    List(List),
    /// Remove an API key; every server refuses it within 5 s
    Remove(Remove),
}

#[derive(Clone, Debug, clap::Args)]
struct Add {
    /// What the key is called here and in the log: letters, digits, `.`, `_` and `-`
    #[arg(value_parser = KeyName::parse)]
    name: KeyName,
    /// Only tokens of this user (e-mail, user_id or sub); may be repeated
    #[arg(long, value_name = "USER")]
    user: Vec<String>,
    /// Only the proxy, and only with this method; GET covers HEAD; may be repeated
    #[arg(long, value_name = "METHOD", value_parser = Method::parse)]
    method: Vec<Method>,
    /// Only the proxy, and only this path and those below it, such as /forms; may be repeated
    #[arg(long, value_name = "PATH", value_parser = PathPrefix::parse)]
    path: Vec<PathPrefix>,
    /// Only the proxy: no token leaves this app
    #[arg(long)]
    proxy_only: bool,
    /// Refuse the key after this time, such as 90d or 12h
    #[arg(long, value_name = "DURATION", value_parser = key_life)]
    expires: Option<Duration>,
    #[command(flatten)]
    env_file: EnvFileArg,
}

#[derive(Clone, Debug, clap::Args)]
struct List {
    /// For machines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    env_file: EnvFileArg,
}

#[derive(Clone, Debug, clap::Args)]
struct Remove {
    /// The key's name, as `key list` shows it
    name: String,
    #[command(flatten)]
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { command }: Options) -> Result<(), CliError> {
    match command {
        Command::Add(options) => add(options).await,
        Command::List(options) => list(options).await,
        Command::Remove(options) => remove(options).await,
    }
}

/// A key that expires at once opens nothing.
fn key_life(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(life) if life < Duration::from_secs(1) => Err("a key must last 1s or longer".to_owned()),
        Ok(life) => Ok(life),
        Err(error) => Err(error.to_string()),
    }
}

async fn add(Add { name, user, method, path, proxy_only, expires, env_file }: Add) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "key")?;
    let now = Clock::system().now();
    let rights = Rights {
        users: user,
        methods: method,
        paths: path,
        tokens: if proxy_only { TokenAccess::ProxyOnly } else { TokenAccess::HandOut },
        expires_at: expires.map(|after| expiry(now, after)).transpose()?,
    };
    let covers = match rights.expires_at {
        Some(at) => format!("{rights}; until {}", rfc3339(at)),
        None => rights.to_string(),
    };
    let added = setup
        .run(IfMissing::Refuse, async |context| {
            for user in &rights.users {
                check_user(context, user).await?;
            }
            let adding = stored_keys(context).add(&name, rights.clone(), now);
            spinner::during("Adding the key", adding).await.map_err(failure)
        })
        .await?;
    match added {
        NewKey::Added(key) => {
            output::note(&format_args!(
                "The API key {name} covers {covers}. It is shown this once; this app keeps only its hash. Every server on \
                 this store accepts it within 5 s."
            ));
            Ok(output::print_result(key.expose_secret())?)
        }
        NewKey::NameTaken => Err(KeyError::NameTaken(name).into()),
    }
}

/// In whole seconds, as it is shown.
fn expiry(now: OffsetDateTime, after: Duration) -> Result<OffsetDateTime, KeyError> {
    let after = time::Duration::try_from(after).map_err(|_| KeyError::ExpiryTooFar)?;
    let at = now.checked_add(after).ok_or(KeyError::ExpiryTooFar)?;
    Ok(whole_seconds(at))
}

/// Refuses a name that is neither listed nor connected: a key for it would cover nobody.
async fn check_user(context: &Context, user: &str) -> Result<(), CliError> {
    let is_listed = context.allowed.admits(Some(user), Some(user), None).is_some();
    match context.app.vault.find(user).await {
        Ok(_) => Ok(()),
        Err(VaultError::NotConnected | VaultError::Undecryptable(_)) if is_listed => Ok(()),
        Err(error) => Err(context.error(user, error)),
    }
}

async fn list(List { json, env_file }: List) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "key")?;
    let keys = setup
        .run(IfMissing::Refuse, async |context| {
            spinner::during("Reading the keys", stored_keys(context).list()).await.map_err(failure)
        })
        .await?;
    if json {
        let entries: Vec<Entry<'_>> = keys.iter().map(Entry::of).collect();
        let text =
            serde_json::to_string_pretty(&entries).expect("entries have only string keys, so JSON can write them");
        return Ok(output::print_result(&text)?);
    }
    if keys.is_empty() {
        output::note(&"There are no API keys but those in API_KEY. `videoask-auth key add` makes one.");
        return Ok(());
    }
    let now = Clock::system().now();
    let blocks: Vec<String> = keys.iter().map(|key| block(key, now)).collect();
    Ok(output::print_result(&blocks.join("\n\n"))?)
}

async fn remove(Remove { name, env_file }: Remove) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "key")?;
    let removed = setup
        .run(IfMissing::Refuse, async |context| {
            spinner::during("Removing the key", stored_keys(context).remove(&name)).await.map_err(failure)
        })
        .await?;
    match removed {
        UpdateOutcome::Updated => {
            output::note(&format_args!(
                "The API key {name} is removed; every server on this store refuses it within 5 s. Access tokens that were \
                 handed out for it work until they expire."
            ));
            Ok(())
        }
        UpdateOutcome::NoRow => Err(KeyError::Unknown(name).into()),
    }
}

fn stored_keys(context: &Context) -> &StoredKeys {
    context.app.api_keys.stored_keys()
}

fn failure(error: StoreError) -> CliError {
    match error {
        error @ StoreError::Unavailable { .. } => CliError::StoreUnavailable(error),
        error => CliError::Store(error),
    }
}

/// A key for machines. What cannot be decrypted is null.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    users: Option<&'a [String]>,
    methods: Option<&'a [Method]>,
    paths: Option<&'a [PathPrefix]>,
    proxy_only: Option<bool>,
    #[serde(with = "time::serde::rfc3339::option")]
    created_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    error: Option<String>,
}

impl<'a> Entry<'a> {
    fn of(key: &'a ListedKey) -> Self {
        let contents = key.contents.as_ref();
        let rights = contents.ok().map(|KeyBody { rights, .. }| rights);
        Self {
            name: &key.name,
            users: rights.map(|rights| rights.users.as_slice()),
            methods: rights.map(|rights| rights.methods.as_slice()),
            paths: rights.map(|rights| rights.paths.as_slice()),
            proxy_only: rights.map(|rights| rights.token_access() == TokenAccess::ProxyOnly),
            created_at: contents.ok().map(|contents| contents.created_at),
            expires_at: rights.and_then(|rights| rights.expires_at),
            last_used_at: key.last_used,
            error: contents.err().map(ToString::to_string),
        }
    }
}

/// A key for people.
fn block(key: &ListedKey, now: OffsetDateTime) -> String {
    let last_used = key.last_used.map_or_else(|| "never".to_owned(), rfc3339);
    let mut lines = vec![key.name.clone()];
    match &key.contents {
        Ok(KeyBody { rights, created_at }) => {
            lines.push(format!("  Covers     {rights}"));
            lines.push(format!("  Created    {}", rfc3339(*created_at)));
            lines.push(match rights.expires_at {
                None => "  Expires    never".to_owned(),
                Some(at) if rights.has_expired(now) => format!("  Expired    {}: it is refused", rfc3339(at)),
                Some(at) => format!("  Expires    {}", rfc3339(at)),
            });
        }
        Err(error) => {
            lines.push(format!("  Covers     nothing: it is refused, because of its rights: {error}"));
            lines.push(
                "  Next step  Put the old EXPRESS_SESSION into EXPRESS_SESSION_PREVIOUS, or remove the key.".to_owned(),
            );
        }
    }
    lines.push(format!("  Last used  {last_used}"));
    lines.join("\n")
}
