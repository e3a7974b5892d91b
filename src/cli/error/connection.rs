//! Why a command cannot do what it is asked with a connection, the cause, and the next step.

use std::fmt;

use url::Url;

use crate::{
    telemetry::{ProblemType, excerpt},
    vault::{NextStep, RefreshFailure, Retry, Rotation, VaultError},
};

#[derive(Debug)]
pub(crate) enum ConnectionProblem {
    Vault(VaultError),
    /// The connection changed while the command was ending it.
    Changed,
}

/// The problem, with the user and the login URL for its message.
#[derive(Debug)]
pub(crate) struct ConnectionError {
    user: String,
    is_listed: bool,
    login: Url,
    problem: ConnectionProblem,
    /// Who retries what failed.
    retry: Retry,
}

impl ConnectionError {
    /// Every command is of keep mode, so the vault retries.
    pub(crate) fn new(problem: ConnectionProblem, user: &str, is_listed: bool, login: &Url) -> Self {
        Self { user: excerpt(user), is_listed, login: login.clone(), problem, retry: Retry::Automatic }
    }

    /// Of a refresh token whose import is pending.
    pub(crate) fn of_import(self) -> Self {
        Self { retry: Retry::Import, ..self }
    }

    pub(super) fn problem(&self) -> &ConnectionProblem {
        &self.problem
    }

    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }
}

impl From<VaultError> for ConnectionProblem {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl std::error::Error for ConnectionError {}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, login, is_listed, problem, retry } = self;
        match problem {
            ConnectionProblem::Changed => {
                write!(f, "{user} logged in at {login} at this moment; nothing was removed, try again")
            }
            ConnectionProblem::Vault(VaultError::NotConnected | VaultError::Undecryptable(_)) if !is_listed => write!(
                f,
                "{user} is neither connected nor in ALLOWED_USERS; is the name right?\n  If it is, add it to \
                 ALLOWED_USERS, and log in: {login}"
            ),
            ConnectionProblem::Vault(VaultError::Stopping) => f.write_str("the command is stopping; run it again"),
            ConnectionProblem::Vault(error) => {
                f.write_str(&title(error, user))?;
                write!(f, "{}", Advice::of(error, *retry, login))?;
                f.write_str(hint(error))
            }
        }
    }
}

fn title(error: &VaultError, user: &str) -> String {
    match error {
        VaultError::Busy | VaultError::RevokeUnconfirmed => error.title().to_owned(),
        error => of_user(error.r#type(), user).unwrap_or_else(|| error.title().to_owned()),
    }
}

fn hint(error: &VaultError) -> &'static str {
    match error {
        VaultError::NotConnected => "\n  Or bring a refresh token: videoask-auth import",
        VaultError::ProviderUnavailable { .. } => "\n  `videoask-auth status` shows what VideoAsk said.",
        VaultError::RevokeUnconfirmed => {
            "\n  Run the same command again, or leave out --revoke to forget the connection here only."
        }
        VaultError::StoreUnavailable => "\n  `videoask-auth check` tests STORE_URL.",
        VaultError::Internal => "\n  The line above has the cause.",
        _ => "",
    }
}

/// What is wrong with the connection of a user, whether this process or a server elsewhere says so.
pub(super) fn of_user(problem: ProblemType, user: &str) -> Option<String> {
    Some(match problem {
        ProblemType::NotConnected => format!("{user} is not connected"),
        ProblemType::NotAllowed => format!("{user} is not in ALLOWED_USERS"),
        ProblemType::AmbiguousUser => format!("{user} fits more than one connection"),
        ProblemType::ReconnectRequired => format!("{user} must log in again"),
        ProblemType::ProviderUnavailable => format!("VideoAsk gives no token for {user} at the moment"),
        ProblemType::ProviderRefused => format!("VideoAsk refuses to refresh the token of {user}"),
        ProblemType::OtherClient | ProblemType::Undecryptable => format!("no token for {user}"),
        _ => return None,
    })
}

/// The lines below a message: the cause with the next step, what VideoAsk said, and where to log in.
pub(super) struct Advice<'a> {
    pub(super) detail: String,
    pub(super) said: Option<String>,
    pub(super) login: Option<&'a Url>,
}

impl<'a> Advice<'a> {
    pub(super) fn of(error: &VaultError, retry: Retry, login: &'a Url) -> Self {
        let explanation = error.explain(retry);
        let login = Some(login).filter(|_| explanation.next_step == Some(NextStep::LogInAgain));
        let said = error.failure().map(|failure| failure.message.to_string());
        Self { detail: of_command(&explanation.detail(NextStep::LogInAgain.sentence())), said, login }
    }

    pub(super) fn of_failure(failure: &RefreshFailure, login: &'a Url) -> Self {
        let next_step = failure.cause.next_step(Retry::Automatic);
        let detail = format!("{} {next_step}", failure.cause.explanation(Rotation::Unknown));
        let login = Some(login).filter(|_| next_step == NextStep::LogInAgain);
        Self { detail, said: Some(failure.message.to_string()), login }
    }
}

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n  {}", self.detail)?;
        self.said.iter().try_for_each(|said| write!(f, "\n  VideoAsk said: {said}"))?;
        self.login.iter().try_for_each(|login| write!(f, "\n  Log in: {login}"))
    }
}

/// A detail of the machine API, for a command, whose option is what the parameter is there.
pub(super) fn of_command(detail: &str) -> String {
    detail.replace("`min_ttl`", "--min-ttl")
}
