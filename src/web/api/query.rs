//! The query of a route that takes none.

use serde::Deserialize;

/// A route that takes no query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}
