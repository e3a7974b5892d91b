//! A webhook receiver for NOTIFY_URL: a real HTTP server on a thread of its own, which records what it receives.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

/// The secret part of the receiver's URL.
pub const HOOK_KEY: &str = "canary-hook-key-73c1e9";

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Accept,
    Fail,
    Redirect,
    Hang,
}

#[derive(Clone)]
pub struct Receiver {
    url: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    behaviour: Behaviour,
    requests: Vec<(Behaviour, Value)>,
    /// The number of the request that hangs now, counted from 1.
    hanging: Option<usize>,
}

/// A receiver that does not listen yet: its port refuses connections.
pub struct StoppedReceiver {
    pub receiver: Receiver,
    socket: Socket,
}

/// A request that gets no response. Dropped when its client gives up.
struct HangingRequest(Receiver);

impl Receiver {
    pub fn start() -> Self {
        Self::down().listen()
    }

    pub fn down() -> StoppedReceiver {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let inner = Inner { behaviour: Behaviour::Accept, requests: Vec::new(), hanging: None };
        let url = format!("http://{address}/hooks/{HOOK_KEY}");
        StoppedReceiver { receiver: Self { url, inner: Arc::new(Mutex::new(inner)) }, socket }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.inner().behaviour = behaviour;
    }

    /// The events that it has accepted.
    pub fn accepted(&self) -> Vec<Value> {
        self.got(Behaviour::Accept)
    }

    pub fn got(&self, behaviour: Behaviour) -> Vec<Value> {
        let inner = self.inner();
        inner.requests.iter().filter(|(then, _)| *then == behaviour).map(|(_, event)| event.clone()).collect()
    }

    /// The number of the request that hangs now, counted from 1.
    pub fn hanging(&self) -> Option<usize> {
        self.inner().hanging
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it is held")
    }
}

impl StoppedReceiver {
    pub fn listen(self) -> Receiver {
        self.socket.listen(16).unwrap();
        self.socket.set_nonblocking(true).unwrap();
        let (listener, receiver) = (TcpListener::from(self.socket), self.receiver.clone());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = Router::new().fallback(any(receive)).with_state(receiver);
                axum::serve(listener, router).await.unwrap();
            });
        });
        self.receiver
    }
}

impl HangingRequest {
    fn new(receiver: Receiver) -> Self {
        {
            let mut inner = receiver.inner();
            inner.hanging = Some(inner.requests.len());
        }
        Self(receiver)
    }
}

impl Drop for HangingRequest {
    fn drop(&mut self) {
        self.0.inner().hanging = None;
    }
}

async fn receive(State(receiver): State<Receiver>, body: String) -> Response {
    let behaviour = {
        let mut inner = receiver.inner();
        let behaviour = inner.behaviour;
        inner.requests.push((behaviour, serde_json::from_str(&body).unwrap_or_default()));
        behaviour
    };
    match behaviour {
        Behaviour::Accept => StatusCode::NO_CONTENT.into_response(),
        Behaviour::Fail => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Behaviour::Redirect => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]).into_response(),
        Behaviour::Hang => {
            let _hanging = HangingRequest::new(receiver);
            std::future::pending().await
        }
    }
}
