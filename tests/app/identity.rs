//! Keep mode: which user a login belongs to, according to the id_token and `/me`.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use oauth2::AccessToken;
use serde_json::{Value, json};
use standin::{Deviation, Endpoint, Fault, User};
use url::Url;
use videoask_auth::{
    app,
    clock::Clock,
    config::Config,
    store::{self, IfMissing, RowKey},
    vault::{Callers, Connected, EmailBefore, Identity, Record, TokenSet},
    web::AppState,
};

use crate::{
    keep::press,
    support::{Browser, EPOCH, KEY, SECRET, Setup, TestServer},
};

/// The usual entry of `ALLOWED_USERS`. Often another user logs in.
const ALICE: &str = "alice@example.com";
const MALLORY: &str = "mallory@example.com";

/// A field of a JSON response: left out, or with this value.
type Field = Option<Value>;

fn fields<const N: usize>(fields: [(&str, Field); N]) -> BTreeMap<String, Field> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn letting_alice_in() -> TestServer {
    Setup::default().var("ALLOWED_USERS", ALICE).start().await
}

#[tokio::test]
async fn an_email_counts_only_if_the_id_token_itself_carries_it_and_calls_it_verified() {
    let server = letting_alice_in().await;
    let emails = [None, Some(Value::Null), Some(json!("")), Some(json!(MALLORY)), Some(json!(ALICE))];
    let verified = [None, Some(json!(false)), Some(json!(true)), Some(json!("true")), Some(json!(1))];
    let me = [None, Some(json!(ALICE)), Some(json!(MALLORY))];
    let mut admitted = 0;
    for email in &emails {
        for verified in &verified {
            for me in &me {
                server.standin.change_faults(|faults| {
                    faults.id_claims = fields([("email", email.clone()), ("email_verified", verified.clone())]);
                    faults.me = fields([("email", me.clone())]);
                });
                let browser = server.browser();
                let page = browser.log_in(MALLORY).await;
                let proven = *email == Some(json!(ALICE)) && *verified == Some(json!(true));
                let case = format!("email {email:?}, email_verified {verified:?}, /me's email {me:?}");
                assert_eq!(page.status, if proven { 200 } else { 403 }, "{case}: {}", page.text());
                assert_eq!(browser.cookie_names().is_empty(), !proven, "{case}");
                admitted += usize::from(proven);
            }
        }
    }
    assert_eq!(admitted, me.len());
}

#[tokio::test]
async fn without_an_id_token_an_email_from_me_opens_nothing() {
    let server = letting_alice_in().await;
    server.standin.change_faults(|faults| {
        faults.deviations.insert(Deviation::NoIdToken);
        faults.me = fields([("email", Some(json!(ALICE)))]);
    });
    assert_eq!(server.browser().log_in(MALLORY).await.status, 403);
}

const IN_USE: &str = "This e-mail address is in use by another VideoAsk account";

fn user_id(email: &str) -> String {
    User::find(email).expect("the stand-in knows every name at example.com").user_id()
}

/// An app for these users. At its VideoAsk every account has Alice's e-mail address, which counts as verified.
async fn sharing_one_address(users: &str) -> TestServer {
    let server = Setup::default().var("ALLOWED_USERS", users).var("API_KEY", KEY).start().await;
    share_one_address(&server);
    server
}

fn share_one_address(server: &TestServer) {
    server.standin.change_faults(|faults| {
        faults.id_claims = fields([("email", Some(json!("Alice@Example.com"))), ("email_verified", Some(json!(true)))]);
    });
}

/// Another process of the same deployment.
async fn replica(one: &TestServer) -> TestServer {
    let replica = Setup::default().beside(one).var("APP_URL", one.app.as_str()).var("ALLOWED_USERS", ALICE);
    replica.var("API_KEY", KEY).var("VIDEOASK_API_URL", one.provider.as_str()).start().await
}

