//! A Redis with a replica, which a failover may make the primary.

use crate::{
    fleet::{Backend, Fleet, STRICT},
    person::{Person, Pressed},
    scenarios::at_once,
};

#[test]
fn nothing_is_sent_while_no_replica_acknowledges_the_attempt() {
    at_once([|| async {
        let mut fleet = Fleet::new(Backend::Redis, STRICT);
        let server = fleet.serve();
        let person: Person = fleet.log_in(&server).await;
        let replica = fleet.redis().replica();
        replica.freeze();
        assert_eq!(person.press(&server.url).await, Pressed::Else(503));
        fleet.assert_exchanges(0);
        replica.thaw();
        fleet.redis().wait_for_replicas(1);
        assert_eq!(person.press(&server.url).await, Pressed::Newer);
        fleet.assert_exchanges(1);
    }]);
}
