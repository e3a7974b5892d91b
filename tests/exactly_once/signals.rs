//! SIGTERM, SIGHUP and Ctrl-C during an exchange: the new token set is saved, and the next process uses it. A server
//! still answers its callers, while a command prints no token.

use standin::Fault;

use crate::{
    cluster::{Backend, Cluster, STRICT},
    person::{Person, RefreshResult},
    scenarios::at_once,
    support::Program,
};

#[test]
fn a_server_that_is_stopped_in_mid_exchange_loses_nothing() {
    at_once(cases().map(|(backend, signal)| move || stop_a_server(backend, signal)));
}

#[test]
fn a_command_that_is_stopped_in_mid_exchange_loses_nothing() {
    at_once(cases().map(|(backend, signal)| move || stop_a_command(backend, signal)));
}

fn cases() -> impl Iterator<Item = (Backend, &'static str)> {
    Backend::BOTH.into_iter().flat_map(|backend| ["TERM", "INT", "HUP"].map(|signal| (backend, signal)))
}

async fn stop_a_server(backend: Backend, signal: &str) {
    let cluster = Cluster::new(backend, STRICT);
    let mut server = cluster.serve();
    let person = cluster.log_in(&server).await;
    cluster.next_exchange(Fault::HeldReply);
    let pressing = person.begin_to_press(&server.url);
    cluster.sent(1);
    server.program.signal(signal);
    server.program.line(Program::stderr, "stopping");
    cluster.standin().release_replies();
    assert_eq!(pressing.await.unwrap(), RefreshResult::Newer, "who waits gets the answer");
    let stopped = server.program.finish();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    go_on(&cluster, person).await;
}

async fn stop_a_command(backend: Backend, signal: &str) {
    let cluster = Cluster::new(backend, STRICT);
    let person = cluster.connect_and_leave().await;
    cluster.next_exchange(Fault::HeldReply);
    let command = cluster.token();
    cluster.sent(1);
    command.signal(signal);
    cluster.standin().release_replies();
    let stopped = command.finish();
    assert_eq!((stopped.code, stopped.stdout.as_str()), (Some(1), ""), "{stopped:?}");
    assert!(stopped.stderr.contains("stopped by a signal"), "{stopped:?}");
    go_on(&cluster, person).await;
}

/// Asserts that the next process has the new token set, and that its refresh token works.
async fn go_on(cluster: &Cluster, mut person: Person) {
    assert_eq!(cluster.stored_generation().await, 2, "{cluster:?}");
    let successor = cluster.serve();
    person.reload(&successor.url).await;
    let token = cluster.token().finish();
    assert_eq!((token.code, token.stdout.trim_end()), (Some(0), person.shown().access_token.as_str()), "{token:?}");
    assert_eq!(person.press(&successor.url).await, RefreshResult::Newer);
    cluster.assert_exchanges(2);
}