/// Logs in at VideoAsk, and returns the callback URL at this replica.
async fn callback_at(replica: &TestServer, browser: &Browser, user: &str) -> Url {
    let mut callback = browser.approve(&browser.begin().await, user).await;
    callback.set_port(Some(replica.port)).expect("it has a host");
    callback
}

/// Presses Revoke on the user's own page.
async fn revoke(browser: &Browser) {
    let page = browser.get("/tokens").await;
    assert_eq!(press(browser, &page, "revoke").await.status, 303);
}

#[tokio::test]
async fn a_second_account_with_the_same_verified_email_is_turned_away_until_the_first_is_forgotten() {
    let server = sharing_one_address(ALICE).await;
    let alice = server.browser();
    assert_eq!(alice.log_in(ALICE).await.status, 200);
    let mallory = server.browser();
    let page = mallory.log_in(MALLORY).await;
    assert_eq!((page.status, page.title().as_str()), (403, IN_USE));
    assert!(page.text().contains("videoask-auth forget --user Alice@Example.com"), "{}", page.text());
    assert!(page.text().contains(&user_id(MALLORY)) && !page.text().contains(&user_id(ALICE)));
    assert!(mallory.cookie_names().is_empty(), "there is no session");
    assert_eq!(server.api_client().get(&format!("/api/token?user={}", user_id(MALLORY))).await.status, 403);
    assert_eq!(server.api_client().get("/api/token").await.status, 200);

    assert_eq!(alice.log_in(ALICE).await.status, 200, "the owner can log in again");
    revoke(&alice).await;
    assert_eq!(mallory.log_in(MALLORY).await.status, 200, "the entry is free again");
    assert_eq!(server.browser().log_in(ALICE).await.title(), IN_USE);
}

#[tokio::test]
async fn two_accounts_with_one_address_that_log_in_at_once_in_two_processes_are_never_both_connected() {
    let one = sharing_one_address(ALICE).await;
    let other = replica(&one).await;
    for _ in 0..10 {
        let (alice, mallory) = (one.browser(), other.browser());
        let first = alice.approve(&alice.begin().await, ALICE).await;
        let second = callback_at(&other, &mallory, MALLORY).await;
        // The last calls of both are held, so that both logins continue at the same moment.
        one.standin.change_faults(|faults| faults.next(Endpoint::Me, 2, Fault::HeldReply));
        let asked = one.standin.counters().requests_to(Endpoint::Me);
        let release = async {
            while one.standin.counters().requests_to(Endpoint::Me) < asked + 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            one.standin.release_replies();
        };
        let (first, second, ()) = tokio::join!(alice.open(first.as_str()), mallory.open(second.as_str()), release);
        let connected = [&first, &second].into_iter().filter(|page| page.status == 200).count();
        assert!(connected < 2, "{} {}", first.title(), second.title());
        for (page, browser) in [(first, alice), (second, mallory)] {
            match page.status {
                200 => revoke(&browser).await,
                status => assert_eq!((status, page.title().as_str()), (403, IN_USE)),
            }
        }
    }
}

#[tokio::test]
async fn who_was_forgotten_by_another_process_a_moment_ago_does_not_get_an_address_back_that_is_in_use() {
    let one = sharing_one_address(ALICE).await;
    let other = replica(&one).await;
    assert_eq!(one.browser().log_in(ALICE).await.status, 200);
    let (alice, mallory) = (other.browser(), other.browser());
    let callback = callback_at(&other, &alice, ALICE).await;
    assert_eq!(alice.open(callback.as_str()).await.status, 200);
    revoke(&alice).await;
    let callback = callback_at(&other, &mallory, MALLORY).await;
    assert_eq!(mallory.open(callback.as_str()).await.status, 200, "the entry is free");

    // This process still has Alice's first connection in memory, and trusts it.
    let page = one.browser().log_in(ALICE).await;
    assert_eq!((page.status, page.title().as_str()), (403, IN_USE));
    let holder = other.api_client().get("/api/token").await;
    assert_eq!(holder.status, 200, "{}", holder.text());
}

