//! Which paths are the HTTP API's.

/// The prefix of the paths of VideoAsk's API.
pub(crate) const PROXY_PREFIX: &str = "/proxy";

/// Whether this path belongs to the HTTP API, so that even a 404 is a problem document and no page.
pub(crate) fn is_for_machines(path: &str) -> bool {
    ["/api", "/oauth", PROXY_PREFIX, "/metrics", "/.well-known"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
