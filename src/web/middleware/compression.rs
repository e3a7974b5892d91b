//! Which responses are compressed.

use tower_http::compression::CompressionLayer;

/// Compresses with gzip, if the client takes it. For embedded files only: the length of a compressed page that has a
/// secret and something that a stranger chose (a query, a name) tells the stranger, guess by guess, what the secret is
/// (BREACH). So pages, exports, tokens and what the proxy passes on stay as they are.
pub(crate) fn of_embedded_files() -> CompressionLayer {
    CompressionLayer::new()
}
