//! SIGTERM, SIGHUP and Ctrl-C in mid-exchange: what was sent is answered and saved, and the next process goes on from there.

use standin::Mishap;

use crate::{
    fleet::{Backend, Fleet, STRICT},
    person::{Person, Pressed},
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
    let fleet = Fleet::new(backend, STRICT);
    let mut server = fleet.serve();
    let person = fleet.log_in(&server).await;
    fleet.next_exchange(Mishap::HeldReply);
    let pressing = person.begin_to_press(&server.url);
    fleet.sent(1);
    server.program.signal(signal);
    server.program.line(Program::stderr, "stopping");
    fleet.standin().release_replies();
    assert_eq!(pressing.await.unwrap(), Pressed::Newer, "who waits gets the answer");
    let stopped = server.program.finish();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    go_on(&fleet, person).await;
}

async fn stop_a_command(backend: Backend, signal: &str) {
    let fleet = Fleet::new(backend, STRICT);
    let person = fleet.connect_and_leave().await;
    fleet.next_exchange(Mishap::HeldReply);
    let command = fleet.token();
    fleet.sent(1);
    command.signal(signal);
    fleet.standin().release_replies();
    let stopped = command.finish();
    assert_eq!((stopped.code, stopped.stdout.as_str()), (Some(1), ""), "{stopped:?}");
    assert!(stopped.stderr.contains("stopped by a signal"), "{stopped:?}");
    go_on(&fleet, person).await;
}

/// The next process has the set that came, and its refresh token.
async fn go_on(fleet: &Fleet, mut person: Person) {
    assert_eq!(fleet.stored_generation().await, 2, "{fleet:?}");
    let heir = fleet.serve();
    person.reload(&heir.url).await;
    let token = fleet.token().finish();
    assert_eq!((token.code, token.stdout.trim_end()), (Some(0), person.shown().access_token.as_str()), "{token:?}");
    assert_eq!(person.press(&heir.url).await, Pressed::Newer);
    fleet.assert_exchanges(2);
}
