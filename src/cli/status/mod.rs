//! `status`: what is kept, how it is, and what to do about it.

use crate::{
    cli::{
        Source,
        context::{Kept, Setup},
        failure::Failure,
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
    source: Source,
}

pub(super) async fn run(Options { json, source }: Options) -> Result<(), Failure> {
    let setup = Setup::load(source, "status")?;
    let inventory = setup.run(IfMissing::Refuse, look).await?;
    output::deliver(&if json { machine(&inventory) } else { text::of(&inventory, Clock::system().now()) })
}

async fn look(kept: &Kept) -> Result<Inventory, Failure> {
    let inventory = spinner::during("Looking through the store", kept.app.vault.inventory(&kept.login)).await;
    inventory.map_err(|error| kept.refuse("", error))
}

fn machine(inventory: &Inventory) -> String {
    serde_json::to_string_pretty(inventory).expect("an inventory has only string keys, so JSON can write it")
}
