//! How long a machine waits for a token.

use std::time::Duration;

use crate::web::{Site, api::Problem};

/// The longest that a caller of the HTTP API waits for tokens, over all that one request needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

impl Site {
    /// The result, or a problem once the caller has waited for too long. A refresh that was started goes on.
    pub(in crate::web) fn within_patience<T>(
        &self,
        result: impl Future<Output = Result<T, Problem>>,
    ) -> impl Future<Output = Result<T, Problem>> {
        // It is large, and each future around it would hold a copy.
        let result = Box::pin(result);
        async { self.clock.timeout(PATIENCE, result).await.unwrap_or_else(|| Err(Problem::waited_in_vain())) }
    }
}
