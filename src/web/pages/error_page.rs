//! Renders an error as a page.
//!
//! The page says what happened, why it matters and what to do next. Values from outside, such as VideoAsk's messages,
//! are escaped. The cause is logged once, with the request id that the page shows.

use std::sync::Arc;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    telemetry::{self, RequestId},
    web::pages::{
        error::{PageError, RequestError},
        explain::{ErrorView, explain},
        layout::{CurrentPage, Layout, NavVisitor, html},
        link::Link,
        markup::Markup,
    },
};

#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    pub(crate) layout: Layout,
    pub(crate) error: ErrorView,
    /// The id with which the cause is logged. `None` on the page of a command.
    pub(crate) request_id: Option<String>,
}

/// The error, stored in the extensions of a response for the middleware that renders it. Extensions must be `Clone`.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Arc<PageError>);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let ErrorView { status, retry_after, .. } = explain(&self);
        let mut response = status.into_response();
        if let Some(after) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

impl Failure {
    pub(crate) fn render(&self, id: RequestId, visitor: NavVisitor) -> Response {
        let error = explain(&self.0);
        self.log(error.status);
        let layout = Layout::new(visitor, CurrentPage::Other);
        html(&ErrorPage { layout, error, request_id: Some(id.to_string()) })
    }

    /// Renders the page for a command, which prints the cause itself.
    pub(crate) fn render_for_command(&self) -> Response {
        let mut error = explain(&self.0);
        // A command serves only the login, so no other page can be linked to.
        error.link = error.link.map(|_| Link::LogInAgain);
        tracing::debug!(cause = telemetry::chain(&*self.0), "a page failed");
        let layout = Layout::new(NavVisitor::LoggedOut, CurrentPage::Other);
        html(&ErrorPage { layout, error, request_id: None })
    }

    /// Whether the error page may ask the store who is logged in.
    pub(crate) fn may_ask_the_store(&self) -> bool {
        !self.0.is_of_the_store()
    }

    fn log(&self, status: StatusCode) {
        let cause = telemetry::chain(&*self.0);
        match &*self.0 {
            PageError::Request(RequestError::NotFound | RequestError::MethodNotAllowed | RequestError::LoggedOut) => {
                tracing::debug!(cause, "a page failed");
            }
            _ if status.is_server_error() => tracing::error!(cause, "a page failed"),
            _ => tracing::warn!(cause, "a page failed"),
        }
    }
}
