//! One deployment in keep mode: a tenant, a store, and as many processes as a scenario starts.

use std::{collections::BTreeSet, fmt, time::Duration};

use reqwest::Method;
use standin::{Deviation, Endpoint, Fault, Faults, Options, Rotation, StandIn, User};
use tokio::time::sleep;
use url::Url;
use videoask_auth::{
    config::StoreUrl,
    store::{self, IfMissing, RowKey},
};

use crate::{
    clocks::DAY,
    person::{EMAIL, Person},
    support::{Clocks, Deployment, Program, Server, browser::Browser, redis::Redis, until},
};

/// The store that holds the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Redis,
    /// A Redis that writes nothing to disk, so a restart empties it.
    ForgetfulRedis,
}

impl Backend {
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Redis];
}

/// Rotation without leeway: sending a spent refresh token ends the connection.
pub const STRICT: Rotation = Rotation::On { leeway: Duration::ZERO };

const API_KEY: &str = "a-key-of-the-cluster-0123456789abcdef";
/// The lifetime, in seconds, of an access token that expires before the browser's session does.
const SHORT_LIFE: i64 = 10 * 60;

pub struct Cluster {
    deployment: Deployment,
    redis: Option<Redis>,
    url: StoreUrl,
}

impl Cluster {
    pub fn new(backend: Backend, rotation: Rotation) -> Self {
        Self::before_tenant(backend, |options| options.rotation = rotation)
    }

    pub fn before_tenant(backend: Backend, set_up: impl FnOnce(&mut Options)) -> Self {
        let deployment = Deployment::before_tenant(set_up).set("ALLOWED_USERS", &ada());
        match backend {
            Backend::Sqlite => {
                let url = StoreUrl::Sqlite(deployment.path().join("videoask-auth.db"));
                Self { deployment, redis: None, url }
            }
            Backend::Redis => Self::on_redis(deployment, Redis::start()),
            Backend::ForgetfulRedis => Self::on_redis(deployment, Redis::start_with(&[])),
        }
    }

    fn on_redis(deployment: Deployment, redis: Redis) -> Self {
        let url = redis.url(None);
        let deployment = deployment.set("STORE_URL", &redis.url_text(None));
        Self { deployment, redis: Some(redis), url }
    }

    /// The same cluster with another variable.
    pub fn set(mut self, name: &'static str, value: &str) -> Self {
        self.deployment = self.deployment.set(name, value);
        self
    }

    /// The same cluster with its SQLite file in this folder.
    pub fn in_folder(mut self, folder: &std::path::Path) -> Self {
        let file = folder.join("videoask-auth.db");
        self = self.set("STORE_URL", &format!("sqlite://{}", file.display()));
        self.url = StoreUrl::Sqlite(file);
        self
    }

    /// The same cluster with an API key, so that programs can ask for tokens.
    pub fn with_api_key(self) -> Self {
        self.set("API_KEY", API_KEY)
    }

    pub fn serve(&self) -> Server {
        self.deployment.serve()
    }

    /// Starts a server on a machine with these clocks.
    pub fn serve_under(&self, clocks: &Clocks) -> Server {
        self.deployment.serve_with(&["serve"], &clocks.variables())
    }

    /// The clocks of the machine that its processes run on.
    pub fn clocks(&self) -> &Clocks {
        &self.deployment.clocks
    }

    pub fn standin(&self) -> &StandIn {
        &self.deployment.provider.standin
    }

    pub fn store(&self) -> &StoreUrl {
        &self.url
    }

