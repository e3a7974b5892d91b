//! What the tests share: a real app and a real stand-in on their own ports, and a browser that keeps cookies.
pub mod api_client;
pub mod browser;
mod failing_store;
#[path = "../../support/ports.rs"]
pub mod ports;
#[path = "../../support/receiver.rs"]
pub mod receiver;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use standin::{Options, StandIn};
use time::{OffsetDateTime, macros::datetime};
use tokio::{net::TcpListener, sync::watch};
use url::Url;
use videoask_auth::{
    app::App,
    clock::{Clock, ClockControl},
    config::Config,
    store::{self, IfMissing, Store},
};

pub use api_client::{ApiClient, KEY};
pub use browser::{Browser, Page};
pub use failing_store::FailingStore;

/// Every test starts at this time. Only the test advances it.
pub const EPOCH: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);
pub const SECRET: &str = "test-express-session-0123456789abcdef";

/// An app and a stand-in that talk to each other over real sockets, under one clock.
pub struct TestServer {
    pub app: Url,
    pub port: u16,
    pub provider: Url,
    pub standin: StandIn,
    pub store: Arc<dyn Store>,
    clock: Clock,
    clock_control: ClockControl,
    stop: watch::Sender<bool>,
}

type TenantSetup = Box<dyn FnOnce(&mut Options)>;

/// The configuration of a test server.
#[derive(Default)]
pub struct Setup {
    pairs: Vec<(&'static str, String)>,
    tenant: Option<TenantSetup>,
    store: Option<Arc<dyn Store>>,
    clock: Option<(Clock, ClockControl)>,
}

impl Setup {
    pub fn var(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.pairs.push((name, value.into()));
        self
    }

    /// Changes the options of the tenant.
    pub fn tenant(mut self, set_up: impl FnOnce(&mut Options) + 'static) -> Self {
        self.tenant = Some(Box::new(set_up));
        self
    }

    /// Uses this store instead of one in memory.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Shares that server's clock, store and authorization server, so that its connections can be used here too.
    pub fn beside(mut self, server: &TestServer) -> Self {
        self.clock = Some((server.clock.clone(), server.clock_control.clone()));
        self.store(Arc::clone(&server.store)).var("VIDEOASK_AUTH_URL", server.provider.as_str())
    }

    pub async fn start(self) -> TestServer {
        let (listener, beside) = (listen().await, listen().await);
        let port = |listener: &TcpListener| listener.local_addr().expect("a bound listener has an address").port();
        let own_port = port(&listener);
        let app = format!("http://localhost:{own_port}");
        let provider = format!("http://127.0.0.1:{}", port(&beside));
        let (clock, clock_control) = self.clock.unwrap_or_else(|| Clock::manual(EPOCH));
        let now = clock.clone();
        let mut options = Options::new(format!("{app}/auth/videoask/callback"), Arc::new(move || now.now()));
        if let Some(set_up) = self.tenant {
            set_up(&mut options);
        }

        let defaults = [
            ("CLIENT_ID", "demo-client-id".to_owned()),
            ("CLIENT_SECRET", "demo-client-secret".to_owned()),
            ("APP_URL", app.clone()),
            ("EXPRESS_SESSION", SECRET.to_owned()),
            ("STORE_URL", "memory:".to_owned()),
            ("VIDEOASK_AUTH_URL", provider.clone()),
            ("VIDEOASK_API_URL", format!("{provider}{}", options.api_base)),
            ("AUDIENCE", "https://api.videoask.com/".to_owned()),
        ];
        let is_ours = |name: &str| self.pairs.iter().any(|(ours, _)| *ours == name);
        let pairs = defaults.into_iter().filter(|(name, _)| !is_ours(name)).chain(self.pairs.clone());
        let pairs: Vec<_> = pairs.collect();
        let loaded = Config::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())));
        let config = loaded.unwrap_or_else(|problems| panic!("{problems}")).config;

        let standin = StandIn::new(options, provider.parse().expect("the address makes a URL"));
        let store = match self.store {
            Some(store) => store,
            None => store::open(&config.store, IfMissing::Create).await.expect("memory can always be opened").store,
        };
        let running = App::build(config, Arc::clone(&store), clock.clone()).expect("the app can be built");
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(standin.clone().serve(beside, until(stopped.clone())));
        tokio::spawn(running.serve(listener, until(stopped)));
        let url = |text: &str| text.parse().expect("the address makes a URL");
        TestServer {
            app: url(&app),
            port: own_port,
            provider: url(&provider),
            standin,
            store,
            clock,
            clock_control,
            stop,
        }
    }
}

impl TestServer {
    /// Starts an app with the variables of a Glitch `.env`, and a tenant without rotation.
    pub async fn start() -> Self {
        Setup::default().start().await
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.app.clone())
    }

    /// A browser after a whole login.
    pub async fn logged_in(&self) -> Browser {
        let browser = self.browser();
        let page = browser.log_in("ada@example.com").await;
        assert_eq!((page.status, page.url.path()), (200, "/tokens"), "{}", page.text());
        browser
    }

    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Steps the wall clock of app and stand-in forward or back.
    pub fn set_wall_clock(&self, by: time::Duration) {
        self.clock_control.step_wall(by);
    }

    /// Lets time pass for both app and stand-in.
    pub fn pass(&self, time: Duration) {
        self.clock_control.advance(time);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

pub async fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("the system has a free port")
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the server was dropped, which stops it too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
