//! A minimal axum server: one route, one static response, no middleware.

use std::net::Ipv4Addr;

use axum::{Router, http::header, routing::any};
use bytes::Bytes;
use tokio::net::TcpListener;
use url::Url;

use super::support::{
    process::Process,
    role::{announce, start_role},
};

/// Starts the server in its own process.
pub fn start(length: usize) -> (Process, Url) {
    start_role(&["floor", &length.to_string()])
}

/// Serves JSON of this length until it is killed.
pub async fn serve(length: usize) {
    let json = format!("{{\"padding\":\"{}\"}}", "x".repeat(length.saturating_sub("{\"padding\":\"\"}".len())));
    let json = Bytes::from(json);
    let answer = async move || ([(header::CONTENT_TYPE, "application/json")], json.clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    announce(&listener);
    axum::serve(listener, Router::new().route("/", any(answer))).await.expect("it serves until it is killed");
}
