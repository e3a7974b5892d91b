//! The text for a store that does not respond.

use std::time::Duration;

use axum::http::StatusCode;

use crate::web::pages::{
    explain::view::{Copyable, ErrorView},
    link::Link,
};

pub(super) fn unavailable() -> ErrorView {
    ErrorView::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Storage is unavailable",
        "This app cannot read or write its sessions and tokens right now. Tokens that could not be saved are not shown.",
        "Try again in a moment.",
    )
    .operator("The server's log names the cause.")
    .copyable(Copyable::check("This command tests `STORE_URL`:"))
    .retry_after(Duration::from_secs(5))
    .link(Link::Home)
}
