//! A minimal axum server with one route: it checks a key, and answers with JSON and the headers of the program's responses.

use std::{collections::HashSet, net::Ipv4Addr, sync::Arc};

use axum::{
    Json, Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use tokio::net::TcpListener;
use url::Url;

use super::support::{
    process::Process,
    role::{announce, start_role},
};

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "they are the fields of RFC 6749")]
struct Token<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
}

/// What the handler needs.
struct State {
    /// The hashes of the values of `Authorization` that are accepted.
    hashes: HashSet<Vec<u8>>,
    token: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Starts the server in its own process. Its responses have about this length and these headers, and it accepts only
/// requests with this `Authorization`.
pub fn start(length: usize, headers: &HeaderMap, authorization: &str) -> (Process, Url) {
    let mut arguments = vec!["floor".to_owned(), length.to_string(), authorization.to_owned()];
    let computed = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::DATE];
    for (name, value) in headers.iter().filter(|(name, _)| !computed.contains(name)) {
        arguments.push(format!("{name}: {}", value.to_str().expect("text")));
    }
    start_role(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Serves until it is killed.
pub async fn serve(length: usize, authorization: &str, headers: &[String]) {
    let header = |line: &String| {
        let (name, value) = line.split_once(": ").expect("a name and a value");
        (name.parse().expect("a name"), value.parse().expect("a value"))
    };
    let state = Arc::new(State {
        hashes: HashSet::from([hash(authorization.as_bytes())]),
        token: "x".repeat(length.saturating_sub(60)),
        headers: headers.iter().map(header).collect(),
    });
    let answer = async move |headers: HeaderMap| handle(&state, &headers);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    announce(&listener);
    axum::serve(listener, Router::new().route("/", any(answer))).await.expect("it serves until it is killed");
}

fn handle(state: &State, headers: &HeaderMap) -> Response {
    let is_known = |value: &HeaderValue| state.hashes.contains(&hash(value.as_bytes()));
    if !headers.get(header::AUTHORIZATION).is_some_and(is_known) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let token = Token { access_token: &state.token, token_type: "Bearer", expires_in: 86_400 };
    let mut response = Json(token).into_response();
    response.headers_mut().extend(state.headers.iter().cloned());
    response
}

fn hash(text: &[u8]) -> Vec<u8> {
    digest(&SHA256, text).as_ref().to_vec()
}
