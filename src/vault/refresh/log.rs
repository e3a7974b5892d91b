//! The log line of each refresh.

use std::time::Duration;

use time::format_description::well_known::Rfc3339;

use crate::vault::record::{
    Record,
    cause::{FailureKind, Retry},
    history::RefreshFailure,
};

/// The log line of one exchange. It is logged once the outcome is saved or superseded, or when the first try to save it
/// fails.
#[derive(Debug)]
pub(super) struct RefreshLine {
    user_id: Option<String>,
    connection: String,
    generation: u64,
    duration_ms: u64,
    outcome: Outcome,
    retry: Retry,
}

#[derive(Debug)]
enum Outcome {
    Refreshed,
    Failed(RefreshFailure, &'static str),
}

impl RefreshLine {
    /// The line for an exchange that took this long. `record` is the record after it, and `failure` says why there are
    /// no usable tokens.
    pub(super) fn of(record: &Record, failure: Option<RefreshFailure>, took: Duration, retry: Retry) -> Self {
        let body = &record.body;
        let outcome = match failure {
            Some(failure) => {
                let cause = failure.cause.explanation(body.history.rotation);
                Outcome::Failed(failure, cause)
            }
            None => Outcome::Refreshed,
        };
        Self {
            user_id: body.identity.logged_id(),
            connection: record.connection_id.to_string(),
            generation: record.generation,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            outcome,
            retry,
        }
    }

    pub(super) fn log(&self) {
        let Self { user_id, connection, generation, duration_ms, outcome, retry } = self;
        match outcome {
            Outcome::Refreshed => {
                tracing::info!(user_id, connection, generation, outcome = "refreshed", duration_ms, "refreshed");
            }
            Outcome::Failed(failure, likely_cause) => {
                let said = failure.message.to_string();
                let next_step = failure.cause.next_step(*retry).to_string();
                let (outcome, message) = match failure.kind() {
                    FailureKind::Transient => {
                        let next_try = failure.retry_at.and_then(|at| at.format(&Rfc3339).ok());
                        tracing::warn!(
                            user_id,
                            connection,
                            generation,
                            outcome = "transient",
                            duration_ms,
                            said,
                            next_try,
                            "a refresh failed"
                        );
                        return;
                    }
                    FailureKind::Blocked => ("blocked", "a refresh was refused"),
                    FailureKind::Dead => ("dead", "a connection is dead"),
                };
                tracing::error!(
                    user_id,
                    connection,
                    generation,
                    outcome,
                    duration_ms,
                    said,
                    likely_cause,
                    next_step,
                    "{message}"
                );
            }
        }
    }

    /// Logs an outcome that was not saved because something newer is stored: a login, a revocation, or the outcome of a
    /// process that took over the attempt.
    pub(super) fn log_superseded(&self) {
        let Self { user_id, connection, generation, duration_ms, outcome, retry: _ } = self;
        match outcome {
            Outcome::Refreshed => tracing::warn!(
                user_id,
                connection,
                generation,
                outcome = "dropped",
                duration_ms,
                "a token set was dropped: something newer is stored"
            ),
            Outcome::Failed(failure, _) => {
                let said = failure.message.to_string();
                tracing::info!(
                    user_id,
                    connection,
                    generation,
                    outcome = "overtaken",
                    duration_ms,
                    said,
                    "a refresh failed, but something newer is stored"
                );
            }
        }
    }
}

/// Logs that a request was sent and no response was received (docs/vault.md, rule 8).
pub(super) fn log_lost_response(record: &Record) {
    tracing::warn!(
        user_id = record.body.identity.logged_id(),
        connection = %record.connection_id,
        generation = record.generation,
        "the response to a refresh was lost: VideoAsk may have spent the refresh token"
    );
}
