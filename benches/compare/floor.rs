//! A minimal server with the guarantees of a login in keep mode: it uses `state`, nonce and PKCE; opens a new
//! connection for the exchange; verifies the id_token; encrypts the tokens, and has them on disk before the browser
//! gets a response.
//!
//! Everything else that the app has is missing: limits, logs, metrics, refreshes, revocation, useful pages.

mod crypto;
mod store;

use std::{collections::HashMap, net::Ipv4Addr, path::Path, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

use self::{
    crypto::{Crypto, PublicKey, random, s256},
    store::Store,
};
use super::support::{
    client, now,
    process::Process,
    role::{announce, start_role},
    standin::{CLIENT_ID, CLIENT_SECRET},
};

const HOME: &str = "<!doctype html><title>VideoAsk tokens</title><a href=\"/auth/videoask\">Login on VideoAsk</a>\n";
const AUDIENCE: &str = "https://api.videoask.com/";
const SCOPE: &str = "openid profile email offline_access";

struct Floor {
    url: Url,
    provider: Url,
    /// Opens a new connection for each request.
    exchanges: Client,
    api: Client,
    public_key: PublicKey,
    crypto: Crypto,
    store: Store,
}

/// What the callback needs, in a cookie that only this server can read.
#[derive(Serialize, Deserialize)]
struct Pending {
    state: String,
    nonce: String,
    verifier: String,
}

#[derive(Serialize, Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    #[serde(default, skip_serializing)]
    id_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    nonce: String,
}

#[derive(Deserialize)]
struct Me {
    user_id: String,
}

#[derive(Deserialize)]
struct Callback {
    code: String,
    state: String,
}

/// A request failed. The visitor is not told why.
struct Refused;

/// Starts the server in its own process.
pub fn start(provider: &Url, folder: &Path) -> (Process, Url) {
    let store = folder.join("floor.db");
    start_role(&["floor", provider.as_str(), store.to_str().expect("UTF-8")])
}

/// Serves until it is killed.
pub async fn serve(provider: &Url, store: &str) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let url = announce(&listener);
    let jwks = client().get(provider.join("/.well-known/jwks.json").expect("a URL")).send().await;
    let jwks: Value = jwks.expect("it answers").json().await.expect("JSON");
    let floor = Floor {
        url,
        provider: provider.clone(),
        exchanges: unpooled(),
        api: client(),
        public_key: PublicKey::of(&jwks),
        crypto: Crypto::new(),
        store: Store::open(store),
    };
    let router = Router::new()
        .route("/", get(async || Html(HOME)))
        .route("/auth/videoask", get(begin))
        .route("/auth/videoask/callback", get(callback))
        .route("/tokens", get(tokens))
        .with_state(Arc::new(floor));
    axum::serve(listener, router).await.expect("it serves until it is killed");
}

async fn begin(State(floor): State<Arc<Floor>>) -> Response {
    let pending = Pending { state: random(), nonce: random(), verifier: random() };
    let mut authorize = floor.provider.join("/authorize").expect("a URL");
    authorize
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", CLIENT_ID)
        .append_pair("redirect_uri", floor.redirect_uri().as_str())
        .append_pair("scope", SCOPE)
        .append_pair("audience", AUDIENCE)
        .append_pair("state", &pending.state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &s256(&pending.verifier))
        .append_pair("code_challenge_method", "S256");
    let cookie = floor.crypto.seal_text(&serde_json::to_vec(&pending).expect("strings"));
    redirect(authorize.as_str(), &format!("pending={cookie}"))
}

async fn callback(
    State(floor): State<Arc<Floor>>,
    Query(callback): Query<Callback>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let pending = cookie(&headers, "pending").and_then(|sealed| floor.crypto.open_text(sealed)).ok_or(Refused)?;
    let pending: Pending = serde_json::from_slice(&pending).map_err(|_| Refused)?;
    if pending.state != callback.state {
        return Err(Refused);
    }
    let redirect_uri = floor.redirect_uri();
    let form = HashMap::from([
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("code", &callback.code),
        ("code_verifier", &pending.verifier),
        ("redirect_uri", redirect_uri.as_str()),
    ]);
    let exchange = floor.exchanges.post(floor.provider.join("/oauth/token").expect("a URL")).form(&form);
    let tokens: Tokens = exchange.send().await?.error_for_status()?.json().await?;
    let claims = floor.public_key.verified(&tokens.id_token).ok_or(Refused)?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Refused)?;
    let expected = (floor.provider.as_str(), CLIENT_ID, pending.nonce.as_str());
    let found = (claims.iss.as_str(), claims.aud.as_str(), claims.nonce.as_str());
    if found != expected || claims.exp < now().unix_timestamp() || claims.sub.is_empty() {
        return Err(Refused);
    }
    let me = floor.api.get(floor.provider.join("/me").expect("a URL")).bearer_auth(&tokens.access_token);
    let me: Me = me.send().await?.error_for_status()?.json().await?;
    let session = random();
    let record = floor.crypto.seal(&serde_json::to_vec(&tokens).expect("strings"));
    floor.store.save(s256(&session), me.user_id, record).await.ok_or(Refused)?;
    Ok(redirect("/tokens", &format!("session={session}")))
}

async fn tokens(State(floor): State<Arc<Floor>>, headers: HeaderMap) -> Result<Response, Refused> {
    let session = cookie(&headers, "session").ok_or(Refused)?;
    let record = floor.store.record_of(&s256(session)).ok_or(Refused)?;
    let tokens = floor.crypto.open(record).ok_or(Refused)?;
    let Tokens { access_token, refresh_token, .. } = serde_json::from_slice(&tokens).map_err(|_| Refused)?;
    // The tokens are not HTML-escaped: those of the stand-in need no escapes, and no person sees this page.
    let page =
        format!("<!doctype html><title>VideoAsk tokens</title><pre>{access_token}</pre><pre>{refresh_token}</pre>");
    Ok(Html(page).into_response())
}

impl Floor {
    fn redirect_uri(&self) -> Url {
        self.url.join("/auth/videoask/callback").expect("a URL")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        StatusCode::BAD_REQUEST.into_response()
    }
}

impl From<reqwest::Error> for Refused {
    fn from(_: reqwest::Error) -> Self {
        Self
    }
}

fn redirect(to: &str, cookie: &str) -> Response {
    let cookie = format!("{cookie}; Path=/; HttpOnly; SameSite=Lax");
    (StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::SET_COOKIE, &cookie)]).into_response()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies
        .split("; ")
        .find_map(|pair| pair.split_once('=').filter(|(found, _)| *found == name))
        .map(|(_, value)| value)
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own client")]
fn unpooled() -> Client {
    Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client")
}
