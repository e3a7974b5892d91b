//! `status`: the connections, their state, and what to do about it.

use crate::{
    cli::{
        context::{Context, Setup},
        env_file::EnvFileArg,
        error::CliError,
        output, spinner,
    },
    clock::Clock,
    store::IfMissing,
    vault::Inventory,
};

mod text;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// For machines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { json, env_file }: Options) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "status")?;
    let inventory = setup.run(IfMissing::Refuse, look).await?;
    Ok(output::print_result(&if json { machine(&inventory) } else { text::of(&inventory, Clock::system().now()) })?)
}

async fn look(context: &Context) -> Result<Inventory, CliError> {
    let inventory = spinner::during("Looking through the store", context.app.vault.inventory(&context.login)).await;
    inventory.map_err(|error| context.error("", error))
}

fn machine(inventory: &Inventory) -> String {
    serde_json::to_string_pretty(inventory).expect("an inventory has only string keys, so JSON can write it")
}
