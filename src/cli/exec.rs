//! `exec`: becomes another program, with an access token in its environment and none of our secrets.

use std::{ffi::OsString, io, os::unix::process::CommandExt, process::Command};

use oauth2::AccessToken;

use crate::{
    cli::{Source, context::Setup, failure::Failure, token_args::Wanted},
    config::VARIABLES,
    store::IfMissing,
    telemetry,
};

/// What another program may well mean by the same name.
const SHARED: [&str; 3] = ["HOST", "PORT", "RUST_LOG"];

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    source: Source,
    /// The program to become, and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// What the process becomes when all else is done.
pub(super) struct Successor {
    command: Vec<OsString>,
    token: AccessToken,
}

/// Why it could not.
#[derive(Debug, thiserror::Error)]
#[error("cannot run {}: {error}", telemetry::excerpt(program))]
pub(super) struct NotRun {
    program: String,
    error: io::Error,
}

/// Gets the token. Every failure of ours is told apart from those of the program by its exit code.
pub(super) async fn run(options: Options) -> Result<Successor, Failure> {
    prepare(options).await.map_err(|failure| Failure::BeforeExec(Box::new(failure)))
}

async fn prepare(Options { wanted, source, command }: Options) -> Result<Successor, Failure> {
    let setup = Setup::load(source, "exec")?;
    let token = setup.run(IfMissing::Refuse, async |kept| Ok(wanted.of(kept, None).await?.access_token().clone()));
    Ok(Successor { command, token: token.await? })
}

impl Successor {
    /// Replaces this process; returns only where that fails.
    pub(super) fn take_over(self) -> NotRun {
        let mut words = self.command.into_iter();
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(words).env("VIDEOASK_ACCESS_TOKEN", self.token.secret());
        for variable in VARIABLES.iter().filter(|variable| !SHARED.contains(&variable.name())) {
            command.env_remove(variable.name()).env_remove(variable.file_name());
        }
        NotRun { error: command.exec(), program: program.to_string_lossy().into_owned() }
    }
}

impl NotRun {
    /// Whether there is no such program, or one that cannot be run.
    pub(super) fn is_missing(&self) -> bool {
        self.error.kind() == io::ErrorKind::NotFound
    }
}
