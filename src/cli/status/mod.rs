//! `status`: the connections, their state, and what to do about it.

use serde::Serialize;

use crate::{
    api_key::KeyCount,
    cli::{
        context::{Context, Setup},
        env_file::EnvFileArg,
        error::CliError,
        output, spinner,
    },
    clock::Clock,
    store::IfMissing,
    vault::{Attention, Inventory, Part, VaultError},
};

mod text;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// For machines
    #[arg(long)]
    json: bool,
    /// How many entries to show at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Go on after this cursor, which the part before has shown
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Exit with 3 if a connection needs a person now, and with 4 if one soon will
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { json, limit, after, exit_code, env_file }: Options) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "status")?;
    let part = Part { after, limit: limit.try_into().unwrap_or(usize::MAX) };
    let scope = if exit_code { Scope::All } else { Scope::Shown };
    let (report, attention) =
        setup.run(IfMissing::Refuse, async |context| read_report(context, part, scope).await).await?;
    output::print_result(&if json { to_json(&report) } else { text(&report) })?;
    match attention {
        Attention::Now if exit_code => Err(CliError::NeedsPerson),
        Attention::Soon if exit_code => Err(CliError::NeedsPersonSoon),
        Attention::Now | Attention::Soon | Attention::None => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Shown,
    All,
}

/// What `/api/connections` shows, and the API keys, of which it says nothing.
#[derive(Serialize)]
struct StatusReport {
    #[serde(flatten)]
    inventory: Inventory,
    api_keys: KeyCount,
}

/// The part that is shown, and whether any connection of the scope needs a person.
async fn read_report(context: &Context, part: Part, scope: Scope) -> Result<(StatusReport, Attention), CliError> {
    let looked = async {
        let vault = &context.app.vault;
        let inventory = vault.inventory(&context.login, part).await?;
        let counted = context.app.api_keys.stored_keys().count().await;
        let attention = match scope {
            Scope::Shown => inventory.attention(),
            Scope::All => vault.attention(&context.login).await?,
        };
        let report = StatusReport { inventory, api_keys: counted.map_err(|_| VaultError::StoreUnavailable)? };
        Ok((report, attention))
    };
    spinner::during("Looking through the store", looked).await.map_err(|error: VaultError| context.error("", error))
}

fn text(StatusReport { inventory, api_keys }: &StatusReport) -> String {
    let connections = text::of(inventory, Clock::system().now());
    if api_keys.total == 0 { connections } else { format!("{connections}\n\nAPI keys: {api_keys}") }
}

fn to_json(report: &StatusReport) -> String {
    serde_json::to_string_pretty(report).expect("an inventory has only string keys, so JSON can write it")
}
