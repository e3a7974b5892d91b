//! Two hundred callers at once, in several processes.

use futures_util::future::join_all;
use videoask_auth::standin::Mishap;

use crate::{
    fleet::{Backend, Fleet, STRICT},
    person::Pressed,
    scenarios::at_once,
};

const CALLERS: usize = 200;
const SLOW: Mishap = Mishap::SlowReply { ms: 1500 };

#[test]
fn two_hundred_callers_in_several_processes_share_one_exchange() {
    let [sqlite, redis] = [(Backend::Sqlite, 2), (Backend::Redis, 4)];
    at_once([sqlite, redis].map(|(backend, servers)| move || rush(backend, servers)));
}

/// All press the button under the same token set.
async fn rush(backend: Backend, servers: usize) {
    let fleet = Fleet::new(backend, STRICT);
    let servers: Vec<_> = (0..servers).map(|_| fleet.serve()).collect();
    let person = fleet.log_in(&servers[0]).await;
    fleet.next_exchange(SLOW);
    let presses = (0..CALLERS).map(|caller| person.press(&servers[caller % servers.len()].url));
    for pressed in join_all(presses).await {
        assert_eq!(pressed, Pressed::Newer, "{backend:?}");
    }
    fleet.assert_exchanges(1);
    let shown = join_all(servers.iter().map(|server| person.look(&server.url))).await;
    assert!(shown.iter().all(|one| one.generation == 2 && *one == shown[0]), "{backend:?}: {shown:?}");
    // The set that all of them see is the current one, with the refresh token that goes on.
    let mut person = person;
    person.reload(&servers[0].url).await;
    assert_eq!(person.press(&servers[0].url).await, Pressed::Newer);
    fleet.assert_exchanges(2);
}
