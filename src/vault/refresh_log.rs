//! The log of refreshes: one line for each, so that a failure is never an INFO line that looks like a success.

use std::time::Duration;

use time::format_description::well_known::Rfc3339;

use super::{
    Identity, Record, Trouble,
    cause::{Retry, TroubleKind},
};
use crate::telemetry::excerpt;

/// What became of one exchange, to be logged once it is known whether it counts.
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
    Failed(Trouble, &'static str),
}

impl Identity {
    /// The user, for the log: VideoAsk's `user_id`, else the id_token's `sub`.
    pub(super) fn logged_id(&self) -> Option<String> {
        self.user_id.as_deref().or(self.sub.as_deref()).map(excerpt)
    }
}

impl RefreshLine {
    /// The line for what `record` became in that time.
    pub(super) fn of(record: &Record, failure: Option<Trouble>, took: Duration, retry: Retry) -> Self {
        let contents = &record.contents;
        let outcome = match failure {
            Some(trouble) => {
                let cause = trouble.cause.explanation(contents.history.rotation);
                Outcome::Failed(trouble, cause)
            }
            None => Outcome::Refreshed,
        };
        Self {
            user_id: contents.identity.logged_id(),
            connection: record.connection_id.to_string(),
            generation: record.generation,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            outcome,
            retry,
        }
    }

    /// The outcome counts.
    pub(super) fn log(&self) {
        let Self { user_id, connection, generation, duration_ms, outcome, retry } = self;
        match outcome {
            Outcome::Refreshed => {
                tracing::info!(user_id, connection, generation, outcome = "refreshed", duration_ms, "refreshed");
            }
            Outcome::Failed(trouble, likely_cause) => {
                let said = trouble.words.to_string();
                let next_step = trouble.cause.next_step(*retry).to_string();
                match trouble.kind() {
                    TroubleKind::Transient => {
                        let next_try = trouble.retry_at.and_then(|at| at.format(&Rfc3339).ok());
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
                    }
                    TroubleKind::Blocked => tracing::error!(
                        user_id,
                        connection,
                        generation,
                        outcome = "blocked",
                        duration_ms,
                        said,
                        likely_cause,
                        next_step,
                        "a refresh was refused"
                    ),
                    TroubleKind::Dead => tracing::error!(
                        user_id,
                        connection,
                        generation,
                        outcome = "dead",
                        duration_ms,
                        said,
                        likely_cause,
                        next_step,
                        "a connection is dead"
                    ),
                }
            }
        }
    }

    /// Something newer is stored: a login, a revoke, or the outcome of a process that took the attempt over.
    pub(super) fn log_overtaken(&self) {
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
            Outcome::Failed(trouble, _) => {
                let said = trouble.words.to_string();
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

/// A request was sent, and no response was received (docs/vault.md, rule 8).
pub(super) fn log_lost_response(record: &Record) {
    tracing::warn!(
        user_id = record.contents.identity.logged_id(),
        connection = %record.connection_id,
        generation = record.generation,
        "the response to a refresh was lost: VideoAsk may have spent the refresh token"
    );
}
