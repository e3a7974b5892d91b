//! The command line: one command a file. Data goes to stdout, talk to stderr.

mod check;
mod demo;
mod failure;
mod healthcheck;
mod serve;
mod signals;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::config::EnvFile;

use self::failure::Failure;

/// Mint a VideoAsk token pair in the browser.
#[derive(Debug, Parser)]
#[command(name = "videoask-auth", version, about, arg_required_else_help = false, max_term_width = 100)]
#[command(after_help = "Without a command, it serves. Variables are read from the environment, then from .env in the \
                        working directory; .env.example names them all.")]
struct Arguments {
    /// Read variables from this file in place of .env in the working directory
    #[arg(long, value_name = "FILE", global = true)]
    env_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the app (also with no command)
    Serve,
    /// Try the whole thing here, with a pretend VideoAsk beside it; needs no account and no .env
    Demo(demo::Options),
    /// Find what is wrong with the set-up: variables, store, clock, issuer, client id, callback and secret
    Check(check::Options),
    /// Ask a server on this machine whether it is alive, as a container's health check does
    Healthcheck,
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Runtime::new() {
        Ok(runtime) => report(runtime.block_on(run(arguments))),
        Err(error) => report(Err(Failure::Runtime(error))),
    }
}

async fn run(Arguments { env_file, command }: Arguments) -> Result<(), Failure> {
    let env_file = env_file.map_or_else(EnvFile::of_working_directory, EnvFile::Named);
    match command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(env_file).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Check(options) => check::run(options, env_file).await,
        Command::Healthcheck => healthcheck::run(env_file).await,
    }
}

/// Says what failed, once, on stderr.
fn report(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}
