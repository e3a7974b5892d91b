//! Pages for people, and routes for machines. Every route module has its router beside its handlers; this one puts them together.

mod api;
mod assets;
mod cookies;
mod health;
mod login;
mod middleware;
mod pages;
mod session;

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{StatusCode, Uri},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::RequestBodyTimeoutLayer};
use url::Url;

use crate::{
    clock::Clock,
    config::{AppUrl, Config, Mode},
    keys::Keyring,
    provider::Provider,
    store::{RowKey, Store},
    telemetry::Metrics,
    vault::{Vault, VaultError, VisibleRecord},
    videoask::{Api, Gateway},
    web::{
        api::Problem,
        pages::error::PageError,
        session::{LoggedIn, Login},
    },
};

pub use self::{
    api::ApiKeys,
    assets::Assets,
    cookies::CookiePolicy,
    login::{
        failure_limit::FailureLimit,
        pending::{PendingLogin, PendingLogins},
        replay::UsedStates,
    },
    middleware::trace::RequestIds,
    session::Sessions,
};

/// So many code exchanges may be under way at once; each holds a connection to VideoAsk.
pub const CODE_EXCHANGES: u32 = 64;
/// No form of ours sends more.
const BODY_LIMIT: usize = 64 * 1024;
/// Nor does any take longer for its next piece.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Parts>);

/// The rooms below, and what the pages themselves remember.
pub struct Parts {
    /// The public origin.
    pub app_url: AppUrl,
    /// Who may log in.
    pub mode: Mode,
    /// `ISSUER`.
    pub issuer: String,
    /// `SCOPES`.
    pub scopes: Vec<String>,
    /// `VIDEOASK_API_URL`.
    pub api_url: Url,
    /// `VIDEOASK_AUTH_URL`.
    pub auth_url: Url,
    /// The OAuth client.
    pub provider: Arc<Provider>,
    /// VideoAsk's API.
    pub api: Api,
    /// The way there for machines' requests.
    pub gateway: Gateway,
    /// Connections.
    pub vault: Vault,
    /// Keys.
    pub keys: Arc<Keyring>,
    /// Time.
    pub clock: Clock,
    /// Figures.
    pub metrics: Metrics,
    /// Browser sessions.
    pub sessions: Sessions,
    /// Begun logins, in cookies.
    pub pending: PendingLogins,
    /// Used states.
    pub used_states: UsedStates,
    /// What opens the routes for machines.
    pub api_keys: ApiKeys,
    /// A permit for each code exchange.
    pub exchanges: Arc<Semaphore>,
    /// How many code exchanges may still fail.
    pub failure_limit: FailureLimit,
    /// Names of the static files.
    pub assets: Assets,
    /// Names for requests.
    pub request_ids: RequestIds,
}

impl Deref for Site {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Site {
    /// Joins the rooms below to what the pages need.
    #[must_use]
    pub fn new(config: &Config, rooms: Rooms) -> Self {
        let Rooms { provider, api, gateway, vault, store, keys, clock, metrics } = rooms;
        let policy = CookiePolicy::new(&config.app_url);
        Self(Arc::new(Parts {
            app_url: config.app_url.clone(),
            mode: config.mode.clone(),
            issuer: config.provider.issuer.clone(),
            scopes: config.provider.scopes.clone(),
            api_url: config.api.url.clone(),
            auth_url: config.provider.auth_url.clone(),
            provider,
            api,
            gateway,
            vault,
            sessions: Sessions::new(store, Arc::clone(&keys), clock.clone()),
            pending: PendingLogins::new(Arc::clone(&keys), policy),
            used_states: UsedStates::default(),
            api_keys: ApiKeys::new(&config.api_keys),
            exchanges: Arc::new(Semaphore::new(CODE_EXCHANGES as usize)),
            failure_limit: FailureLimit::default(),
            assets: Assets::embedded(),
            request_ids: RequestIds::starting_at(u64::from_be_bytes(keys.random_bytes())),
            keys,
            clock,
            metrics,
        }))
    }

    /// Where the connection of a login may lie: one key in keep mode, one for each secret in mint mode.
    fn keys_of(&self, login: &LoggedIn) -> Vec<RowKey> {
        match &login.login {
            Login::Mint => self.sessions.keys(login.id).collect(),
            Login::Keep { user_id, .. } => vec![RowKey::of_user(user_id)],
        }
    }

    /// The connection of a login, and where it lies. One that is gone means logged out in mint mode, where it ends
    /// with the session.
    async fn connection_of(&self, login: &LoggedIn) -> Result<(RowKey, VisibleRecord), PageError> {
        for key in self.keys_of(login) {
            match self.vault.show(&key).await {
                Ok(shown) if login.login.is_bound_to(&shown) => return Ok((key, shown)),
                // Revoked or forgotten since, and connected again by another login.
                Ok(_) => return Err(PageError::LoggedOut),
                Err(VaultError::NotConnected) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(VaultError::NotConnected.into())
    }

    /// `SCOPES` with `offline_access` at its end, in the form the variable takes.
    fn scopes_with_offline_access(&self) -> String {
        let mut scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        if !scopes.contains(&"offline_access") {
            scopes.push("offline_access");
        }
        scopes.join(",")
    }
}

/// The rooms that the pages stand on.
pub struct Rooms {
    /// The OAuth client.
    pub provider: Arc<Provider>,
    /// VideoAsk's API.
    pub api: Api,
    /// The way there for machines' requests.
    pub gateway: Gateway,
    /// Connections.
    pub vault: Vault,
    /// Browser sessions' rows.
    pub store: Arc<dyn Store>,
    /// Keys.
    pub keys: Arc<Keyring>,
    /// Time.
    pub clock: Clock,
    /// Figures.
    pub metrics: Metrics,
}

/// Every route, under the layers that all of them share. The outermost layer is the last one named.
pub fn router(site: Site) -> Router {
    pages(&site)
        .merge(assets::router())
        .merge(health::router())
        .layer(CatchPanicLayer::custom(middleware::panic::page))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(map_response(too_large))
        // Below the limit on bodies: what goes through the proxy has none.
        .merge(api::router(&site))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(site.clone(), middleware::trace::trace))
        .with_state(site)
}

async fn nothing_here(uri: Uri) -> Response {
    if api::is_for_machines(uri.path()) {
        Problem::NotFound.into_response()
    } else {
        PageError::NotFound.into_response()
    }
}

async fn wrong_method(uri: Uri) -> Response {
    if api::is_for_machines(uri.path()) {
        Problem::MethodNotAllowed.into_response()
    } else {
        PageError::MethodNotAllowed.into_response()
    }
}

/// Gives a body beyond the limit its page, which the layer that refuses it cannot.
async fn too_large(response: Response) -> Response {
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => PageError::TooLarge.into_response(),
        _ => response,
    }
}

/// The routes for people, with sessions and the checks that browsers need.
fn pages(site: &Site) -> Router<Site> {
    let policy = CookiePolicy::new(&site.app_url);
    pages::home::router()
        .merge(login::router())
        .merge(pages::tokens::router())
        .merge(pages::actions::router())
        .merge(pages::forms::router())
        .layer(from_fn_with_state(site.clone(), session::name_visitor))
        .layer(site.sessions.clone().layer(&policy))
        .layer(from_fn_with_state(policy, middleware::cookie_header::only_ours))
        .layer(from_fn_with_state(site.clone(), middleware::same_origin::same_origin))
        .layer(from_fn_with_state(site.clone(), middleware::same_origin::one_loopback_name))
}
