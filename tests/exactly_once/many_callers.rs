//! Two hundred callers in several processes, at the moment when a token is due.

use std::time::Duration;

use futures_util::future::join_all;
use standin::Fault;

use crate::{
    cluster::{Backend, Cluster, STRICT},
    person::RefreshResult,
    scenarios::at_once,
    support::Program,
};

/// Each command is a process. With more of them, the store may not answer within its 2 s on a busy machine.
const COMMANDS: usize = 8;
const PRESSES: usize = 192;
/// How long the keeper's exchange is held. All callers should arrive in this time; the test cannot see whether they do.
/// A caller that arrives later gets the new token.
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
    // All of them have the current token set, and its refresh token works.
    person.reload(&servers[0].url).await;
    assert_eq!(person.press(&servers[0].url).await, RefreshResult::Newer);
    cluster.assert_exchanges(2);
}
