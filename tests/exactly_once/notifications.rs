//! Replicas with one NOTIFY_URL: the receiver accepts each event once, even if it was down or failed before, or a
//! replica was killed while it sent the event.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::{
    clocks::{BOOTTIME, HOUR},
    cluster::{Backend, Cluster, STRICT},
    scenarios::at_once,
    support::{
        Server,
        receiver::{Behaviour, Receiver},
        until,
    },
};

/// A cluster with Ada's login, which is expected to last for a day and is `hours` old.
async fn near_the_end(backend: Backend, receiver: &Receiver, hours: i64) -> Cluster {
    let cluster = Cluster::new(backend, STRICT).with_api_key();
    let cluster = cluster.set("NOTIFY_URL", receiver.url()).set("REFRESH_TOKEN_LIFETIME", "1d");
    cluster.connect().await;
    cluster.clocks().set_wall_clock_ahead(hours * HOUR);
    cluster
}

fn until_got(receiver: &Receiver, behaviour: Behaviour, events: usize) -> Vec<Value> {
    until(&format!("{behaviour:?}"), || Some(receiver.got(behaviour)).filter(|got| got.len() >= events))
}

fn until_logged(servers: &[Server], text: &str) {
    until(text, || servers.iter().any(|server| server.program.stderr().contains(text)).then_some(()));
}

#[test]
fn two_replicas_tell_a_receiver_that_is_down_and_fails_each_event_once() {
    at_once(Backend::BOTH.map(|backend| move || down_and_failing(backend)));
}

async fn down_and_failing(backend: Backend) {
    let down = Receiver::down();
    let cluster = near_the_end(backend, &down.receiver, 20).await;
    let servers = [cluster.serve(), cluster.serve()];
    until_logged(&servers, "the receiver cannot be reached");
    down.receiver.behave(Behaviour::Fail);
    let receiver = down.listen();
    let failed = until_got(&receiver, Behaviour::Fail, 1);
    until_logged(&servers, "the receiver responded with status 500");
    receiver.behave(Behaviour::Accept);
    told_once(&cluster, &receiver, &failed[0]);
}

/// Asserts that the event is accepted as it was sent before, and that the next one follows.
fn told_once(cluster: &Cluster, receiver: &Receiver, event: &Value) {
    assert_eq!(event["event"], "log-in-soon");
    assert_eq!(until_got(receiver, Behaviour::Accept, 1), std::slice::from_ref(event), "{cluster:?}");
    cluster.clocks().set_wall_clock_ahead(23 * HOUR);
    let [_, last] = &until_got(receiver, Behaviour::Accept, 2)[..] else { panic!("{cluster:?}: two events") };
    assert_eq!(last["event"], "log-in-soon");
    assert_ne!(last["id"], event["id"]);
}

#[test]
fn what_a_process_was_sending_when_it_was_killed_is_sent_again_with_the_same_id() {
    at_once(Backend::BOTH.map(|backend| move || killed(backend)));
}

async fn killed(backend: Backend) {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Hang);
    let cluster = near_the_end(backend, &receiver, 20).await;
    let servers = [cluster.serve(), cluster.serve()];
    until("a delivery", || receiver.hanging());
    for mut server in servers {
        server.program.signal("KILL");
        server.program.ended();
    }
    let cut_off = receiver.got(Behaviour::Hang);
    receiver.behave(Behaviour::Accept);
    let _third = cluster.serve();
    // The third server watches the claim of the killed process for a minute of the boot-time clock.
    for ahead in 0..1_200 {
        if !receiver.accepted().is_empty() {
            break;
        }
        cluster.clocks().write(BOOTTIME, ahead);
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(receiver.accepted(), cut_off[..1], "{cluster:?}");
}
