//! The texts for a `VaultError`: its explanation with code marked, and the link of the button.

use crate::{
    vault::{Reconnect, VaultError},
    web::pages::{
        explain::{explanation, request, store, view::ErrorView},
        link::Link,
    },
};

/// Why the vault has no connection to show, or did not refresh it.
pub(super) fn explain(error: &VaultError) -> ErrorView {
    let view = explanation::page(error);
    match error {
        // The reader of a page has a session, so they were connected before.
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
        // These errors are bugs here, since no page asks for a user by name or for a minimum life.
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
