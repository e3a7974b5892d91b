//! Why a command ended without doing its work, in the words it prints and the code it exits with.

use std::{io, process::ExitCode};

use crate::{
    config::{Origin, Problems},
    http,
    store::StoreError,
    telemetry,
};

/// A command's failure.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The configuration is wrong.
    #[error("{}", with_first_steps(.0))]
    Configuration(#[from] Problems),
    /// What this version does not do yet.
    #[error("{0}")]
    NotYet(&'static str),
    /// The store cannot be had.
    #[error("{}", telemetry::chain(.0))]
    Store(#[from] StoreError),
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}; {mend}")]
    Listen {
        /// As configured.
        address: String,
        /// The system's word.
        source: io::Error,
        /// What decides the address.
        mend: &'static str,
    },
    /// No HTTP client can be built.
    #[error("{}", telemetry::chain(.0))]
    Client(#[from] http::BuildError),
    /// The server ended by itself.
    #[error("the server stopped: {0}")]
    Server(io::Error),
    /// `check` found something, and said so.
    #[error("{0} to mend")]
    Found(Count),
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

/// Who has set nothing wrong, and only left things out, may have only just begun.
fn with_first_steps(problems: &Problems) -> String {
    if !problems.problems().iter().all(|problem| *problem.origin() == Origin::Unset) {
        return problems.to_string();
    }
    format!(
        "{problems}\n\nVariables go into the environment, or into .env here: copy .env.example and fill it in.\n\
         To try without any, run `videoask-auth demo`."
    )
}

/// How many problems `check` found.
#[derive(Debug)]
pub(super) struct Count(pub usize);

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => f.write_str("There is one thing"),
            count => write!(f, "There are {count} things"),
        }
    }
}

impl Failure {
    /// 2 for what the operator must write otherwise, 1 for the rest.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) | Self::NotYet(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}
