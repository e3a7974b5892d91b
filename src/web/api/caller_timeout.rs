//! How long a caller of the HTTP API waits for a token.

use std::{pin::Pin, time::Duration};

use crate::{clock::Clock, vault::VaultError, web::api::problem::Problem};

/// The longest that one request waits for tokens in all.
pub(crate) const CALLER_TIMEOUT: Duration = Duration::from_secs(30);

/// The result, or a problem when the caller has waited too long. A refresh that was started goes on.
///
/// It takes a reference, since each future around it would otherwise contain a copy of the whole future.
pub(super) async fn with_caller_timeout<T>(
    clock: &Clock,
    result: Pin<&mut impl Future<Output = Result<T, Problem>>>,
) -> Result<T, Problem> {
    clock.timeout(CALLER_TIMEOUT, result).await.unwrap_or_else(|| Err(VaultError::Busy.into()))
}
