//! `exec`: becomes another program, with an access token in its environment and none of our secrets.

use std::{ffi::OsString, os::unix::process::CommandExt, process::Command};

use oauth2::AccessToken;

use crate::{
    cli::{context::Setup, env_file::EnvFileArg, error::CliError, token_args::TokenArgs},
    config::VARIABLES,
    store::IfMissing,
};

/// What another program may well mean by the same name.
const SHARED: [&str; 3] = ["HOST", "PORT", "RUST_LOG"];

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    token_args: TokenArgs,
    #[command(flatten)]
    env_file: EnvFileArg,
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

async fn prepare(Options { token_args, env_file, command }: Options) -> Result<ExecTarget, CliError> {
    let setup = Setup::load(env_file, "exec")?;
    let token =
        setup.run(IfMissing::Refuse, async |context| Ok(token_args.of(context, None).await?.access_token().clone()));
    Ok(ExecTarget { command, token: token.await? })
}

impl ExecTarget {
    /// Replaces this process; returns only where that fails.
    pub(super) fn exec(self) -> CliError {
        let mut arguments = self.command.into_iter();
        let program = arguments.next().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(arguments).env("VIDEOASK_ACCESS_TOKEN", self.token.secret());
        for variable in VARIABLES.iter().filter(|variable| !SHARED.contains(&variable.name())) {
            command.env_remove(variable.name()).env_remove(variable.file_name());
        }
        CliError::CannotRun { error: command.exec(), program: program.to_string_lossy().into_owned() }
    }
}
