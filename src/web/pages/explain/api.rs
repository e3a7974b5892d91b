//! The text for a failed call of VideoAsk's API.

use axum::http::StatusCode;

use crate::{
    videoask::ApiError,
    web::pages::{explain::view::ErrorView, link::Link},
};

pub(super) fn explain(error: &ApiError) -> ErrorView {
    use StatusCode as S;
    match error {
        ApiError::Unauthorized { detail } => ErrorView::new(
            S::BAD_GATEWAY,
            "VideoAsk's API refused the access token",
            "It has expired, was revoked, or was issued for another API.",
            "Log in again.",
        )
        .detail("The API says", detail),
        ApiError::Status { status, detail } => ErrorView::new(
            S::BAD_GATEWAY,
            "VideoAsk's API returned an error",
            "The tokens are fine as far as this app knows, but the API did not do as asked.",
            "Try again. If it keeps happening, check your rights in VideoAsk.",
        )
        .operator("If `ORGANIZATION_ID` is set, is it right, and does this user belong to that organization?")
        .detail("Status", &status.to_string())
        .detail("The API says", detail)
        .link(Link::Tokens),
        ApiError::Unreachable(_) | ApiError::TimedOut(_) | ApiError::Cut(_) | ApiError::MalformedResponse => {
            ErrorView::new(
                S::BAD_GATEWAY,
                "VideoAsk's API cannot be reached",
                "It did not answer, or not in a way this app can read. Your tokens are not affected.",
                "Try again in a minute.",
            )
            .operator("Is `VIDEOASK_API_URL` right?")
            .link(Link::Tokens)
        }
    }
}
