//! What each `VaultError` means and what to do about it. Pages, the machine API and commands take their sentences from
//! here, and add only what is theirs: a button, a field, an option. Names of variables stand without marks.

use std::borrow::Cow;

use crate::vault::{
    error::{Reconnect, Undecryptable, VaultError},
    record::{
        cause::{NextStep, Retry},
        rotation::Rotation,
    },
};

pub(crate) struct Explanation {
    pub(crate) meaning: Cow<'static, str>,
    /// What is known about this very case: the likely cause, or a count.
    pub(crate) cause: Option<Cow<'static, str>>,
    pub(crate) next_step: Option<NextStep>,
    /// What the operator of this app can do.
    pub(crate) operator: Option<&'static str>,
}

impl Explanation {
    fn new(meaning: impl Into<Cow<'static, str>>) -> Self {
        Self { meaning: meaning.into(), cause: None, next_step: None, operator: None }
    }

    fn next_step(self, next_step: NextStep) -> Self {
        Self { next_step: Some(next_step), ..self }
    }

    fn operator(self, operator: &'static str) -> Self {
        Self { operator: Some(operator), ..self }
    }

    fn cause(self, cause: impl Into<Cow<'static, str>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// All in one line: the cause, or else the meaning, and what to do. `log_in` is how the reader is told to log in.
    pub(crate) fn detail(&self, log_in: &'static str) -> String {
        let found = self.cause.as_ref().unwrap_or(&self.meaning);
        let next_step = self.next_step.map(|step| match step {
            NextStep::LogInAgain => log_in,
            step => step.sentence(),
        });
        [Some(&**found), next_step, self.operator].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl VaultError {
    /// What happened, as a title.
    pub(crate) const fn title(&self) -> &'static str {
        match self {
            Self::NotConnected => "The user is not connected",
            Self::NotAllowed => "The user is not in ALLOWED_USERS",
            Self::AmbiguousUser => "The name fits more than one connection",
            Self::MinLifeTooLong { .. } => "The minimum life is too long",
            Self::ReconnectRequired(Reconnect::Dead(_) | Reconnect::Ended) => "The connection was lost",
            Self::ReconnectRequired(Reconnect::NoRefreshToken) => "There is no refresh token",
            Self::ProviderUnavailable { .. } => "The refresh failed for now",
            Self::ProviderRefused { .. } => "VideoAsk refused the refresh",
            Self::RevokeUnconfirmed => "VideoAsk did not confirm the revocation",
            Self::StoreUnavailable => "Storage is unavailable",
            Self::OtherClient => "These tokens belong to another app",
            Self::Undecryptable(_) => "The stored tokens cannot be decrypted",
            Self::Expired => "The access token has expired",
            Self::Busy => "A refresh is already under way",
            Self::Stopping => "This app is restarting",
            Self::Internal => "Something went wrong in this app",
        }
    }

    /// What it means and what to do, which depends on who retries a refresh.
    pub(crate) fn explain(&self, retry: Retry) -> Explanation {
        match self {
            Self::NotConnected => {
                Explanation::new("There are no tokens of this user: never logged in, revoked, or forgotten.")
                    .next_step(NextStep::LogInAgain)
            }
            Self::NotAllowed => Explanation::new("Only the tokens of listed users are used.")
                .operator("Put the user into ALLOWED_USERS, or run videoask-auth forget."),
            Self::AmbiguousUser => Explanation::new(
                "Name the user by VideoAsk's user_id, which /api/connections and videoask-auth status show.",
            ),
            Self::MinLifeTooLong { longest } => Explanation::new(format!(
                "`min_ttl` can be {} s at most, half of the token's life, or each call would refresh.",
                longest.as_secs()
            )),
            Self::ReconnectRequired(reason) => reason.explain(),
            Self::ProviderUnavailable { .. } => Explanation::new(
                "VideoAsk did not return new tokens. The current tokens stay as they are.",
            )
            .next_step(match retry {
                Retry::Automatic => NextStep::Wait,
                Retry::Manual => NextStep::RefreshAgain,
                Retry::Import => NextStep::ImportAgain,
            }),
            Self::ProviderRefused { failure } => {
                let cause = failure.cause.explanation(Rotation::Unknown);
                Explanation::new(format!("{cause} The connection is kept.")).next_step(failure.cause.next_step(retry))
            }
            Self::RevokeUnconfirmed => Explanation::new(
                "The connection is marked as revoked, and this app no longer uses it. VideoAsk's side is not certain.",
            )
            .next_step(NextStep::TryAgain),
            Self::StoreUnavailable => {
                Explanation::new("This app cannot read or write its sessions and tokens right now.")
                    .next_step(NextStep::TryAgain)
            }
            Self::OtherClient => Explanation::new(
                "They were issued to another CLIENT_ID, or by another VIDEOASK_AUTH_URL, so this app cannot refresh \
                 them.",
            )
            .next_step(NextStep::LogInAgain)
            .operator("To use the old ones, set the old values again and restart."),
            Self::Undecryptable(count) => {
                Explanation::new("They were encrypted with another EXPRESS_SESSION, or were changed in the store.")
                    .cause(format!("{count}."))
                    .next_step(NextStep::LogInAgain)
                    .operator(Undecryptable::FIX)
            }
            Self::Expired => Explanation::new("In this mode, the app refreshes only when you ask it to.")
                .next_step(NextStep::RefreshAgain),
            Self::Busy => {
                Explanation::new("Another process of this app is working on these tokens, and did not finish in time.")
                    .next_step(NextStep::TryAgain)
            }
            Self::Stopping => {
                Explanation::new("It is stopping, so it starts no new work on these tokens. They are kept.")
                    .next_step(NextStep::TryAgain)
            }
            Self::Internal => Explanation::new("It is this app's fault, not yours or VideoAsk's."),
        }
    }
}

impl Undecryptable {
    /// What the operator can do about it.
    pub(crate) const FIX: &str =
        "If you changed EXPRESS_SESSION, put the old value into EXPRESS_SESSION_PREVIOUS and restart.";
}

impl Reconnect {
    fn explain(&self) -> Explanation {
        let refused = Explanation::new("VideoAsk no longer accepts the refresh token.");
        let explanation = match self {
            Self::Dead(failure) => refused.cause(failure.cause.explanation(Rotation::Unknown)),
            Self::Ended => refused,
            Self::NoRefreshToken => Explanation::new(
                "The access token has expired or expires too soon, and this app cannot get the next one.",
            )
            .operator("With offline_access in SCOPES, a login brings a refresh token."),
        };
        explanation.next_step(NextStep::LogInAgain)
    }
}