#[tokio::test]
async fn a_user_listed_by_an_id_is_not_turned_away_and_an_ambiguity_ends_within_5_s_in_every_process() {
    for id in [user_id(MALLORY), User::find(MALLORY).expect("an account").sub()] {
        let users = format!("{ALICE},{id}");
        let one = sharing_one_address(&users).await;
        let other = Setup::default().beside(&one).var("ALLOWED_USERS", users).var("API_KEY", KEY).start().await;
        assert_eq!(one.browser().log_in(ALICE).await.status, 200);
        let mallory = one.browser();
        assert_eq!(mallory.log_in(MALLORY).await.status, 200);
        let path = format!("/api/token?user={ALICE}");
        for server in [&one, &other] {
            server.api_client().get(&path).await.is_problem(409, "ambiguous-user");
        }
        revoke(&mallory).await;
        for server in [&one, &other] {
            server.pass(Duration::from_secs(5));
            assert_eq!(server.api_client().get(&path).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_user_who_is_no_longer_listed_does_not_make_the_name_of_a_listed_user_ambiguous() {
    let one = sharing_one_address(&format!("{ALICE},{}", user_id(MALLORY))).await;
    one.browser().log_in(ALICE).await;
    one.browser().log_in(MALLORY).await;
    let users = user_id(ALICE);
    let restarted = Setup::default().beside(&one).var("ALLOWED_USERS", users).var("API_KEY", KEY).start().await;
    let token = restarted.api_client().get(&format!("/api/token?user={ALICE}")).await;
    assert_eq!(token.status, 200, "{}", token.text());
    restarted.api_client().get(&format!("/api/token?user={}", user_id(MALLORY))).await.is_problem(403, "not-allowed");
}

#[tokio::test]
async fn of_several_accounts_that_claim_one_address_at_once_one_gets_it() {
    let server = sharing_one_address(ALICE).await;
    let logins = (0..8).map(|number| {
        let browser = server.browser();
        async move { browser.log_in(&format!("user-{number}@example.com")).await.status }
    });
    let mut statuses = join_all(logins).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403, 403, 403, 403, 403, 403, 403]);
    assert_eq!(server.api_client().get("/api/token").await.status, 200);
}

#[tokio::test]
async fn of_64_logins_of_one_user_in_two_processes_at_once_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db").display().to_string();
    let pairs = [
        ("CLIENT_ID", "demo-client-id"),
        ("CLIENT_SECRET", "demo-client-secret"),
        ("APP_URL", "http://localhost:3000"),
        ("EXPRESS_SESSION", SECRET),
        ("STORE_URL", &format!("sqlite://{path}")),
        ("ALLOWED_USERS", ALICE),
    ];
    let config = Config::from_pairs(pairs).unwrap_or_else(|problems| panic!("{problems}")).config;
    let key = RowKey::of_user(&user_id(ALICE));
    let mut logins = Vec::new();
    for _ in 0..2 {
        let store = store::open(&config.store, IfMissing::Create).await.expect("the folder is ours").store;
        let AppState { vault, keys, provider, .. } =
            app::state(&config, store, Clock::system(), Callers::Requests).expect("it can be built");
        for number in 0..32 {
            let access_token = AccessToken::new(format!("token-{number}"));
            let life = Some(Duration::from_secs(60));
            let tokens = TokenSet::dated(access_token, None, None, life, EPOCH);
            let record = Record::minted(&keys, tokens, Identity::default(), provider.issuer());
            let (vault, key) = (vault.clone(), key.clone());
            logins.push(tokio::spawn(async move { vault.connect(&key, record, None, None).await }));
        }
    }
    for login in join_all(logins).await {
        assert_eq!(login.expect("it does not panic"), Ok(Connected::Yes(EmailBefore::Other)));
    }
}
