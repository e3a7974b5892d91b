//! A store or a provider that responds, but cannot be relied on.

use standin::Deviation;
use videoask_auth::config::StoreUrl;

use crate::{
    cluster::{Backend, Cluster, STRICT, readiness},
    person::RefreshResult,
    scenarios::at_once,
};

#[test]
fn nothing_is_sent_once_the_database_file_was_replaced() {
    at_once([|| async {
        let cluster = Cluster::new(Backend::Sqlite, STRICT);
        let server = cluster.serve();
        let person = cluster.log_in(&server).await;
        let StoreUrl::Sqlite(path) = cluster.store() else { unreachable!("it is SQLite") };
        let backup = path.with_extension("backup");
        std::fs::copy(path, &backup).unwrap();
        std::fs::rename(&backup, path).unwrap();
        assert_eq!(person.press(&server.url).await, RefreshResult::Else(503));
        cluster.assert_exchanges(0);
        assert_eq!(readiness(&server.url).await, "degraded");
    }]);
}

#[test]
fn a_new_refresh_token_is_kept_although_no_access_token_came_with_it() {
    at_once([|| async {
        let cluster = Cluster::new(Backend::Sqlite, STRICT);
        let server = cluster.serve();
        let mut person = cluster.log_in(&server).await;
        cluster.standin().set_deviations([Deviation::NoAccessToken]);
        assert_eq!(person.press(&server.url).await, RefreshResult::Else(503));
        person.reload(&server.url).await;
        cluster.standin().set_deviations([]);
        assert_eq!(person.press(&server.url).await, RefreshResult::Newer);
        cluster.assert_exchanges(2);
    }]);
}

#[test]
fn a_full_store_is_degraded_until_it_takes_writes_again() {
    at_once([|| async {
        let mut cluster = Cluster::new(Backend::Redis, STRICT);
        let server = cluster.serve();
        let person = cluster.log_in(&server).await;
        cluster.redis().raw("CONFIG SET maxmemory 1");
        assert_eq!(person.press(&server.url).await, RefreshResult::Else(503));
        cluster.assert_exchanges(0);
        assert_eq!(readiness(&server.url).await, "degraded");
        cluster.redis().raw("CONFIG SET maxmemory 0");
        assert_eq!(readiness(&server.url).await, "ready");
        assert_eq!(person.press(&server.url).await, RefreshResult::Newer);
        cluster.assert_exchanges(1);
    }]);
}
