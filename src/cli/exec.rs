//! `exec`: becomes another program, with an access token in its environment and none of our secrets.

use std::{ffi::OsString, os::unix::process::CommandExt, process::Command};

use oauth2::AccessToken;

use crate::{
    cli::{error::CliError, token_args::TokenArgs},
    config::{CLIENT_VARIABLES, VARIABLES},
};

/// Variables that other programs may use under the same name, so they are not removed.
const SHARED: [&str; 3] = ["HOST", "PORT", "RUST_LOG"];

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    token_args: TokenArgs,
    /// The program to become, and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// The program that replaces this process, and its token.
pub(super) struct ExecTarget {
    command: Vec<OsString>,
    token: AccessToken,
}

/// Gets the token. Exit codes tell our failures from those of the program.
pub(super) async fn run(options: Options) -> Result<ExecTarget, CliError> {
    prepare(options).await.map_err(|failure| CliError::BeforeExec(Box::new(failure)))
}

async fn prepare(Options { token_args, command }: Options) -> Result<ExecTarget, CliError> {
    let token = token_args.load("exec")?.with_token(None, |token| Ok(token.clone())).await?;
    Ok(ExecTarget { command, token })
}

impl ExecTarget {
    /// Replaces this process. Returns only if that fails.
    pub(super) fn exec(self) -> CliError {
        let mut arguments = self.command.into_iter();
        let program = arguments.next().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(arguments).env("VIDEOASK_ACCESS_TOKEN", self.token.secret());
        for variable in VARIABLES.iter().chain(CLIENT_VARIABLES).filter(|variable| !SHARED.contains(&variable.name())) {
            command.env_remove(variable.name()).env_remove(variable.file_name());
        }
        CliError::CannotRun { error: command.exec(), program: program.to_string_lossy().into_owned() }
    }
}
