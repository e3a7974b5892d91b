//! The response of a handler that panicked, which is a bug. The panic's message is logged with the request's id.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::{
    telemetry,
    web::{api::problem::Problem, pages::error::PageError},
};

type Payload = Box<dyn Any + Send>;

#[expect(clippy::needless_pass_by_value, reason = "the layer gives it away")]
pub(crate) fn page(payload: Payload) -> Response {
    log(&*payload);
    PageError::Internal.into_response()
}

#[expect(clippy::needless_pass_by_value, reason = "the layer gives it away")]
pub(crate) fn problem(payload: Payload) -> Response {
    log(&*payload);
    Problem::Internal.into_response()
}

fn log(payload: &(dyn Any + Send)) {
    tracing::error!(cause = telemetry::panic_cause(payload), "a handler panicked");
}
