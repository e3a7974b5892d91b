//! The command line: one command per file. Results go to stdout, notes to stderr.

mod api;
mod backup;
mod check;
mod context;
mod demo;
mod env_file;
mod error;
mod exec;
mod forget;
mod healthcheck;
mod import;
mod input;
mod key;
mod login;
mod output;
mod refresh_token;
mod response;
mod serve;
mod server;
mod signals;
mod source;
mod spinner;
mod status;
mod token;
mod token_args;

use std::{ffi::OsString, io, num::NonZero, process::ExitCode, thread, time::Duration};

use clap::{
    CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    cli::{
        env_file::EnvFileArg,
        error::{CliError, Exit},
        exec::ExecTarget,
    },
    telemetry,
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
    env_file: EnvFileArg,
    #[command(subcommand)]
    command: Option<Command>,
}

impl Arguments {
    fn parse_process() -> Result<Self, clap::Error> {
        let arguments: Vec<_> = std::env::args_os().collect();
        let parsed = Self::try_parse_from(&arguments).map_err(name_replacement)?;
        if env_file::is_given_twice(&arguments) {
            let message = "the argument '--env-file <FILE>' cannot be used multiple times";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(parsed)
    }
}

/// Scripts may still run a command of earlier versions.
fn name_replacement(error: clap::Error) -> clap::Error {
    const FORMS: &str = "there is no command 'forms'; `videoask-auth api /forms --paginate` lists the forms";
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) if name == "forms" => {
            Arguments::command().error(ErrorKind::InvalidSubcommand, FORMS)
        }
        _ => error,
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the app (also with no command)
    #[command(after_help = "Example:\n  videoask-auth serve")]
    Serve(EnvFileArg),
    /// Try the app with a fake VideoAsk; needs no account and no .env
    #[command(
        after_help = "Examples:\n  videoask-auth demo\n  videoask-auth demo --keep --access-ttl 1m\n  videoask-auth demo --keep --dir demo"
    )]
    Demo(demo::Options),
    /// Log in to VideoAsk without a running server
    #[command(after_help = "Examples:\n  videoask-auth login >> .env\n  videoask-auth login --paste --format json")]
    Login(login::Options),
    /// Print a valid access token, refreshed if necessary
    #[command(after_help = "Example:\n  videoask-auth token --user ada@example.com --min-ttl 10m")]
    Token(token::Options),
    /// Send a request to VideoAsk's API with a valid access token
    #[command(
        after_help = "Examples:\n  videoask-auth api /me\n  videoask-auth api /forms --paginate\n  videoask-auth api /forms/FORM_ID -X PATCH --input changes.json"
    )]
    Api(api::Options),
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
    /// Add, list and remove API keys
    #[command(
        after_help = "Examples:\n  videoask-auth key add reports --user ada@example.com --method GET --path /forms\n  videoask-auth key list"
    )]
    Key(key::Options),
    /// Copy a SQLite store to a new file, also while the server runs
    #[command(after_help = "Example:\n  videoask-auth backup videoask-auth-backup.db")]
    Backup(backup::Options),
    /// Find problems of the setup, and how to fix them
    #[command(after_help = "Examples:\n  videoask-auth check\n  videoask-auth check --offline")]
    Check(check::Options),
    /// Check that the server on this machine is alive
    #[command(after_help = "Example:\n  videoask-auth healthcheck")]
    Healthcheck(EnvFileArg),
}

/// What is left to do when the command has done its work.
enum Ending {
    Done,
    Exec(ExecTarget),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::parse_process() {
        Ok(arguments) => arguments,
        Err(help_or_error) => return explain(&help_or_error),
    };
    let is_exec = matches!(arguments.command, Some(Command::Exec(_)));
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) if is_exec => return report(&CliError::BeforeExec(Box::new(CliError::Runtime(error)))),
        Err(error) => return report(&CliError::Runtime(error)),
    };
    let result = runtime.block_on(run(arguments));
    // Ends the tasks that are left and with them the store, which folds its files into one.
    runtime.shutdown_timeout(LAST_MOMENT);
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Exec(target)) => report(&target.exec()),
        Err(error) => report(&error),
    }
}

/// With a worker for every two processors; the store's thread and the kernel use the others. With one for each, they
/// mostly wake each other: on two processors, that costs a tenth more CPU time for each login and saves no time.
fn runtime() -> io::Result<Runtime> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads(processors.div_ceil(2)).enable_all().build()
}

async fn run(Arguments { env_file, command }: Arguments) -> Result<Ending, CliError> {
    match command.unwrap_or(Command::Serve(env_file)) {
        Command::Serve(env_file) => serve::run(env_file.resolve()).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Login(options) => Box::pin(login::run(options)).await,
        Command::Token(options) => token::run(options).await,
        Command::Api(options) => api::run(options).await,
        Command::Exec(options) => return exec::run(options).await.map(Ending::Exec),
        Command::Status(options) => status::run(options).await,
        Command::Import(options) => import::run(options).await,
        Command::Forget(options) => forget::run(options).await,
        Command::Key(options) => key::run(options).await,
        Command::Backup(options) => backup::run(options).await,
        Command::Check(options) => check::run(options).await,
        Command::Healthcheck(env_file) => healthcheck::run(env_file.resolve()).await,
    }
    .map(|()| Ending::Done)
}

/// Prints the help that was asked for, or the usage error. The caller of `exec` tells its failures from those of the
/// program by the exit code, wrong usage included.
fn explain(help_or_error: &clap::Error) -> ExitCode {
    // If the output is closed, nobody reads this.
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

/// Prints why a command failed: for a person, or a line of JSON for each problem.
fn report(error: &CliError) -> ExitCode {
    let lines: Option<Vec<String>> = error.messages().iter().map(|message| telemetry::fatal_error(message)).collect();
    match lines {
        Some(lines) => lines.iter().for_each(|line| output::note(line)),
        None => output::note(error),
    }
    error.exit().into()
}
