//! The text for a store that does not respond.

use crate::{
    vault::VaultError,
    web::pages::{
        explain::{
            explanation,
            view::{Copyable, ErrorView},
        },
        link::Link,
    },
};

pub(super) fn unavailable() -> ErrorView {
    let view = explanation::page(&VaultError::StoreUnavailable)
        .and_summary("Tokens that could not be saved are not shown.")
        .operator("The server's log names the cause.")
        .copyable(Copyable::check("This command tests `STORE_URL`:"))
        .link(Link::Home);
    ErrorView { next: "Try again in a moment.".into(), ..view }
}
