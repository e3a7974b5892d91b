//! The texts of error pages: what happened, what it means and what to do next. Each family of errors has a file with an
//! exhaustive match, so that a new error needs a text before the app compiles.

mod api;
mod explanation;
mod login;
mod request;
mod store;
mod vault;
mod view;

use crate::{login::LoginError, web::pages::error::PageError};

pub(crate) use self::view::ErrorView;

pub(crate) fn explain(error: &PageError) -> ErrorView {
    match error {
        PageError::Login(error) => login::explain(error),
        PageError::CommandLogin(error) => login::login(error).in_terminal(),
        PageError::Api(error) => api::explain(error),
        PageError::Session(_) => store::unavailable(),
        PageError::Vault(error) => vault::explain(error),
        PageError::NotRevoked(error) => vault::not_revoked(error),
        PageError::Request(error) => request::explain(*error),
        PageError::Internal => request::internal(),
    }
}

/// The text for a terminal: why a login did not complete, and what to do.
pub(crate) fn explain_login(error: &LoginError) -> String {
    login::login(error).plain_text()
}
