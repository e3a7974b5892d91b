//! The command line: one command a file. Data goes to stdout, talk to stderr.

mod check;
mod demo;
mod failure;
mod healthcheck;
mod output;
mod serve;
mod signals;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::config::EnvFile;

use self::failure::Failure;

/// How long a thread that asks a name server, which cannot be cancelled, may delay the end of the process.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// Mint a VideoAsk token pair in the browser.
#[derive(Debug, Parser)]
#[command(name = "videoask-auth", version, about, args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Without a command, it serves. Variables are read from the environment, then from
.env in the working directory; .env.example names them all.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.")]
struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where variables come from that the environment does not set.
#[derive(Clone, Debug, Args)]
struct Source {
    /// Read variables from this file in place of .env in the working directory
    #[arg(long, value_name = "FILE")]
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
    Serve(Source),
    /// Try the whole thing here, with a pretend VideoAsk beside it; needs no account and no .env
    Demo(demo::Options),
    /// Find what is wrong with the set-up: variables, store, clock, issuer, client id, callback and secret
    Check(check::Options),
    /// Ask a server on this machine whether it is alive, as a container's health check does
    Healthcheck(Source),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(Failure::Runtime(error))),
    };
    let result = runtime.block_on(run(arguments));
    // Ends the tasks that are left and with them the store, which folds its files into one.
    runtime.shutdown_timeout(LAST_MOMENT);
    report(result)
}

async fn run(Arguments { source, command }: Arguments) -> Result<(), Failure> {
    match command.unwrap_or(Command::Serve(source)) {
        Command::Serve(source) => serve::run(source.env_file()).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Check(options) => check::run(options).await,
        Command::Healthcheck(source) => healthcheck::run(source.env_file()).await,
    }
}

/// Says what failed, once, on stderr.
fn report(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::talk(&failure);
            failure.exit_code()
        }
    }
}
