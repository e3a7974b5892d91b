//! `backup`: copies a SQLite store to a new file, whatever else uses it.

use std::path::{PathBuf, absolute};

use crate::{
    cli::{env_file::EnvFileArg, error::CliError, output, spinner},
    config::{Config, Environment, Loaded},
    store,
    telemetry::{self, Verbosity},
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// The file to make; it must not exist
    file: PathBuf,
    #[command(flatten)]
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { file, env_file }: Options) -> Result<(), CliError> {
    let Loaded { config, .. } = Config::load(&Environment::of_process(), &env_file.resolve())?;
    telemetry::init(&config.telemetry, Verbosity::Command);
    let from = spinner::during("Copying the store", store::back_up(&config.store, &file)).await?;
    output::note(&format_args!(
        "{from} was copied to {}. Keep EXPRESS_SESSION too, but elsewhere: without it, the copy cannot be decrypted.",
        absolute(&file).unwrap_or(file).display()
    ));
    Ok(())
}
