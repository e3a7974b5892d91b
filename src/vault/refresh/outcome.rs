//! What the provider's response to a refresh means (docs/vault.md, rule 7).

use std::time::Duration;

use crate::{
    provider::{ExchangeError, PartialTokens, TokenResponse},
    telemetry::{certificate_fix, innermost},
    vault::record::{cause::Cause, history::ProviderMessage},
};

/// The outcome of an exchange, classified by what the vault does about it.
#[derive(Debug)]
pub(super) enum RefreshOutcome {
    Tokens(TokenResponse),
    /// Retryable. `retry_after` is the provider's hint, if it gave one.
    Transient {
        cause: Cause,
        retry_after: Option<Duration>,
        message: ProviderMessage,
    },
    /// A new refresh token without a usable access token.
    RefreshTokenOnly {
        tokens: PartialTokens,
        message: ProviderMessage,
    },
    Refused {
        cause: Cause,
        message: ProviderMessage,
    },
    /// The request was sent, and no response was received.
    Unknown(ProviderMessage),
}

impl RefreshOutcome {
    /// Classifies the provider's response.
    pub(super) fn of_response(response: Result<TokenResponse, ExchangeError>) -> Self {
        match response {
            Ok(reply) => Self::Tokens(reply),
            Err(ExchangeError::NoResponse { .. }) => Self::no_response(),
            Err(ExchangeError::NotSent { source }) => {
                Self::transient(Cause::Unreachable, ProviderMessage::of_text(&unreachable(&*source)))
            }
            Err(ExchangeError::MalformedResponse { status, problem, partial }) => {
                let message = ProviderMessage { status: Some(status), code: None, text: problem.to_string() };
                match partial {
                    Some(tokens) => Self::RefreshTokenOnly { tokens: *tokens, message },
                    None => Self::transient(Cause::UnusableResponse, message),
                }
            }
            Err(ExchangeError::Unavailable { status, code, retry_after }) => Self::Transient {
                cause: Cause::Busy,
                retry_after,
                message: ProviderMessage { status: Some(status), code, text: "busy, or broken".to_owned() },
            },
            Err(ExchangeError::Refused { reason, status, code, description }) => {
                let cause = reason.into();
                let message = ProviderMessage { status: Some(status), code: Some(code), text: description };
                Self::Refused { cause, message }
            }
        }
    }

    pub(super) fn no_response() -> Self {
        Self::Unknown(ProviderMessage::of_text("did not respond in time"))
    }

    /// The outcome of sending a token again because the response to the first exchange was lost. `invalid_grant` then
    /// means that the first exchange probably spent the token.
    pub(super) fn after_lost_response(self) -> Self {
        match self {
            Self::Refused { cause: Cause::GrantEnded, message } => {
                Self::Refused { cause: Cause::ResponseLost, message }
            }
            other => other,
        }
    }

    fn transient(cause: Cause, message: ProviderMessage) -> Self {
        Self::Transient { cause, retry_after: None, message }
    }
}

/// Says how to fix an untrusted certificate, which only the operator can do. Other causes are usually temporary.
fn unreachable(error: &(dyn std::error::Error + 'static)) -> String {
    match certificate_fix(error) {
        Some(fix) => format!("could not be reached: {}. {fix}", innermost(error)),
        None => "could not be reached".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ResponseProblem;

    fn refused(code: &str) -> RefreshOutcome {
        let error = ExchangeError::refused(403, code.to_owned(), String::new());
        RefreshOutcome::of_response(Err(error))
    }

    #[test]
    fn a_provider_without_a_usable_response_is_a_transient_failure() {
        for (error, expected) in [
            (ExchangeError::Unavailable { status: 503, code: None, retry_after: None }, Cause::Busy),
            (
                ExchangeError::MalformedResponse { status: 200, problem: ResponseProblem::NotJson, partial: None },
                Cause::UnusableResponse,
            ),
            (ExchangeError::NotSent { source: "refused".into() }, Cause::Unreachable),
        ] {
            let outcome = RefreshOutcome::of_response(Err(error));
            assert!(matches!(outcome, RefreshOutcome::Transient { cause, .. } if cause == expected), "{outcome:?}");
        }
        let lost = RefreshOutcome::of_response(Err(ExchangeError::NoResponse { source: "cut".into() }));
        assert!(matches!(lost, RefreshOutcome::Unknown(_)), "{lost:?}");
    }

    #[test]
    fn invalid_grant_for_a_retry_means_that_the_first_response_was_lost() {
        for (code, expected) in [("invalid_grant", Cause::ResponseLost), ("invalid_client", Cause::ClientRejected)] {
            let outcome = refused(code).after_lost_response();
            assert!(matches!(outcome, RefreshOutcome::Refused { cause, .. } if cause == expected), "{outcome:?}");
        }
    }
}
