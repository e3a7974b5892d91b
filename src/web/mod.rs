//! Pages for people. Every route module has its router beside its handlers; this one puts them together.

mod assets;
mod cookies;
mod error;
mod explain;
mod forms;
mod guard;
mod health;
mod home;
mod login;
mod page;
mod pending;
mod replay;
mod request;
mod session;
mod snippets;
mod tokens;

use std::{ops::Deref, sync::Arc};

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};
use url::Url;

use crate::{
    clock::Clock,
    config::{AppUrl, Config},
    keys::Keyring,
    provider::Provider,
    store::Store,
    vault::Record,
    videoask::Api,
};

pub use self::{
    assets::Assets,
    cookies::CookiePolicy,
    pending::{PendingLogin, PendingLogins},
    replay::UsedStates,
    session::Sessions,
};

/// So many code exchanges may be under way at once; each holds a connection to VideoAsk.
pub const CODE_EXCHANGES: u32 = 64;
/// No form of ours sends more.
const BODY_LIMIT: usize = 64 * 1024;

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Parts>);

/// The rooms below, and what the pages themselves remember.
pub struct Parts {
    /// The public origin.
    pub app_url: AppUrl,
    /// `ISSUER`.
    pub issuer: String,
    /// `SCOPES`.
    pub scopes: Vec<String>,
    /// `VIDEOASK_API_URL`.
    pub api_url: Url,
    /// The OAuth client.
    pub provider: Provider,
    /// VideoAsk's API.
    pub api: Api,
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Keys.
    pub keys: Arc<Keyring>,
    /// Time.
    pub clock: Clock,
    /// Browser sessions.
    pub sessions: Sessions,
    /// Begun logins, in cookies.
    pub pending: PendingLogins,
    /// Used states.
    pub used_states: UsedStates,
    /// A permit for each code exchange.
    pub exchanges: Arc<Semaphore>,
    /// Names of the static files.
    pub assets: Assets,
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
        let Rooms { provider, api, store, keys, clock } = rooms;
        let policy = CookiePolicy::new(&config.app_url);
        Self(Arc::new(Parts {
            app_url: config.app_url.clone(),
            issuer: config.provider.issuer.clone(),
            scopes: config.provider.scopes.clone(),
            api_url: config.api.url.clone(),
            provider,
            api,
            sessions: Sessions::new(Arc::clone(&store), Arc::clone(&keys), clock.clone()),
            pending: PendingLogins::new(Arc::clone(&keys), policy),
            used_states: UsedStates::default(),
            exchanges: Arc::new(Semaphore::new(CODE_EXCHANGES as usize)),
            assets: Assets::embedded(),
            store,
            keys,
            clock,
        }))
    }

    /// The record of a login's session. A record whose limits have passed, or that is gone, means logged out.
    async fn record_of(&self, login: &session::LoggedIn) -> Result<Record, error::PageError> {
        for key in self.sessions.keys(login.id) {
            if let Some(row) = self.store.read(&key).await? {
                if row.limits.is_some_and(|limits| limits.passed(self.clock.now())) {
                    break;
                }
                return Ok(Record::open(&self.keys, &row)?);
            }
        }
        Err(error::PageError::LoggedOut)
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
    pub provider: Provider,
    /// VideoAsk's API.
    pub api: Api,
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Keys.
    pub keys: Arc<Keyring>,
    /// Time.
    pub clock: Clock,
}

/// Every route, under the layers that all of them share. The outermost layer is the last one named.
pub fn router(site: Site) -> Router {
    pages(&site)
        .merge(assets::router())
        .merge(health::router())
        .fallback(async || error::PageError::NotFound)
        .method_not_allowed_fallback(async || error::PageError::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(|_| error::PageError::Internal.into_response()))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(middleware::map_response(too_large))
        .layer(middleware::from_fn_with_state(site.clone(), guard::headers))
        .layer(middleware::from_fn_with_state(site.clone(), request::trace))
        .with_state(site)
}

/// Gives a body beyond the limit its page, which the layer that refuses it cannot.
async fn too_large(response: Response) -> Response {
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => error::PageError::TooLarge.into_response(),
        _ => response,
    }
}

/// The routes for people, with sessions and the checks that browsers need.
fn pages(site: &Site) -> Router<Site> {
    home::router()
        .merge(login::router())
        .merge(tokens::router())
        .merge(forms::router())
        .layer(site.sessions.clone().layer(&CookiePolicy::new(&site.app_url)))
        .layer(middleware::from_fn_with_state(site.clone(), guard::same_origin))
        .layer(middleware::from_fn_with_state(site.clone(), guard::one_loopback_name))
}
