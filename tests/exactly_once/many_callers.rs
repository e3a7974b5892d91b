//! Two hundred callers at the moment when a token is due, in several processes.

use std::time::Duration;

use futures_util::future::join_all;
use standin::Fault;

use crate::{
    cluster::{Backend, Cluster, STRICT},
    person::RefreshResult,
    scenarios::at_once,
    support::Program,
};

/// Each is a process, and with more of them a busy machine may keep the store from answering within its 2 s.
const COMMANDS: usize = 8;
const PRESSES: usize = 192;
/// Nobody sees a caller wait, so this is how long they have to come while one keeper's exchange is under way. Who comes
/// later gets the new token.
const COMING: Duration = Duration::from_secs(3);

#[test]
fn two_hundred_callers_in_servers_and_commands_share_one_exchange() {
    let [sqlite, redis] = [(Backend::Sqlite, 2), (Backend::Redis, 4)];
    at_once([sqlite, redis].map(|(backend, servers)| move || rush(backend, servers)));
}

async fn rush(backend: Backend, servers: usize) {
    let cluster = Cluster::new(backend, STRICT);
    let servers: Vec<_> = (0..servers).map(|_| cluster.serve()).collect();
    let mut person = cluster.log_in_to_expire(&servers[0]).await;
    cluster.next_exchange(Fault::HeldReply);
    cluster.let_the_access_token_expire();
    cluster.sent(1);
    let commands: Vec<_> = (0..COMMANDS).map(|_| cluster.token()).collect();
    let presses = (0..PRESSES).map(|caller| person.press(&servers[caller % servers.len()].url));
    let release = async {
        tokio::time::sleep(COMING).await;
        cluster.standin().release_replies();
    };
    let (presses, ()) = tokio::join!(join_all(presses), release);
    for pressed in presses {
        assert_eq!(pressed, RefreshResult::Newer, "{backend:?}");
    }
    let printed = commands.into_iter().map(Program::finish).collect::<Vec<_>>();
    cluster.assert_exchanges(1);
    for server in &servers {
        let shown = person.look(&server.url).await;
        assert_eq!(shown.generation, 2, "{backend:?}");
        for command in &printed {
            assert_eq!(
                (command.code, command.stdout.trim_end()),
                (Some(0), shown.access_token.as_str()),
                "{command:?}"
            );
        }
    }
    // What all of them have is the current set, with the refresh token that goes on.
    person.reload(&servers[0].url).await;
    assert_eq!(person.press(&servers[0].url).await, RefreshResult::Newer);
    cluster.assert_exchanges(2);
}
