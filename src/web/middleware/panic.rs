//! Catches the panic of a handler, which is a bug.

use std::{panic::AssertUnwindSafe, pin::Pin};

use futures_util::FutureExt;

use crate::telemetry;

/// What the handler returns; `None` if it panicked. The panic's message is logged with the request's id.
pub(crate) async fn catch<T>(handler: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    // Whatever the handler shares with others is behind locks.
    let returned = AssertUnwindSafe(handler).catch_unwind().await;
    let log = |payload: &_| tracing::error!(cause = telemetry::panic_cause(payload), "a handler panicked");
    returned.inspect_err(|payload| log(&**payload)).ok()
}
