//! A Redis with a replica, which a failover may make the primary.

use crate::{
    cluster::{Backend, Cluster, STRICT},
    person::{Person, RefreshResult},
    scenarios::at_once,
};

#[test]
fn nothing_is_sent_while_no_replica_acknowledges_the_attempt() {
    at_once([|| async {
        let mut cluster = Cluster::new(Backend::Redis, STRICT);
        let server = cluster.serve();
        let person: Person = cluster.log_in(&server).await;
        let replica = cluster.redis().replica();
        replica.freeze();
        assert_eq!(person.press(&server.url).await, RefreshResult::Else(503));
        cluster.assert_exchanges(0);
        replica.thaw();
        cluster.redis().wait_for_replicas(1);
        assert_eq!(person.press(&server.url).await, RefreshResult::Newer);
        cluster.assert_exchanges(1);
    }]);
}
