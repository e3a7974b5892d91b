//! Signals: the server stops, but first an exchange that was sent is completed and saved.

use std::time::Duration;

use standin::{Endpoint, Fault, StandIn};
use url::Url;
use videoask_auth::{
    config::StoreUrl,
    store::{self, IfMissing},
};

use crate::support::{Deployment, Program, browser::Browser, redis::Redis};

#[test]
fn every_signal_that_asks_to_stop_is_obeyed_at_once() {
    let deployment = Deployment::new();
    for signal in ["TERM", "INT", "HUP"] {
        let server = deployment.serve();
        server.program.signal(signal);
        let stopped = server.program.finish();
        assert_eq!(stopped.code, Some(0), "{signal}: {stopped:?}");
        assert!(stopped.stderr.contains("stopping"), "{signal}: {stopped:?}");
        assert!(!stopped.stderr.contains("cut"), "{signal}: {stopped:?}");
    }
}

/// On a busy machine, the store's time limit may end a start before the signal does. Such a start proves nothing, so
/// the test starts the program again.
#[test]
fn a_start_that_waits_for_its_store_can_be_stopped() {
    let redis = Redis::start_with(&[]);
    redis.freeze();
    let deployment = Deployment::new().set("STORE_URL", &redis.url_text(None));
    let is_stopped_by_the_signal = || {
        let mut program = deployment.start(&["serve"], &[]);
        program.line(Program::stderr, "starting");
        if program.is_running() {
            program.signal("TERM");
        }
        let finished = program.finish();
        assert!(finished.code.is_some(), "it handles the signal: {finished:?}");
        finished.code == Some(0) && !finished.stderr.contains("did not answer")
    };
    assert!((0..20).any(|_| is_stopped_by_the_signal()), "it waits for the store");
}

/// Requests a page, waits until the app has called the endpoint for it, and closes the connection.
async fn hang_up(standin: &StandIn, endpoint: Endpoint, browser: Browser, url: Url) {
    let asking = tokio::spawn(async move { browser.get(url.as_str()).await });
    came_to(standin, endpoint).await;
    asking.abort();
    assert!(asking.await.is_err_and(|end| end.is_cancelled()), "the browser did not wait for the answer");
}

async fn came_to(standin: &StandIn, endpoint: Endpoint) {
    let coming = async {
        while standin.counters().requests_to(endpoint) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), coming).await.expect("the request comes");
}

#[tokio::test]
async fn a_code_that_was_sent_is_exchanged_and_saved_though_the_browser_hung_up() {
    let deployment = Deployment::new();
    let mut server = deployment.serve();
    let browser = server.browser();
    let callback = server.callback(&browser).await;
    let standin = &deployment.provider.standin;
    standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::HeldReply));
    hang_up(standin, Endpoint::Token, browser, callback).await;
    server.program.signal("TERM");
    server.program.line(Program::stderr, "stopping");
    standin.release_replies();
    let stopped = server.program.finish();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");

    let path = deployment.path().join("videoask-auth.db");
    let rows = |table: &str| -> u32 {
        let database = rusqlite::Connection::open(&path).unwrap();
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!((rows("sessions"), rows("records")), (1, 1));
    // A server can open this store.
    store::open(&StoreUrl::Sqlite(path.clone()), IfMissing::Refuse).await.unwrap();
}
