//! The text for what the vault could not do.

use std::time::Duration;

use axum::http::StatusCode;

use crate::{
    vault::{NextStep, Reconnect, RefreshFailure, Retry, Rotation, VaultError},
    web::pages::{
        explain::{request, store, view::ErrorView},
        link::Link,
        markup::Markup,
    },
};

/// Why the vault has nothing to show, or did not refresh.
pub(super) fn explain(error: &VaultError) -> ErrorView {
    use StatusCode as S;
    match error {
        VaultError::NotConnected => ErrorView::new(
            S::NOT_FOUND,
            "Nothing is kept here any longer",
            "Your tokens were revoked or removed, or your session ended.",
            "Log in again.",
        ),
        VaultError::NotAllowed => ErrorView::new(
            S::FORBIDDEN,
            "You are no longer on this app's list",
            "The connection is still stored, but it is neither used nor refreshed.",
            "Log in as another user, or ask the person who runs this app to add you again.",
        )
        .operator("Put the user back into `ALLOWED_USERS`, or run `videoask-auth forget`.")
        .link(Link::LogInAsAnotherUser),
        VaultError::ReconnectRequired(reason) => reconnect(reason),
        VaultError::ProviderUnavailable { retry_after } => ErrorView::new(
            S::SERVICE_UNAVAILABLE,
            "The refresh failed for now",
            "VideoAsk did not return new tokens. The tokens you have stay as they are.",
            "Wait a moment, then press \"Refresh now\" again.",
        )
        .retry_after(*retry_after)
        .link(Link::Tokens),
        VaultError::ProviderRefused { failure } => provider_refused(failure),
        VaultError::StoreUnavailable => store::unavailable(),
        VaultError::OtherClient => ErrorView::new(
            S::CONFLICT,
            "These tokens belong to another app",
            "They were issued to another `CLIENT_ID`, or by another `VIDEOASK_AUTH_URL`, so this app cannot refresh \
             them.",
            "Log in again.",
        )
        .operator("To use the old ones, set the old values again and restart."),
        VaultError::Undecryptable(_) => ErrorView::new(
            S::CONFLICT,
            "The stored tokens cannot be decrypted",
            "They were encrypted with another `EXPRESS_SESSION`, or were changed in the store.",
            "Log in again.",
        )
        .operator("If you changed `EXPRESS_SESSION`, put the old value into `EXPRESS_SESSION_PREVIOUS` and restart."),
        VaultError::Stopping => stopping(),
        VaultError::Expired => ErrorView::new(
            S::CONFLICT,
            "The access token has expired",
            "In this mode, the app refreshes only when you ask it to.",
            "Go to your tokens and press \"Refresh now\".",
        )
        .link(Link::Tokens),
        VaultError::Busy => busy(),
        VaultError::RevokeUnconfirmed => not_revoked(error),
        // No page names a user or a minimum life.
        VaultError::Internal | VaultError::AmbiguousUser | VaultError::MinLifeTooLong { .. } => request::internal(),
    }
}

pub(super) fn not_revoked(error: &VaultError) -> ErrorView {
    match error {
        VaultError::RevokeUnconfirmed => ErrorView::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk did not confirm the revocation",
            "The connection is marked as revoked, and this app no longer uses it. VideoAsk's side is not certain.",
            "Go to your tokens, and try again there.",
        )
        .link(Link::Tokens),
        VaultError::OtherClient => ErrorView::new(
            StatusCode::CONFLICT,
            "These tokens belong to another app",
            "They were issued to another `CLIENT_ID`, or by another `VIDEOASK_AUTH_URL`, so this app cannot revoke \
             them.",
            "Revoke them in VideoAsk.",
        )
        .operator("To revoke them here, set the old values again, restart and try once more.")
        .link(Link::Tokens),
        VaultError::Busy => ErrorView { title: "A refresh is under way: nothing was revoked", ..busy() },
        VaultError::Undecryptable(_) => ErrorView::new(
            StatusCode::CONFLICT,
            "The stored tokens cannot be decrypted",
            "They were encrypted with another `EXPRESS_SESSION`, so this app cannot revoke them.",
            "Revoke them in VideoAsk.",
        )
        .operator("If you changed `EXPRESS_SESSION`, put the old value into `EXPRESS_SESSION_PREVIOUS` and restart.")
        .link(Link::Home),
        error => explain(error),
    }
}

fn provider_refused(failure: &RefreshFailure) -> ErrorView {
    // The next steps of a refusal do not depend on who retries.
    let next_step = failure.cause.next_step(Retry::Manual);
    let view = ErrorView::new(
        StatusCode::BAD_GATEWAY,
        "VideoAsk refused the refresh",
        Markup::of_plain(&format!("{} The connection is kept.", failure.cause.explanation(Rotation::Unknown))),
        Markup::of_plain(&next_step.to_string()),
    );
    let link = match next_step {
        NextStep::LogInAgain => Link::LogInAgain,
        NextStep::Wait | NextStep::RefreshAgain | NextStep::Check | NextStep::AskAdministrator => Link::Tokens,
    };
    with_message(view.link(link), failure)
}

fn reconnect(reason: &Reconnect) -> ErrorView {
    let title = "The connection was lost";
    match reason {
        Reconnect::Dead(failure) => {
            let likely = failure.cause.explanation(Rotation::Unknown);
            with_message(refresh_token_refused(title), failure).detail("Likely cause", likely)
        }
        Reconnect::Ended => refresh_token_refused(title),
        Reconnect::NoRefreshToken => ErrorView::new(
            StatusCode::CONFLICT,
            "There is no refresh token",
            "The access token has expired, and this app cannot get the next one.",
            "Log in again.",
        )
        .operator("With `offline_access` in `SCOPES`, a login brings a refresh token."),
    }
}

fn refresh_token_refused(title: &'static str) -> ErrorView {
    ErrorView::new(
        StatusCode::CONFLICT,
        title,
        "VideoAsk no longer accepts the refresh token. An access token that is still valid works until it expires.",
        "Log in again.",
    )
}

fn with_message(view: ErrorView, failure: &RefreshFailure) -> ErrorView {
    view.detail("VideoAsk says", &failure.message.to_string())
}

fn stopping() -> ErrorView {
    ErrorView::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "This app is restarting",
        "It is stopping, so it starts no new work on your tokens. They are kept.",
        "Look at your tokens again in a moment.",
    )
    .retry_after(Duration::from_secs(5))
    .link(Link::Tokens)
}

fn busy() -> ErrorView {
    ErrorView::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "A refresh is already under way",
        "Another process of this app is working on these tokens, and took longer than this page waits.",
        "Look at your tokens again in a moment.",
    )
    .retry_after(Duration::from_secs(5))
    .link(Link::Tokens)
}
