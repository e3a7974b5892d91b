//! SIGTERM and Ctrl-C in mid-exchange: what was sent is answered and saved, and the next process goes on from there.

use videoask_auth::standin::Mishap;

use crate::{
    fleet::{Backend, Fleet, STRICT},
    person::Pressed,
    scenarios::at_once,
};

const SLOW: Mishap = Mishap::SlowReply { ms: 1000 };

#[test]
fn a_server_that_is_stopped_in_mid_exchange_loses_nothing() {
    let cases = Backend::BOTH.iter().flat_map(|&backend| ["TERM", "INT"].map(|signal| (backend, signal)));
    at_once(cases.map(|(backend, signal)| move || stop_a_server(backend, signal)));
}

async fn stop_a_server(backend: Backend, signal: &str) {
    let fleet = Fleet::new(backend, STRICT);
    let server = fleet.serve();
    let mut person = fleet.log_in(&server).await;
    fleet.next_exchange(SLOW);
    let pressing = tokio::spawn({
        let (person, url) = (person.clone(), server.url.clone());
        async move { person.press(&url).await }
    });
    fleet.sent(1);
    server.program.signal(signal);
    assert_eq!(pressing.await.unwrap(), Pressed::Newer, "who waits gets the answer");
    let stopped = server.program.finish();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert_eq!(fleet.stored_generation().await, 2, "{backend:?}, {signal}");

    let heir = fleet.serve();
    person.reload(&heir.url).await;
    assert_eq!(person.shown().generation, 2);
    assert_eq!(person.press(&heir.url).await, Pressed::Newer);
    fleet.assert_exchanges(2);
}
