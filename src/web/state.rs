//! What requests and commands share. `app.rs` builds it once.

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;
use url::Url;

use crate::{
    api_key::Authenticator,
    clock::Clock,
    config::{AppUrl, Mode},
    keys::Keyring,
    login::Logins,
    provider::Provider,
    store::Store,
    telemetry::{Metrics, RequestIds},
    vault::Vault,
    videoask::{Api, Gateway},
    web::{
        cookies::CookiePolicy,
        login::{
            exchange_limit::{CODE_EXCHANGES, FailureLimit},
            pending::PendingLogins,
        },
        middleware::security_headers::SecurityHeaders,
        pages::snippets::Snippets,
        session::Sessions,
    },
};

/// The modules below the web, and what the routes remember between requests. Handlers share it in an `Arc`.
pub struct AppState {
    pub(crate) app_url: AppUrl,
    pub(crate) mode: Mode,
    pub(crate) scopes: Vec<String>,
    pub(crate) api_url: Url,
    pub(crate) auth_url: Url,
    pub(crate) clock: Clock,
    /// Derives keys, encrypts and decrypts.
    pub keys: Arc<Keyring>,
    pub(crate) store: Arc<dyn Store>,
    /// The OAuth client.
    pub provider: Arc<Provider>,
    /// Stores connections, refreshes them and hands out tokens.
    pub vault: Vault,
    pub(crate) api: Api,
    /// Forwards requests of `/proxy` to VideoAsk's API.
    pub(crate) gateway: Gateway,
    /// What `/metrics` shows. Nobody reads those of a command.
    pub(crate) metrics: Metrics,
    pub(crate) cookie_policy: CookiePolicy,
    pub(crate) security_headers: SecurityHeaders,
    pub(crate) sessions: Sessions,
    pub(crate) pending_logins: PendingLogins,
    pub(crate) logins: Logins,
    /// Each code exchange in flight holds one of its permits.
    pub(crate) code_exchanges: Arc<Semaphore>,
    pub(crate) failure_limit: FailureLimit,
    pub(crate) api_keys: Authenticator,
    /// Written for the first token page.
    pub(crate) snippets: OnceLock<Snippets>,
    pub(crate) request_ids: RequestIds,
}

impl AppState {
    /// Whether a code exchange is in flight, or its tokens are being saved.
    pub(crate) fn is_exchanging(&self) -> bool {
        self.code_exchanges.available_permits() < CODE_EXCHANGES as usize
    }
}
