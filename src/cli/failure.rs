//! Why a command ended without doing its work, in the words it prints and the code it exits with.

use std::{io, process::ExitCode};

use crate::{
    app::ServeError,
    cli::{
        exec::NotRun, forms::NotListed, import::NotImported, input::InputError, refresh_token::NotARefreshToken,
        refusal::Refused,
    },
    config::{ConfigError, EnvLookup, ProblemCount, ValueSource},
    http,
    store::{StoreError, StoreRisk},
    telemetry,
};

/// A command's failure.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The configuration is wrong.
    #[error("{}", with_first_steps(.0))]
    Configuration(#[from] ConfigError),
    /// A command on kept connections, and nothing is kept.
    #[error(
        "`{command}` works in keep mode only, and ALLOWED_USERS is not set (in {env_file}).\n  \
         Fix: Set ALLOWED_USERS to the users whose tokens this app should keep, then log in or run `videoask-auth import`."
    )]
    MintMode { command: &'static str, env_file: EnvLookup },
    /// The demo has a configuration of its own.
    #[error("`demo` reads no .env file.\n  Fix: Leave out --env-file.")]
    DemoReadsNoFile,
    /// A command on another process's memory.
    #[error(
        "`{0}` cannot work with STORE_URL=memory:, which is the memory of one `serve` alone; use sqlite:// or redis://"
    )]
    OwnMemory(&'static str),
    /// The store cannot be had.
    #[error("{}", telemetry::chain(.0))]
    Store(#[from] StoreError),
    /// The store cannot be had at the moment.
    #[error("{}", telemetry::chain(.0))]
    StoreUnavailable(#[source] StoreError),
    /// The store would delete connections.
    #[error("this store cannot keep connections: {0}")]
    Evicts(StoreRisk),
    /// The vault has nothing for this command.
    #[error(transparent)]
    Refused(#[from] Box<Refused>),
    /// An import has not become a connection.
    #[error(transparent)]
    NotImported(#[from] NotImported),
    /// The API did not list the forms.
    #[error(transparent)]
    NotListed(#[from] NotListed),
    /// What cannot be a refresh token.
    #[error(transparent)]
    NotARefreshToken(#[from] NotARefreshToken),
    /// What was to come on stdin.
    #[error(transparent)]
    Input(#[from] InputError),
    /// What was asked for could not be written.
    #[error("stdout cannot be written: {0}")]
    Output(io::Error),
    /// A signal came.
    #[error("stopped by a signal; what was sent to VideoAsk before is saved")]
    Stopped,
    /// `exec` did not come to run the program.
    #[error(transparent)]
    BeforeExec(Box<Failure>),
    /// `exec` could not run the program.
    #[error(transparent)]
    NotRun(#[from] NotRun),
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}; {fix}")]
    Listen {
        /// As configured.
        address: String,
        /// The system's word.
        source: io::Error,
        /// What decides the address.
        fix: &'static str,
    },
    /// No HTTP client can be built.
    #[error("{}", telemetry::chain(.0))]
    Client(#[from] http::BuildError),
    /// The server ended by itself.
    #[error("{}", telemetry::chain(.0))]
    Server(#[from] ServeError),
    /// `check` found something, and said so.
    #[error("{0} found")]
    Found(ProblemCount),
    /// `healthcheck` got no good answer.
    #[error("{0}")]
    Unhealthy(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes, and without them nothing can be kept secret")]
    NoRandomness,
    /// The system gives no threads.
    #[error("the program cannot start: {0}")]
    Runtime(io::Error),
}

/// If variables are only missing and none is wrong, this is probably a first start.
fn with_first_steps(problems: &ConfigError) -> String {
    if !problems.problems().iter().all(|problem| *problem.source() == ValueSource::Unset) {
        return problems.to_string();
    }
    format!(
        "{problems}\n\nVariables go into the environment, or into .env here: copy .env.example and fill it in.\n\
         To try without any, run `videoask-auth demo`."
    )
}

/// The exit codes; those of `exec` are the ones of env(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Failed = 1,
    /// For what the operator must write otherwise.
    Usage = 2,
    /// Only a person at VideoAsk's login page helps.
    LogInAgain = 3,
    TryLater = 4,
    BeforeExec = 125,
    CannotRun = 126,
    NoSuchProgram = 127,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Failure {
    /// What there is to say, each problem by itself.
    pub(super) fn messages(&self) -> Vec<String> {
        match self {
            Self::Configuration(problems) => problems.problems().iter().map(ToString::to_string).collect(),
            failure => vec![failure.to_string()],
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Configuration(_)
            | Self::MintMode { .. }
            | Self::DemoReadsNoFile
            | Self::OwnMemory(_)
            | Self::NotARefreshToken(_)
            | Self::Input(InputError::Empty(_) | InputError::NotAToken(_)) => Exit::Usage,
            Self::StoreUnavailable(_) => Exit::TryLater,
            Self::Refused(refused) => refused.exit(),
            Self::NotImported(not_imported) => not_imported.exit(),
            Self::NotListed(not_listed) => not_listed.exit(),
            Self::BeforeExec(_) => Exit::BeforeExec,
            Self::NotRun(not_run) if not_run.is_missing() => Exit::NoSuchProgram,
            Self::NotRun(_) => Exit::CannotRun,
            _ => Exit::Failed,
        }
    }
}
