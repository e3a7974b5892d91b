//! The layout of every page: static files and navigation.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::{
    html::sanitize,
    vault::Identity,
    web::{assets::Assets, pages::error::PageError},
};

/// The initial size of the buffer for a page, in bytes. Nearly all pages are shorter.
const PAGE_LENGTH: usize = 20 * 1024;

#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) assets: &'static Assets,
    pub(crate) visitor: NavVisitor,
    /// Which link of the navigation leads to this page.
    pub(crate) current: CurrentPage,
}

impl Layout {
    pub(crate) fn new(visitor: NavVisitor, current: CurrentPage) -> Self {
        Self { assets: Assets::embedded(), visitor, current }
    }
}

#[derive(Debug)]
pub(crate) enum NavVisitor {
    /// Nobody is logged in, so there is no navigation.
    LoggedOut,
    /// Someone is logged in, with this e-mail address, name or id if VideoAsk named one.
    LoggedIn(Option<String>),
}

impl NavVisitor {
    pub(crate) fn named(identity: &Identity) -> Self {
        Self::LoggedIn(identity.label().map(sanitize::short))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CurrentPage {
    Tokens,
    TryIt,
    Other,
}

/// Renders a page, or returns the error page if the template fails.
pub(crate) fn html(page: &impl Template) -> Response {
    // askama reserves space only for the text of the template, so the values would make the buffer grow several times.
    let mut text = String::with_capacity(PAGE_LENGTH);
    match page.render_into(&mut text) {
        Ok(()) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a template failed");
            PageError::Internal.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;
    use crate::web::pages::error_page::Failure;

    struct Unwritable;

    impl fmt::Display for Unwritable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }

    #[derive(Template)]
    #[template(source = "{{ value }}", ext = "txt")]
    struct Page {
        value: Unwritable,
    }

    #[test]
    fn a_page_that_cannot_be_rendered_becomes_an_error_page() {
        let response = html(&Page { value: Unwritable });
        assert_eq!(response.status(), 500);
        assert!(response.extensions().get::<Failure>().is_some());
    }
}
