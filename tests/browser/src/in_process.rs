//! The app and the stand-in in this process, with a clock that a test advances, so that no test waits for weeks.

use std::{net::Ipv4Addr, sync::Arc, thread};

use standin::{Options, StandIn};
use tokio::{net::TcpListener, runtime::Builder, sync::oneshot};
use videoask_auth::{
    app::App,
    clock::{Clock, ClockControl},
    config::Config,
    store::{self, IfMissing},
};

use crate::demo::Demo;

/// Starts both. They run until the tests end, in a thread of their own: a test's runtime may have just one, which
/// `Browser::set_faults` blocks.
pub(crate) async fn start() -> (Demo, ClockControl) {
    let (started, start) = oneshot::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("the system has room for a runtime");
        runtime.block_on(serve(started));
    });
    start.await.expect("both start")
}

async fn serve(started: oneshot::Sender<(Demo, ClockControl)>) {
    let (listener, beside) = (listen().await, listen().await);
    let app_url = format!("http://localhost:{}", port(&listener));
    // Another loopback name, so that the two do not see each other's cookies.
    let provider = format!("http://127.0.0.1:{}", port(&beside));
    let config = Config::from_pairs([
        ("CLIENT_ID", "demo-client-id"),
        ("CLIENT_SECRET", "demo-client-secret"),
        ("APP_URL", &app_url),
        ("EXPRESS_SESSION", "test-express-session-0123456789abcdef"),
        ("STORE_URL", "memory:"),
        ("ALLOWED_USERS", "ada@example.com"),
        ("VIDEOASK_AUTH_URL", &provider),
        ("VIDEOASK_API_URL", &provider),
        ("AUDIENCE", "https://api.videoask.com/"),
    ]);
    let config = config.unwrap_or_else(|problems| panic!("{problems}")).config;
    let (clock, control) = Clock::manual(Clock::system().now());
    let store = store::open(&config.store, IfMissing::Create).await.expect("memory can always be opened").store;
    let now = clock.clone();
    let options = Options::new(config.provider.callback.as_str(), Arc::new(move || now.now()));
    let standin = StandIn::new(options, config.provider.auth_url.clone());
    let app = App::build(config, store, clock).expect("the app can be built");
    // An error means that the test has failed in the meantime.
    let _ = started.send((Demo::in_process(app_url, provider), control));
    let _ = tokio::join!(standin.serve(beside, std::future::pending()), app.serve(listener, std::future::pending()));
}

async fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("the system has a free port")
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("a bound listener has an address").port()
}
