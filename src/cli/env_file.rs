//! The option `--env-file`.

use std::{ffi::OsString, path::PathBuf};

use crate::config::EnvFile;

/// Where variables come from that the environment does not set.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EnvFileArg {
    /// Read variables from this file instead of .env
    #[arg(long, value_name = "FILE", global = true)]
    env_file: Option<PathBuf>,
}

impl EnvFileArg {
    pub(super) fn is_given(&self) -> bool {
        self.env_file.is_some()
    }

    pub(super) fn resolve(self) -> EnvFile {
        self.env_file.map_or_else(EnvFile::of_working_directory, EnvFile::Named)
    }
}

/// Whether the option is given twice. clap finds that only on one side of the command; with one on each side, it would
/// ignore the first.
pub(super) fn is_given_twice(arguments: &[OsString]) -> bool {
    let options = arguments.iter().take_while(|argument| *argument != "--").map(|argument| argument.to_string_lossy());
    options.filter(|option| option == "--env-file" || option.starts_with("--env-file=")).count() > 1
}
