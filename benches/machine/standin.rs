//! The stand-in in its own process, so that its CPU time can be measured separately.

use std::{future, net::Ipv4Addr, sync::Arc};

use ::standin::{Options, StandIn};
use tokio::net::TcpListener;
use url::Url;

use super::support::{
    now,
    process::Process,
    role::{announce, start_role},
};

/// Starts a stand-in with this callback registered.
pub fn start(callback: &str) -> (Process, Url) {
    start_role(&["standin", callback])
}

/// Serves until it is killed.
pub async fn serve(callback: &str) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let url = announce(&listener);
    let standin = StandIn::new(Options::new(callback, Arc::new(now)), url);
    standin.serve(listener, future::pending()).await.expect("it serves until it is killed");
}
