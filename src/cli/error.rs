//! Why a command failed: what it prints, and its exit code.

mod call;
mod connection;
mod import;
mod key;
mod server;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use crate::{
    app::ServeError,
    cli::{input::InputError, output::OutputError, refresh_token::NotARefreshToken},
    config::{ConfigError, EnvLookup, ProblemCount, ValueSource},
    http,
    login::LoginError,
    provider::ExchangeError,
    store::{BackupError, StoreError, StoreRisk},
    telemetry::{self, ProblemType},
    vault::{FailureKind, VaultError},
    videoask::{ApiError, GatewayError},
    web::explain_login,
};

pub(crate) use self::{
    call::{CallError, StatusError},
    connection::{ConnectionError, ConnectionProblem},
    import::{ImportError, Progress},
    key::KeyError,
    server::{Problem, ServerError},
};

#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("{}", with_first_steps(.0))]
    Configuration(#[from] ConfigError),
    #[error(
        "`{command}` works in keep mode only, and ALLOWED_USERS is not set (in {env_file}).\n  \
         Fix: Set ALLOWED_USERS to the users whose tokens this app should keep, then log in or run `videoask-auth import`."
    )]
    MintMode { command: &'static str, env_file: EnvLookup },
    #[error("`demo` reads no .env file.\n  Fix: Leave out --env-file.")]
    DemoReadsNoFile,
    #[error("{} was not written by `demo --dir`, and a demo changes nobody's setup.\n  Fix: Name another folder.", .0.display())]
    NotADemo(PathBuf),
    #[error(
        "the demo in {} was started with another {option} before.\n  Fix: Leave out {option}, or name another folder.",
        folder.display()
    )]
    DemoDiffers { folder: PathBuf, option: &'static str },
    #[error(
        "{} cannot be the folder of a demo: {}: {source}.\n  Fix: Name a folder that you may write to, or one that does not \
         exist yet.",
        folder.display(),
        file.display()
    )]
    DemoFolder { folder: PathBuf, file: PathBuf, source: io::Error },
    #[error(
        "`{0}` cannot work with STORE_URL=memory:, which is the memory of one `serve` alone; use sqlite:// or redis://"
    )]
    OwnMemory(&'static str),
    #[error("{}", telemetry::chain(.0))]
    Store(#[from] StoreError),
    #[error("{}", telemetry::chain(.0))]
    Backup(#[from] BackupError),
    #[error("{}", telemetry::chain(.0))]
    StoreUnavailable(#[source] StoreError),
    #[error("this store cannot keep connections: {0}")]
    Evicts(StoreRisk),
    #[error(transparent)]
    Connection(#[from] Box<ConnectionError>),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error("{}", explain_login(.0))]
    Login(Arc<LoginError>),
    /// Another program has the port to which the browser would come back.
    #[error(
        "cannot listen at {app_url} (APP_URL): {source}.\n  Fix: If this app is running there, log in at {app_url} instead. \
         Or run `videoask-auth login --paste`, which needs no port."
    )]
    LoginListen { app_url: String, source: io::Error },
    #[error("The login was cancelled. No code was exchanged, so there are no new tokens.")]
    LoginCancelled,
    /// Stdin ended before it had the address of the callback.
    #[error(
        "stdin ended before the address at which the browser ended.\n  Fix: Run `login --paste` in a terminal, and paste \
         the address there."
    )]
    NothingPasted,
    #[error("an internal error, which is a bug of this program; the line above has its cause")]
    LoginPanicked,
    #[error(
        "`login --format` prints tokens, and with ALLOWED_USERS set this app keeps them.\n  Fix: Leave out --format; \
         `videoask-auth token` prints an access token."
    )]
    FormatInKeepMode,
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A server elsewhere did not do what it was asked.
    #[error(transparent)]
    RemoteServer(#[from] ServerError),
    #[error("{0}")]
    ServerConfiguration(ConfigError),
    #[error("with --server, no .env file is read.\n  Fix: Leave out --env-file or --server.")]
    ServerReadsNoFile,
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    NotARefreshToken(#[from] NotARefreshToken),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("stopped by a signal; what was sent to VideoAsk before is saved")]
    Stopped,
    #[error(transparent)]
    BeforeExec(Box<CliError>),
    #[error("cannot run {}: {error}", telemetry::excerpt(program))]
    CannotRun { program: String, error: io::Error },
    #[error("cannot listen on {address}: {source}; {fix}")]
    Listen { address: String, source: io::Error, fix: &'static str },
    #[error("{}", telemetry::chain(.0))]
    Client(#[from] http::BuildError),
    #[error("{}", telemetry::chain(.0))]
    Server(#[from] ServeError),
    #[error("{0} found")]
    Found(ProblemCount),
    #[error("a connection needs a person now")]
    NeedsPerson,
    #[error("a connection soon needs a person")]
    NeedsPersonSoon,
    #[error("{0}")]
    Unhealthy(String),
    #[error("the system gives no random bytes, and without them nothing can be kept secret")]
    NoRandomness,
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
    /// Wrong arguments, input or configuration.
    Usage = 2,
    LogInAgain = 3,
    TryLater = 4,
    BeforeExec = 125,
    CannotRun = 126,
    NoSuchProgram = 127,
}

impl From<StatusError> for CliError {
    fn from(error: StatusError) -> Self {
        Self::Call(CallError::Status(error))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl CliError {
    /// What is wrong, one message for each problem.
    pub(super) fn messages(&self) -> Vec<String> {
        match self {
            Self::Configuration(problems) | Self::ServerConfiguration(problems) => {
                problems.problems().iter().map(ToString::to_string).collect()
            }
            error => vec![error.to_string()],
        }
    }

    pub(super) fn demo_folder(folder: &Path, file: PathBuf, source: io::Error) -> Self {
        Self::DemoFolder { folder: folder.into(), file, source }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Configuration(_)
            | Self::MintMode { .. }
            | Self::DemoReadsNoFile
            | Self::ServerConfiguration(_)
            | Self::ServerReadsNoFile
            | Self::NotADemo(_)
            | Self::DemoDiffers { .. }
            | Self::OwnMemory(_)
            | Self::NotARefreshToken(_)
            | Self::FormatInKeepMode
            | Self::NothingPasted
            | Self::Key(KeyError::ExpiryTooFar)
            | Self::Input(InputError::Empty(_) | InputError::NotAToken(_)) => Exit::Usage,
            Self::NeedsPerson => Exit::LogInAgain,
            Self::NeedsPersonSoon | Self::StoreUnavailable(_) => Exit::TryLater,
            Self::Backup(error) => exit_of_backup(error),
            Self::Connection(error) => exit_of_connection(error),
            Self::Import(error) => exit_of_import(error),
            Self::Login(error) => exit_of_login(error),
            Self::Call(error) => exit_of_call(error),
            Self::RemoteServer(error) => exit_of_server(error),
            Self::BeforeExec(_) => Exit::BeforeExec,
            Self::CannotRun { error, .. } if error.kind() == io::ErrorKind::NotFound => Exit::NoSuchProgram,
            Self::CannotRun { .. } => Exit::CannotRun,
            Self::Store(_)
            | Self::Key(KeyError::NameTaken(_) | KeyError::Unknown(_))
            | Self::Evicts(_)
            | Self::LoginCancelled
            | Self::LoginListen { .. }
            | Self::LoginPanicked
            | Self::Input(InputError::Io(_))
            | Self::Output(_)
            | Self::Stopped
            | Self::DemoFolder { .. }
            | Self::Listen { .. }
            | Self::Client(_)
            | Self::Server(_)
            | Self::Found(_)
            | Self::Unhealthy(_)
            | Self::NoRandomness
            | Self::Runtime(_) => Exit::Failed,
        }
    }
}

fn exit_of_backup(error: &BackupError) -> Exit {
    match error {
        BackupError::Exists(_) | BackupError::NoFolder(_) | BackupError::Memory | BackupError::Redis => Exit::Usage,
        BackupError::UnderWay(_) | BackupError::Store(StoreError::Unavailable { .. }) => Exit::TryLater,
        BackupError::Store(_) | BackupError::NotWritten { .. } => Exit::Failed,
    }
}

fn exit_of_connection(error: &ConnectionError) -> Exit {
    match error.problem() {
        // As over HTTP, where such a user is `not-allowed`: the app would not accept a login.
        ConnectionProblem::Vault(VaultError::NotConnected | VaultError::Undecryptable(_)) if !error.is_listed() => {
            Exit::Usage
        }
        ConnectionProblem::Vault(error) => exit_of_problem(error.r#type()),
        ConnectionProblem::Changed => Exit::TryLater,
    }
}

fn exit_of_call(error: &CallError) -> Exit {
    match error {
        CallError::Input { .. } | CallError::Path(_) => Exit::Usage,
        CallError::Gateway(GatewayError::BodyIncomplete)
        | CallError::Status(_)
        | CallError::TooLarge
        | CallError::Pages(_) => Exit::Failed,
        CallError::Gateway(_) | CallError::Broken(_) => Exit::TryLater,
    }
}

fn exit_of_server(error: &ServerError) -> Exit {
    match error {
        ServerError::Unreachable { .. } => Exit::TryLater,
        ServerError::Foreign { status, .. } if status.is_server_error() => Exit::TryLater,
        ServerError::Foreign { .. } | ServerError::UserName => Exit::Usage,
        ServerError::Problem(problem) => exit_of_problem(problem.r#type()),
    }
}

/// The same whether this process or a server says so.
fn exit_of_problem(problem: ProblemType) -> Exit {
    match problem {
        ProblemType::NotConnected | ProblemType::ReconnectRequired => Exit::LogInAgain,
        ProblemType::Unauthorized
        | ProblemType::InsufficientScope
        | ProblemType::InvalidRequest
        | ProblemType::NotAllowed
        | ProblemType::AmbiguousUser
        | ProblemType::Undecryptable
        | ProblemType::NotFound => Exit::Usage,
        ProblemType::ProviderUnavailable | ProblemType::StoreUnavailable | ProblemType::UpstreamUnavailable => {
            Exit::TryLater
        }
        ProblemType::ProviderRefused
        | ProblemType::OtherClient
        | ProblemType::MethodNotAllowed
        | ProblemType::TooLarge
        | ProblemType::Internal => Exit::Failed,
    }
}

fn exit_of_import(error: &ImportError) -> Exit {
    match error {
        ImportError::NeedsReplace { .. }
        | ImportError::AnotherUser { .. }
        | ImportError::NotListed { .. }
        | ImportError::EmailInUse { .. } => Exit::Usage,
        ImportError::Forgotten { .. } => Exit::LogInAgain,
        ImportError::Refused { failure, .. } if failure.kind() == FailureKind::Dead => Exit::LogInAgain,
        // What VideoAsk sent is saved, so the next try may read it.
        ImportError::OwnerUnknown(ApiError::MalformedResponse) => Exit::TryLater,
        ImportError::OwnerUnknown(error) if is_passing(error) => Exit::TryLater,
        ImportError::Refused { .. } | ImportError::OwnerUnknown(_) => Exit::Failed,
    }
}

fn exit_of_login(error: &LoginError) -> Exit {
    match error {
        LoginError::NotListed(_) | LoginError::EmailInUse(_) => Exit::Usage,
        LoginError::Vault(error) => exit_of_problem(error.r#type()),
        LoginError::Unidentified(error) if is_passing(error) => Exit::TryLater,
        LoginError::Exchange(
            ExchangeError::NotSent { .. } | ExchangeError::NoResponse { .. } | ExchangeError::Unavailable { .. },
        ) => Exit::TryLater,
        LoginError::Expired
        | LoginError::StateMismatch
        | LoginError::Replayed
        | LoginError::WrongIssuer { .. }
        | LoginError::Denied { .. }
        | LoginError::Refused { .. }
        | LoginError::NoCode
        | LoginError::Exchange(ExchangeError::Refused { .. } | ExchangeError::MalformedResponse { .. })
        | LoginError::IdToken(_)
        | LoginError::Unidentified(_) => Exit::Failed,
    }
}

/// Whether the same call may work later.
fn is_passing(error: &ApiError) -> bool {
    match error {
        ApiError::Status { status, .. } => matches!(status, 429 | 500..),
        ApiError::Unreachable(_) | ApiError::TimedOut(_) | ApiError::Cut(_) => true,
        ApiError::Unauthorized { .. } | ApiError::MalformedResponse => false,
    }
}
