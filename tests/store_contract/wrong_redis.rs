//! Servers at STORE_URL that this program cannot use as its Redis. `serve` and `check` report the same error.

use axum::Router;

use super::*;

/// The error of opening, after asserting that examining returns the same one.
async fn refused(url: &StoreUrl) -> StoreError {
    let opening = open(url, IfMissing::Create).await.unwrap_err();
    let examining = inspect(url).await.unwrap_err();
    assert_eq!(opening.to_string(), examining.to_string());
    opening
}

#[tokio::test]
async fn a_node_of_a_cluster() {
    let reserved = ports::ReservedPort::new();
    let bus = reserved.number().to_string();
    for info in ["INFO", ""] {
        let rename = ["--rename-command", "INFO", info];
        let rename = if info.is_empty() { &rename[..] } else { &[] };
        let server = Redis::start_with(&[&["--cluster-enabled", "yes", "--cluster-port", &bus], rename].concat());
        let error = refused(&server.url(None)).await;
        assert!(matches!(error, StoreError::ClusterNode { .. }), "{error:?}");
        assert!(error.to_string().contains("single Redis server"), "{error}");
    }
}

#[tokio::test]
async fn a_sentinel() {
    let error = refused(&Redis::sentinel().url(None)).await;
    assert!(matches!(error, StoreError::Sentinel { .. }), "{error:?}");
}

#[tokio::test]
async fn a_web_server() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = StoreUrl::Redis(format!("redis://{}", listener.local_addr().unwrap()).into());
    tokio::spawn(async move { axum::serve(listener, Router::new()).await });
    let error = refused(&url).await;
    assert!(matches!(error, StoreError::NotARedis { .. }), "{error:?}");
    assert!(error.to_string().contains("it is not a Redis: fix the host and port"), "{error}");
}

#[tokio::test]
async fn that_speaks_no_tls() {
    let error = refused(&Redis::start().tls_url()).await;
    assert!(matches!(error, StoreError::NoTls { .. }), "{error:?}");
    assert!(error.to_string().contains("write redis://"), "{error}");
}

#[tokio::test]
async fn that_has_all_the_clients_it_accepts() {
    let server = Redis::start_with(&["--maxclients", "1"]);
    let _held = server.hold_connection();
    for _ in 0..10 {
        let error = refused(&server.url(None)).await;
        assert!(
            matches!(error, StoreError::Unavailable { reason: UnavailableReason::TooManyClients, .. }),
            "{error:?}"
        );
    }
}

/// Each rule takes a command, a group of commands, or the access to some keys from the user. The program needs all of
/// them except the command `eval`.
#[tokio::test]
async fn that_does_not_permit_the_user_what_the_program_does() {
    let server = Redis::start();
    let commands = "-eval -@scripting -evalsha -script -hset -hdel -hmget -zadd -zrem -zlexcount -pexpire -time -get";
    let rules = commands.split(' ').map(|command| format!("~* +@all {command}"));
    for rule in rules.chain(["~other:* +@all".to_owned(), "~{videoask-auth}:schema +@all".to_owned()]) {
        assert_eq!(server.raw(&format!("ACL SETUSER app reset on >sesame {rule}")), "+OK", "{rule}");
        let url = server.url_as("redis", "app:sesame@");
        if rule.ends_with("-eval") {
            open(&url, IfMissing::Create).await.unwrap();
            continue;
        }
        let error = refused(&url).await;
        assert!(matches!(error, StoreError::NotPermitted { .. }), "{rule}: {error:?}");
        assert!(error.to_string().contains("ACL rules ~{videoask-auth}:*"), "{error}");
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error:?}");
    }
}

/// The rules that the error recommends.
#[tokio::test]
async fn but_one_with_a_user_of_few_rights_will_do() {
    let server = Redis::start();
    let _replica = server.replica();
    let rules = "~{videoask-auth}:* +@read +@write +@scripting +@connection +time +info +wait";
    server.raw(&format!("ACL SETUSER app on >sesame {rules}"));
    let opened = open(&server.url_as("redis", "app:sesame@"), IfMissing::Create).await.unwrap();
    assert_eq!(opened.risks, []);
    redis_scripts::call_everything(&*opened.store).await;
    assert_eq!(inspect(&server.url_as("redis", "app:sesame@")).await.unwrap().status, StoreStatus::Writable);
}

#[tokio::test]
async fn whose_user_may_not_wait_for_its_replicas() {
    let server = Redis::start();
    let _replica = server.replica();
    server.raw("ACL SETUSER app on >sesame ~* +@all -wait");
    let error = refused(&server.url_as("redis", "app:sesame@")).await;
    assert!(matches!(error, StoreError::NotPermitted { .. }), "{error:?}");
}
