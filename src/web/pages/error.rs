//! Every way a page can fail, as one enum, and what its page says.
//!
//! The policy: the person reads what happened, why it matters and what to do next, in sentences that are constant but
//! for what VideoAsk itself said (cut and escaped). The cause goes to the log, once, under the request id that the
//! page shows.

use std::sync::Arc;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower_sessions::session;

use crate::{
    provider::{ExchangeError, IdTokenError},
    store::StoreError,
    telemetry,
    vault::{Identity, VaultError},
    videoask::{AccountError, ApiError},
    web::{
        pages::{
            explain::{Explanation, explain},
            templates::{CurrentPage, ErrorPage, Layout, NavVisitor},
        },
        request_id::RequestId,
        state::AppState,
    },
};

/// Why a person gets an error page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// VideoAsk sent the person back with `access_denied`.
    #[error("the login was denied: {description}")]
    Denied {
        /// VideoAsk's words.
        description: String,
    },
    /// VideoAsk sent the person back with another error.
    #[error("the login failed at VideoAsk: {code}: {description}")]
    LoginRefused {
        /// The error code of RFC 6749, 4.1.2.1, or Auth0's own.
        code: String,
        /// VideoAsk's words.
        description: String,
    },
    /// A callback without a login that this browser began, or one that took longer than its cookie lives.
    #[error("no pending login for this callback")]
    NoPendingLogin,
    /// The login was begun more than ten minutes ago.
    #[error("the pending login has expired")]
    PendingLoginExpired,
    /// The callback's `state` is not that of the login.
    #[error("the state of the callback is not that of the login")]
    StateMismatch,
    /// The callback was used before.
    #[error("the callback was replayed")]
    Replayed,
    /// The same, by a browser that is logged in.
    #[error("the callback was used before, and the browser is logged in")]
    AlreadyLoggedIn,
    /// The callback names another issuer (RFC 9207).
    #[error("the callback names the issuer {came}")]
    WrongIssuer {
        /// `ISSUER`.
        expected: String,
        /// What the callback said.
        came: String,
    },
    /// A callback with neither a code nor an error.
    #[error("the callback has neither a code nor an error")]
    NoCode,
    /// The code exchange failed.
    #[error("the code exchange failed")]
    Exchange(#[from] ExchangeError),
    /// The id_token was refused.
    #[error("the id_token was refused")]
    IdToken(#[from] IdTokenError),
    /// VideoAsk's API did not do as asked.
    #[error("the API call failed")]
    Api(#[from] ApiError),
    /// The store did not do as asked.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The session could not be read or written.
    #[error("the session failed")]
    Session(#[from] session::Error),
    /// Keep mode: VideoAsk did not say who logged in.
    #[error("VideoAsk did not say who logged in")]
    Unknown(#[source] ApiError),
    /// Keep mode: the user is not in `ALLOWED_USERS`.
    #[error("the user is not in ALLOWED_USERS")]
    NotListed(Box<Identity>),
    /// Keep mode: the user is listed by an e-mail with which another `user_id` is connected.
    #[error("the e-mail belongs to another connected user_id")]
    EmailInUse(Box<Identity>),
    /// The vault has no connection to show, or did not store or refresh it.
    #[error("the vault failed")]
    Vault(#[from] VaultError),
    /// The connection was not revoked.
    #[error("the connection was not revoked")]
    NotRevoked(#[source] VaultError),
    /// The page needs a login.
    #[error("not logged in")]
    LoggedOut,
    /// 64 code exchanges are in flight, or too many have failed.
    #[error("too many logins at once")]
    TooBusy,
    /// A form sent from another site's page.
    #[error("an unsafe request from another site")]
    CrossSite,
    /// A query that a page cannot read.
    #[error("the query cannot be read")]
    BadQuery,
    /// No such page.
    #[error("no such page")]
    NotFound,
    /// The page is there, but not for this method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// A body beyond what any form of ours sends.
    #[error("request too large")]
    TooLarge,
    /// A bug of ours: a handler panicked, or an invariant did not hold.
    #[error("internal error")]
    Internal,
}

impl From<AccountError> for PageError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NoToken(error) => error.into(),
            AccountError::Api(error) => error.into(),
        }
    }
}

/// A failure on its way to the layer that knows the request id. Responses are cloned with their extensions.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Arc<PageError>);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let Explanation { status, retry_after, .. } = explain(&self);
        let mut response = status.into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.as_secs().max(1)));
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

impl Failure {
    /// Logs the cause and gives the page.
    pub(crate) fn render(&self, app: &AppState, id: RequestId, visitor: NavVisitor) -> Response {
        let explanation = explain(&self.0);
        self.log(explanation.status);
        let layout = Layout::new(&app.assets, visitor, CurrentPage::Other);
        ErrorPage { layout, explanation, request_id: id.to_string() }.into_response()
    }

    /// Whether the page may ask the store who is logged in: not where the store has just failed, which would make the
    /// visitor wait for it twice.
    pub(crate) fn leaves_the_store_usable(&self) -> bool {
        !matches!(
            &*self.0,
            PageError::Store(_)
                | PageError::Session(_)
                | PageError::LoggedOut
                | PageError::Vault(VaultError::StoreUnavailable | VaultError::Busy)
                | PageError::NotRevoked(VaultError::StoreUnavailable | VaultError::Busy)
        )
    }

    fn log(&self, status: StatusCode) {
        let cause = telemetry::chain(&*self.0);
        match &*self.0 {
            PageError::NotFound | PageError::MethodNotAllowed | PageError::LoggedOut => {
                tracing::debug!(cause, "a page failed");
            }
            _ if status.is_server_error() => tracing::error!(cause, "a page failed"),
            _ => tracing::warn!(cause, "a page failed"),
        }
    }
}
