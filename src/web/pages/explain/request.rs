//! The texts for a request that this app does not accept, and for a bug of this app.

use axum::http::StatusCode;

use crate::{
    vault::VaultError,
    web::pages::{
        error::RequestError,
        explain::{explanation, view::ErrorView},
        link::Link,
    },
};

pub(super) fn explain(error: RequestError) -> ErrorView {
    use StatusCode as S;
    match error {
        RequestError::LoggedOut => ErrorView::new(
            S::FORBIDDEN,
            "You are not logged in",
            "Log in to see your tokens. A session ends after an hour without use, and after a day at the latest.",
            "Login on VideoAsk.",
        )
        .link(Link::LogIn),
        RequestError::CrossSite => ErrorView::new(
            S::FORBIDDEN,
            "That request came from another site",
            "For your safety, this app only accepts actions from its own pages.",
            "Go to the home page and use the button there.",
        )
        .link(Link::Home),
        RequestError::BadQuery => ErrorView::new(
            S::BAD_REQUEST,
            "This link has an invalid parameter",
            "The part after the \"?\" is not something this page understands.",
            "Go back, and use the links and buttons of the page itself.",
        )
        .link(Link::Home),
        RequestError::NotFound => ErrorView::new(
            S::NOT_FOUND,
            "Page not found",
            "There is no page at this address.",
            "Check the address, or go to the home page.",
        )
        .link(Link::Home),
        RequestError::MethodNotAllowed => ErrorView::new(
            S::METHOD_NOT_ALLOWED,
            "This page does not work that way",
            "The address exists, but not for this kind of request.",
            "Go to the home page.",
        )
        .link(Link::Home),
        RequestError::TooLarge => ErrorView::new(
            S::PAYLOAD_TOO_LARGE,
            "That request is too large",
            "No form of this app sends that much.",
            "Go to the home page.",
        )
        .link(Link::Home),
    }
}

pub(super) fn internal() -> ErrorView {
    let view = explanation::page(&VaultError::Internal)
        .and_summary("The server's log has the cause, under the request ID below.")
        .link(Link::Home);
    ErrorView { next: "Try again. If it keeps happening, report it with that ID.".into(), ..view }
}
