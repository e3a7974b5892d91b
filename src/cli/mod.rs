//! The command line: one command a file. Data goes to stdout, talk to stderr.

mod check;
mod context;
mod demo;
mod exec;
mod failure;
mod forget;
mod forms;
mod healthcheck;
mod import;
mod input;
mod output;
mod refresh_token;
mod refusal;
mod serve;
mod signals;
mod spinner;
mod status;
mod token;
mod token_args;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::{
    cli::{
        exec::Successor,
        failure::{Exit, Failure},
    },
    config::EnvFile,
};

/// How long a thread that asks a name server, which cannot be cancelled, may delay the end of the process.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// Mint a VideoAsk token pair in the browser, keep it fresh, use it from anywhere
#[derive(Debug, Parser)]
#[command(name = "videoask-auth", version, about)]
#[command(after_help = "\
Without a command, it serves. Variables are read from the environment, then from
.env in the working directory; .env.example names them all.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 log in again,
4 try again later; of exec: 125 no token, 126 cannot run, 127 no such program.")]
struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where variables come from that the environment does not set.
#[derive(Clone, Debug, Args)]
struct Source {
    /// Read variables from this file instead of .env
    #[arg(long, value_name = "FILE", global = true)]
    env_file: Option<PathBuf>,
}

impl Source {
    fn env_file(self) -> EnvFile {
        self.env_file.map_or_else(EnvFile::of_working_directory, EnvFile::Named)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the app (also with no command)
    #[command(after_help = "Example:\n  videoask-auth serve")]
    Serve(Source),
    /// Try the app with a fake VideoAsk; needs no account and no .env
    #[command(after_help = "Examples:\n  videoask-auth demo\n  videoask-auth demo --keep --access-ttl 1m")]
    Demo(demo::Options),
    /// Print a valid access token, refreshed if necessary
    #[command(after_help = "Example:\n  videoask-auth token --user ada@example.com --min-ttl 10m")]
    Token(token::Options),
    /// List the forms of an account, to see that its token works
    #[command(after_help = "Example:\n  videoask-auth forms --json")]
    Forms(forms::Options),
    /// Run a program with a valid access token in VIDEOASK_ACCESS_TOKEN
    #[command(after_help = "Example:\n  videoask-auth exec --user ada@example.com -- python3 report.py")]
    Exec(exec::Options),
    /// Show each connection: state, times, what is wrong and what to do
    #[command(after_help = "Examples:\n  videoask-auth status\n  videoask-auth status --json")]
    Status(status::Options),
    /// Make a connection from a refresh token, read from stdin
    #[command(after_help = "Example:\n  printf %s \"$REFRESH_TOKEN\" | videoask-auth import --user ada@example.com")]
    Import(import::Options),
    /// Remove a user's tokens from this app
    #[command(after_help = "Example:\n  videoask-auth forget --user ada@example.com --revoke")]
    Forget(forget::Options),
    /// Find problems of the setup, and how to fix them
    #[command(after_help = "Examples:\n  videoask-auth check\n  videoask-auth check --offline")]
    Check(check::Options),
    /// Check that the server on this machine is alive
    #[command(after_help = "Example:\n  videoask-auth healthcheck")]
    Healthcheck(Source),
}

/// What is left to do when the command has done its work.
enum Ending {
    Done,
    Become(Successor),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(help_or_error) => return explain(&help_or_error),
    };
    let is_exec = matches!(arguments.command, Some(Command::Exec(_)));
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) if is_exec => return report(&Failure::BeforeExec(Box::new(Failure::Runtime(error)))),
        Err(error) => return report(&Failure::Runtime(error)),
    };
    let result = runtime.block_on(run(arguments));
    // Ends the tasks that are left and with them the store, which folds its files into one.
    runtime.shutdown_timeout(LAST_MOMENT);
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Become(successor)) => report(&successor.take_over().into()),
        Err(failure) => report(&failure),
    }
}

async fn run(Arguments { source, command }: Arguments) -> Result<Ending, Failure> {
    match command.unwrap_or(Command::Serve(source)) {
        Command::Serve(source) => serve::run(source.env_file()).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Token(options) => token::run(options).await,
        Command::Forms(options) => forms::run(options).await,
        Command::Exec(options) => return exec::run(options).await.map(Ending::Become),
        Command::Status(options) => status::run(options).await,
        Command::Import(options) => import::run(options).await,
        Command::Forget(options) => forget::run(options).await,
        Command::Check(options) => check::run(options).await,
        Command::Healthcheck(source) => healthcheck::run(source.env_file()).await,
    }
    .map(|()| Ending::Done)
}

/// Prints the help that was asked for, or the usage error. The caller of `exec` tells its failures from those of the
/// program by the exit code, wrong usage included.
fn explain(help_or_error: &clap::Error) -> ExitCode {
    // Without a reader there is nobody to tell.
    let _ = help_or_error.print();
    match help_or_error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if names_exec(std::env::args_os()) => Exit::BeforeExec.into(),
        _ => Exit::Usage.into(),
    }
}

/// Whether the command, the first argument that is neither an option nor the value of one, is `exec`.
fn names_exec(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let mut arguments = arguments.into_iter().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--env-file" {
            arguments.next();
        } else if !argument.to_string_lossy().starts_with('-') {
            return argument == "exec";
        }
    }
    false
}

/// Says what failed, once, on stderr.
fn report(failure: &Failure) -> ExitCode {
    output::fail(failure);
    failure.exit().into()
}
