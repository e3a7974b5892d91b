//! What was forgotten stays forgotten, also where the store loses the note of it.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    fleet::{Backend, Fleet, STRICT},
    scenarios::at_once,
    support::Finished,
};

/// A record that was forgotten elsewhere leaves the memory of a process within 15 s.
const LEFT_MEMORY: Duration = Duration::from_secs(20);

#[test]
fn a_connection_that_was_forgotten_is_not_written_back_into_a_redis_that_lost_everything() {
    at_once([|| async {
        let mut fleet = Fleet::new(Backend::ForgetfulRedis, STRICT).with_api_key();
        let server = fleet.serve();
        fleet.log_in(&server).await;
        fleet.hand_out(&server).await;
        let forgotten = fleet.forget();
        assert_eq!(forgotten.code, Some(0), "{forgotten:?}");
        sleep(LEFT_MEMORY).await;
        assert_eq!(fleet.redis().raw("FLUSHALL"), "+OK");
        assert_eq!(fleet.ask_for_a_token(&server).await.status, 404);
        // The emptied Redis is no store at all, which `token` does not create.
        let token: Finished = fleet.token().finish();
        assert_eq!(token.code, Some(1), "{token:?}");
        assert_eq!(server.stop().code, Some(0));
        fleet.assert_exchanges(0);
    }]);
}
