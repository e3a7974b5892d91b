//! In the middle of an exchange, the wall clock is set or the machine is suspended: no refresh token is sent twice. The
//! processes run under `clocks.c`.

use standin::Fault;

use crate::{
    clocks::HOUR,
    cluster::{Backend, Cluster, STRICT},
    scenarios::at_once,
    support::{Clocks, EXPIRED, Program},
};

#[test]
fn a_wall_clock_that_is_set_during_an_exchange_ends_no_lease() {
    // Ahead by five minutes, which is longer than the lease of 130 s, and back by an hour.
    let cases = Backend::BOTH.into_iter().flat_map(|backend| [300, -HOUR].map(|step| (backend, step)));
    at_once(cases.map(|(backend, step)| move || set_the_wall_clock(backend, step)));
}

async fn set_the_wall_clock(backend: Backend, step: i64) {
    let cluster = Cluster::new(backend, STRICT).set("EXCHANGE_TIMEOUT", "60s");
    cluster.connect().await;
    let clocks = Clocks::ahead(EXPIRED);
    // Longer than the time for which a lease that has ended is watched.
    cluster.next_exchange(Fault::SlowReply { ms: 12_000 });
    let first = cluster.token_under(&clocks);
    cluster.sent(1);
    clocks.set_wall_clock_ahead(EXPIRED + step);
    let second = cluster.token_under(&clocks);
    let [first, second] = [first, second].map(Program::finish);
    assert_eq!(first.code, Some(0), "{backend:?} {step}: {first:?}");
    assert_eq!(second.code, Some(0), "{backend:?} {step}: {second:?}");
    if step > 0 {
        assert_eq!(second.stdout, first.stdout, "{backend:?} {step}");
        cluster.assert_exchanges(1);
    } else {
        // By the second process's clock, the new token expires later than a new token can. So the process refreshes,
        // with the new refresh token and not the spent one.
        assert_ne!(second.stdout, first.stdout, "{backend:?} {step}");
        cluster.assert_exchanges(2);
    }
}

#[test]
fn a_process_that_wakes_with_its_machine_does_not_send_what_another_has_spent() {
    at_once(Backend::BOTH.map(|backend| move || wake(backend)));
}

async fn wake(backend: Backend) {
    let cluster = Cluster::new(backend, STRICT).set("EXCHANGE_TIMEOUT", "4s");
    cluster.connect().await;
    let (suspended, other) = (Clocks::ahead(EXPIRED), Clocks::ahead(EXPIRED + HOUR));
    // The request has no effect, so without a suspension the process would send it again.
    cluster.next_exchange(Fault::Hang);
    let process = cluster.token_under(&suspended);
    cluster.sent(1);
    let meanwhile = async { cluster.token_under(&other).finish() };
    let taken_over = suspended.suspend_for_an_hour(&process, EXPIRED, meanwhile).await;
    assert_eq!(taken_over.code, Some(0), "{backend:?}: {taken_over:?}");
    let woken = process.finish();
    cluster.assert_exchanges(1);
    assert_eq!((woken.code, &woken.stdout), (Some(0), &taken_over.stdout), "{backend:?}: {woken:?}");
}