    pub fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("this cluster is on Redis")
    }

    /// Ada logs in. Afterwards the stand-in's counters start at zero.
    pub async fn log_in(&self, server: &Server) -> Person {
        let person = Person::log_in(server).await;
        self.standin().reset_counters();
        person
    }

    /// Logs Ada in with an access token that expires when [`Cluster::let_the_access_token_expire`] is called. All later
    /// tokens work for a day.
    pub async fn log_in_to_expire(&self, server: &Server) -> Person {
        self.standin().change_faults(|faults| {
            // Without `expires_in`, the token's own `exp` claim counts. The tenant's clock is nearly a day behind, so
            // `exp` is ten minutes from now. By that clock, an id_token would have expired.
            faults.deviations = BTreeSet::from([Deviation::NoExpiresIn, Deviation::NoIdToken]);
            faults.clock_offset = SHORT_LIFE - DAY;
        });
        let person = self.log_in(server).await;
        self.standin().set_faults(Faults::default());
        person
    }

    /// Ada is connected, her access token works for a day, and no server runs.
    pub async fn connect(&self) {
        let server = self.serve();
        self.log_in(&server).await;
        let stopped = server.stop();
        assert_eq!(stopped.code, Some(0), "{stopped:?}");
    }

    /// Ada is connected, her access token has expired, and no server runs.
    pub async fn connect_and_leave(&self) -> Person {
        let server = self.serve();
        let person = self.log_in_to_expire(&server).await;
        let left = server.stop();
        assert_eq!(left.code, Some(0), "{left:?}");
        self.let_the_access_token_expire();
        person
    }

    pub fn let_the_access_token_expire(&self) {
        self.deployment.clocks.set_wall_clock_ahead(SHORT_LIFE);
    }

    pub fn token(&self) -> Program {
        self.deployment.start(&["token"], &[])
    }

    /// Starts the command `token` on a machine with these clocks.
    pub fn token_under(&self, clocks: &Clocks) -> Program {
        self.deployment.start(&["token"], &clocks.variables())
    }

    /// The server's reply to a program that asks for Ada's access token.
    pub async fn hand_out(&self, server: &Server) -> serde_json::Value {
        let url = server.url.join("/api/token").unwrap();
        let page = server.browser().send(Method::GET, &url, |request| request.bearer_auth(API_KEY)).await;
        assert_eq!(page.status, 200, "{}", page.text());
        serde_json::from_slice(&page.body).expect("JSON")
    }

    /// Injects a fault into the next exchange.
    pub fn next_exchange(&self, fault: Fault) {
        self.standin().change_faults(|faults| faults.next(Endpoint::Token, 1, fault));
    }

    /// Waits until at least so many exchanges have been sent.
    pub fn sent(&self, times: u64) {
        until("an exchange", || (self.standin().counters().requests_to(Endpoint::Token) >= times).then_some(()));
    }

    /// Waits until the tenant has acted on every request of the processes that have ended. No other process of this
    /// deployment may have a connection to the tenant.
    pub async fn all_sent_is_acted_on(&self) {
        // A listen queue is first in, first out: once this request is answered, every earlier connection is accepted.
        Browser::new(self.deployment.provider.url.clone()).get("/.well-known/jwks.json").await;
        until("the end of every connection to the tenant", || (self.standin().open_connections() == 0).then_some(()));
    }

    /// The stored generation, read over a separate connection.
    pub async fn stored_generation(&self) -> u64 {
        let store = store::open(&self.url, IfMissing::Refuse).await.expect("the store is there").store;
        let key = RowKey::of_user(&ada());
        store.peek(&key).await.expect("the store answers").expect("Ada is connected").version.generation
    }

    /// Waits until the store has no open attempt.
    pub async fn attempt_is_closed(&self) {
        let store = store::open(&self.url, IfMissing::Refuse).await.expect("the store is there").store;
        for _ in 0..600 {
            if store
                .read(&RowKey::of_user(&ada()))
                .await
                .expect("the store answers")
                .is_some_and(|row| row.attempt.is_none())
            {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("the attempt stays open");
    }

    /// Asserts that the tenant issued this many token sets in refreshes, and never saw a spent token.
    pub fn assert_exchanges(&self, times: u64) {
        let counters = self.standin().counters();
        assert_eq!((counters.refresh_exchanges, counters.spent_tokens_seen), (times, 0), "{self:?}: {counters:?}");
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backend = if self.redis.is_some() { Backend::Redis } else { Backend::Sqlite };
        backend.fmt(f)
    }
}

/// Ada's id, which does not depend on an id_token.
fn ada() -> String {
    User::find(EMAIL).expect("Ada has an account").user_id()
}

/// Waits until a server reports the wanted status: ready, degraded or unready.
pub async fn until_readiness(server: &Url, wanted: &str) {
    let mut found = String::new();
    for _ in 0..600 {
        found = readiness(server).await;
        if found == wanted {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("it is {found}, not {wanted}");
}

/// The status that a server reports at `/readyz`.
pub async fn readiness(server: &Url) -> String {
    let page = Browser::new(server.clone()).get("/readyz").await;
    let answer: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
    answer["status"].as_str().expect("a word").to_owned()
}
