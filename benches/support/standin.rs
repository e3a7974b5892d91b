//! A small stand-in for VideoAsk that uses little CPU time compared with the measured servers.
//!
//! Each user always gets the same access token, and the stand-in stores nothing about a login: the code contains the
//! user and the nonce. It signs a new id_token in each login, because that contains the nonce. This is most of its
//! cost.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc};

use axum::{
    Form, Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::now;

pub const CLIENT_ID: &str = "demo-client-id";
pub const CLIENT_SECRET: &str = "demo-client-secret";
const KEY: &str = include_str!("../../crates/standin/src/keys/current.pem");
const MAX_USERS: usize = 1_000;
const ID_TOKEN_LIFETIME: i64 = 36_000;

struct Standin {
    issuer: Url,
    key: RsaKeyPair,
    header: String,
    /// The responses of `/me`, by the value of the header `Authorization`.
    me: HashMap<String, String>,
}

#[derive(Deserialize)]
struct TokenRequest {
    client_secret: String,
    code: String,
}

/// The `user_id` and `sub` of a user.
pub fn user(number: usize) -> String {
    format!("user-{number}")
}

/// The authorization code for this user. It contains the user and the nonce.
pub fn code(user: &str, nonce: &str) -> String {
    format!("{user}.{nonce}")
}

/// The access token of a user, about as long as VideoAsk's. Nobody checks its signature, so that is not a real one.
pub fn access_token(user: &str) -> String {
    let claims = json!({"sub": user, "aud": ["https://api.videoask.com/"], "azp": CLIENT_ID, "exp": 4_102_444_800_i64});
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "benchmark"});
    [header.to_string().into_bytes(), claims.to_string().into_bytes(), vec![7; 256]]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".")
}

/// Starts a stand-in in this process, which serves as long as the process runs.
pub async fn spawn() -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let url: Url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
    tokio::spawn(serve(listener, url.clone()));
    url
}

/// Serves until it is killed.
pub async fn serve(listener: TcpListener, issuer: Url) {
    let me = |user: String| (format!("Bearer {}", access_token(&user)), person(&user).to_string());
    let standin = Standin {
        issuer,
        key: key(),
        header: URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "typ": "JWT", "kid": "benchmark"}).to_string()),
        me: (0..MAX_USERS).map(user).map(me).collect(),
    };
    let router = Router::new()
        .route("/oauth/token", post(token))
        .route("/me", get(me_of))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/.well-known/openid-configuration", get(configuration))
        .with_state(Arc::new(standin));
    axum::serve(listener, router).await.expect("it serves until it is killed");
}

async fn token(State(standin): State<Arc<Standin>>, Form(request): Form<TokenRequest>) -> Response {
    let Some((user, nonce)) = request.code.split_once('.').filter(|_| request.client_secret == CLIENT_SECRET) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let access_token = access_token(user);
    let id_token = standin.id_token(user, nonce);
    let body = format!(
        r#"{{"access_token":"{access_token}","refresh_token":"refresh-{nonce}","id_token":"{id_token}","scope":"openid profile email offline_access","expires_in":86400,"token_type":"Bearer"}}"#
    );
    json_response(body)
}

async fn me_of(State(standin): State<Arc<Standin>>, headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match bearer.and_then(|bearer| standin.me.get(bearer)) {
        Some(me) => json_response(me.clone()),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn jwks(State(standin): State<Arc<Standin>>) -> Json<Value> {
    let PublicKeyComponents::<Vec<u8>> { n, e } = standin.key.public().into();
    let [n, e] = [n, e].map(|number| URL_SAFE_NO_PAD.encode(number));
    Json(json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "benchmark", "n": n, "e": e}]}))
}

async fn configuration(State(standin): State<Arc<Standin>>) -> Json<Value> {
    let url = |path| standin.issuer.join(path).expect("a URL");
    Json(json!({
        "issuer": standin.issuer.as_str(),
        "authorization_endpoint": url("/authorize"),
        "token_endpoint": url("/oauth/token"),
        "userinfo_endpoint": url("/me"),
        "jwks_uri": url("/.well-known/jwks.json"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }))
}

impl Standin {
    fn id_token(&self, user: &str, nonce: &str) -> String {
        let issued = now().unix_timestamp();
        let mut claims = person(user);
        for (name, value) in [
            ("iss", json!(self.issuer.as_str())),
            ("aud", json!(CLIENT_ID)),
            ("iat", json!(issued)),
            ("exp", json!(issued + ID_TOKEN_LIFETIME)),
            ("nonce", json!(nonce)),
        ] {
            claims[name] = value;
        }
        let input = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .expect("the buffer is as long as the modulus");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The fields of a user in `/me` and in the id_token.
fn person(user: &str) -> Value {
    let email = format!("{user}@example.com");
    json!({"user_id": user, "sub": user, "username": user, "name": user, "email": email, "email_verified": true})
}

fn json_response(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
}

fn key() -> RsaKeyPair {
    let base64: String =
        KEY.lines().skip_while(|line| !line.starts_with("-----")).filter(|line| !line.starts_with("-----")).collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).expect("a PEM file")).expect("a key")
}
