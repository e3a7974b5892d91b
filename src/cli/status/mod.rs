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
    vault::{Attention, Inventory, VaultError},
};

mod text;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// For machines
    #[arg(long)]
    json: bool,
    /// Exit with 3 if a connection needs a person now, and with 4 if one soon will
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { json, exit_code, env_file }: Options) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "status")?;
    let contents = setup.run(IfMissing::Refuse, look).await?;
    output::print_result(&if json { machine(&contents) } else { text(&contents) })?;
    match contents.inventory.attention() {
        Attention::Now if exit_code => Err(CliError::NeedsPerson),
        Attention::Soon if exit_code => Err(CliError::NeedsPersonSoon),
        Attention::Now | Attention::Soon | Attention::None => Ok(()),
    }
}

/// What `/api/connections` shows, and the API keys, of which it says nothing.
#[derive(Serialize)]
struct Contents {
    #[serde(flatten)]
    inventory: Inventory,
    api_keys: KeyCount,
}

async fn look(context: &Context) -> Result<Contents, CliError> {
    let looked = async {
        let inventory = context.app.vault.inventory(&context.login).await?;
        let counted = context.app.api_keys.stored_keys().count().await;
        Ok(Contents { inventory, api_keys: counted.map_err(|_| VaultError::StoreUnavailable)? })
    };
    spinner::during("Looking through the store", looked).await.map_err(|error: VaultError| context.error("", error))
}

fn text(Contents { inventory, api_keys }: &Contents) -> String {
    let connections = text::of(inventory, Clock::system().now());
    if api_keys.total == 0 { connections } else { format!("{connections}\n\nAPI keys: {api_keys}") }
}

fn machine(contents: &Contents) -> String {
    serde_json::to_string_pretty(contents).expect("an inventory has only string keys, so JSON can write it")
}
