//! What a page says about a `VaultError`: its explanation, in which code is marked, and where the button leads.

use axum::http::StatusCode;

use crate::{
    vault::{NextStep, Reconnect, Retry, VaultError},
    web::pages::{
        explain::{request, store, view::ErrorView},
        link::Link,
        markup::Markup,
    },
};

/// Why the vault has nothing to show, or did not refresh.
pub(super) fn explain(error: &VaultError) -> ErrorView {
    let view = explanation(error);
    match error {
        // A page speaks to the user of a session, who was connected.
        VaultError::NotConnected => ErrorView {
            title: "Nothing is kept here any longer",
            summary: "Your tokens were revoked or removed, or your session ended.".into(),
            ..view
        },
        VaultError::NotAllowed => ErrorView {
            title: "You are no longer on this app's list",
            summary: "The connection is still stored, but it is neither used nor refreshed.".into(),
            next: "Log in as another user, or ask the person who runs this app to add you again.".into(),
            ..view
        }
        .link(Link::LogInAsAnotherUser),
        VaultError::ReconnectRequired(Reconnect::Dead(_) | Reconnect::Ended) => {
            view.and_summary("An access token that is still valid works until it expires.")
        }
        VaultError::RevokeUnconfirmed => ErrorView { next: "Go to your tokens, and try again there.".into(), ..view },
        VaultError::Expired => ErrorView { next: "Go to your tokens and press \"Refresh now\".".into(), ..view },
        VaultError::StoreUnavailable => store::unavailable(),
        // No page names a user or a minimum life.
        VaultError::Internal | VaultError::AmbiguousUser | VaultError::MinLifeTooLong { .. } => request::internal(),
        VaultError::ReconnectRequired(Reconnect::NoRefreshToken)
        | VaultError::ProviderUnavailable { .. }
        | VaultError::ProviderRefused { .. }
        | VaultError::OtherClient
        | VaultError::Undecryptable(_)
        | VaultError::Stopping
        | VaultError::Busy => view,
    }
}

/// Why the connection was not revoked.
pub(super) fn not_revoked(error: &VaultError) -> ErrorView {
    let view = explain(error);
    match error {
        VaultError::OtherClient => ErrorView {
            summary: "They were issued to another `CLIENT_ID`, or by another `VIDEOASK_AUTH_URL`, so this app cannot \
                      revoke them."
                .into(),
            next: "Revoke them in VideoAsk.".into(),
            ..view
        }
        .operator("To revoke them here, set the old values again, restart and try once more.")
        .link(Link::Tokens),
        VaultError::Undecryptable(_) => ErrorView {
            summary: "They were encrypted with another `EXPRESS_SESSION`, so this app cannot revoke them.".into(),
            next: "Revoke them in VideoAsk.".into(),
            ..view
        }
        .link(Link::Home),
        VaultError::Busy => ErrorView { title: "A refresh is under way: nothing was revoked", ..view },
        _ => view,
    }
}

/// The error in the words that every surface has.
pub(super) fn explanation(error: &VaultError) -> ErrorView {
    let explanation = error.explain(Retry::Manual);
    let (next, link) = match explanation.next_step {
        Some(step @ NextStep::LogInAgain) => (step.sentence(), Link::LogInAgain),
        Some(NextStep::TryAgain) | None => ("Look at your tokens again in a moment.", Link::Tokens),
        Some(step) => (step.sentence(), Link::Tokens),
    };
    let summary = Markup::of_plain(&explanation.meaning);
    let view = ErrorView::new(status(error), error.title(), summary, Markup::of_plain(next)).link(link);
    let view =
        ErrorView { operator: explanation.operator.map(Markup::of_plain), retry_after: error.retry_after(), ..view };
    let Some(failure) = error.failure() else { return view };
    let view = view.detail("VideoAsk says", &failure.message.to_string());
    explanation.cause.iter().fold(view, |view, cause| view.detail("Likely cause", cause))
}

fn status(error: &VaultError) -> StatusCode {
    match error {
        VaultError::NotConnected => StatusCode::NOT_FOUND,
        VaultError::NotAllowed => StatusCode::FORBIDDEN,
        VaultError::AmbiguousUser
        | VaultError::ReconnectRequired(_)
        | VaultError::OtherClient
        | VaultError::Undecryptable(_)
        | VaultError::Expired => StatusCode::CONFLICT,
        VaultError::MinLifeTooLong { .. } => StatusCode::BAD_REQUEST,
        VaultError::ProviderRefused { .. } | VaultError::RevokeUnconfirmed => StatusCode::BAD_GATEWAY,
        VaultError::ProviderUnavailable { .. }
        | VaultError::StoreUnavailable
        | VaultError::Busy
        | VaultError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        VaultError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
