//! Every way in which a page can fail. `pages/explain/` has the text for each error, and `pages/error_page.rs` renders
//! it.

use std::sync::Arc;

use tower_sessions::session;

use crate::{
    login::LoginError,
    vault::VaultError,
    videoask::{AccountError, ApiError},
    web::login::error::CallbackError,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error("the login failed")]
    Login(#[from] CallbackError),
    #[error("the login of a command failed")]
    CommandLogin(#[source] Arc<LoginError>),
    #[error("the API call failed")]
    Api(#[from] ApiError),
    #[error("the session failed")]
    Session(#[from] session::Error),
    /// The vault has no connection to show, or did not refresh it.
    #[error("the vault failed")]
    Vault(#[from] VaultError),
    #[error("the connection was not revoked")]
    NotRevoked(#[source] VaultError),
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A bug of this app: a handler panicked, a template failed, or an invariant did not hold.
    #[error("internal error")]
    Internal,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("not logged in")]
    LoggedOut,
    #[error("an unsafe request from another site")]
    CrossSite,
    /// The query or form has a value that the page does not accept.
    #[error("the query cannot be read")]
    BadQuery,
    #[error("no such page")]
    NotFound,
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The body is longer than any form of this app.
    #[error("request too large")]
    TooLarge,
}

impl From<LoginError> for PageError {
    fn from(error: LoginError) -> Self {
        Self::Login(error.into())
    }
}

impl From<AccountError> for PageError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NoToken(error) => error.into(),
            AccountError::Api(error) => error.into(),
        }
    }
}

impl PageError {
    /// Whether the store may have caused the error. Then the error page must not wait for the store a second time.
    pub(crate) fn is_of_the_store(&self) -> bool {
        match self {
            Self::Session(_) | Self::Login(CallbackError::Session(_)) => true,
            Self::Vault(error)
            | Self::NotRevoked(error)
            | Self::Login(CallbackError::Login(LoginError::Vault(error))) => {
                matches!(error, VaultError::StoreUnavailable | VaultError::Busy)
            }
            _ => false,
        }
    }
}
