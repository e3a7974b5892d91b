//! The explanation of a `VaultError` as a page.

use axum::http::StatusCode;

use crate::{
    vault::{NextStep, Retry, VaultError},
    web::pages::{explain::view::ErrorView, link::Link, markup::Markup},
};

/// The page for an error, with the same explanation that the command line and the API give.
pub(super) fn page(error: &VaultError) -> ErrorView {
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
