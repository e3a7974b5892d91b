//! Who is notified: an HTTP server that keeps what it gets.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::Value;

use super::{World, listen};

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Accept,
    Fail,
    Redirect,
    Hang,
}

#[derive(Clone)]
pub struct Receiver(Arc<Mutex<Inner>>);

struct Inner {
    url: String,
    behaviour: Behaviour,
    requests: Vec<(Behaviour, Value)>,
    /// The number of the request that hangs now.
    hanging: Option<usize>,
}

/// A request that hangs, until its client gives up.
struct Hanging(Receiver);

impl Receiver {
    pub async fn start() -> Self {
        let listener = listen().await;
        let url = format!("http://{}/hooks/canary-hook-key", listener.local_addr().expect("it is bound"));
        let receiver = Self(Arc::new(Mutex::new(Inner {
            url,
            behaviour: Behaviour::Accept,
            requests: Vec::new(),
            hanging: None,
        })));
        let router = Router::new().fallback(any(receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub fn url(&self) -> String {
        self.inner().url.clone()
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

    /// The number of the request that hangs now.
    pub fn hanging(&self) -> Option<usize> {
        self.inner().hanging
    }

    /// Lets time pass until it has accepted so many events.
    pub async fn wait_for(&self, world: &World, events: usize) -> Vec<Value> {
        world.wait_until(|| self.accepted().len() >= events).await;
        self.accepted()
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

impl Hanging {
    fn new(receiver: Receiver) -> Self {
        {
            let mut inner = receiver.inner();
            inner.hanging = Some(inner.requests.len());
        }
        Self(receiver)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.inner().hanging = None;
    }
}

impl World {
    /// Lets time pass until this holds.
    pub async fn wait_until(&self, holds: impl Fn() -> bool) {
        #[expect(clippy::disallowed_methods, reason = "the deadline is of real time")]
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds() {
            #[expect(clippy::disallowed_methods, reason = "the deadline is of real time")]
            let now = Instant::now();
            assert!(now < deadline, "it does not come to hold");
            self.pass(Duration::from_secs(2));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
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
            let _hanging = Hanging::new(receiver);
            std::future::pending().await
        }
    }
}
