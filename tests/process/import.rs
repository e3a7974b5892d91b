//! The command `import`: a refresh token from elsewhere is exchanged once. If the new tokens may not be used yet, they
//! wait in the store.

use standin::{Endpoint, Fault};

use crate::{keep::assert_fails, support::Deployment};

fn refreshes(deployment: &Deployment) -> u64 {
    deployment.provider.standin.counters().refresh_exchanges
}

#[tokio::test]
async fn a_token_that_was_imported_before_is_not_sent_again() {
    let deployment = Deployment::keeping();
    let token = deployment.connect("ada@example.com").await;
    for arguments in [&["import"][..], &["import", "--user", "ada@example.com"], &["import", "--replace"]] {
        let again = deployment.feed(arguments, &token);
        assert_eq!((again.code, again.stderr.as_str()), (Some(0), "already imported; nothing was sent\n"), "{again:?}");
    }
    deployment.run(&["forget", "--user", "ada@example.com"]);
    for _ in 0..2 {
        let words = ["imported before", "ada@example.com", "forgotten", "auth/videoask"];
        assert_fails(&deployment.feed(&["import"], &token), 3, &words);
    }
    assert_eq!(refreshes(&deployment), 1);
    let second = deployment.provider.refresh_token("ada@example.com").await;
    assert_eq!(deployment.feed(&["import"], &second).code, Some(0));
    assert!(deployment.feed(&["import"], &token).stderr.contains("already imported"), "she is connected again");
    assert_eq!(refreshes(&deployment), 2);
}

#[tokio::test]
async fn a_connection_that_works_is_replaced_only_on_demand() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let second = deployment.provider.refresh_token("ada@example.com").await;
    let named = deployment.feed(&["import", "--user", "ada@example.com"], &second);
    assert_fails(&named, 2, &["--replace", "not sent"]);
    assert_eq!(refreshes(&deployment), 1);

    assert_fails(&deployment.feed(&["import"], &second), 2, &["--replace", "same command"]);
    assert_eq!(deployment.status()["imports"][0]["state"], "pending");
    let replaced = deployment.feed(&["import", "--replace"], &second);
    assert_eq!(replaced.code, Some(0), "{replaced:?}");
    assert_eq!(refreshes(&deployment), 2, "it was exchanged once, whatever became of it then");
    assert!(deployment.status()["imports"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_set_whose_owner_is_not_listed_waits() {
    let deployment = Deployment::keeping();
    let token = deployment.provider.refresh_token("eve@example.com").await;
    assert_fails(&deployment.feed(&["import"], &token), 2, &["eve@example.com", "ALLOWED_USERS", "same command"]);
    let deployment = deployment.set("ALLOWED_USERS", "eve@example.com");
    let imported = deployment.feed(&["import"], &token);
    assert_eq!(imported.code, Some(0), "the operator vouches for the e-mail: {imported:?}");
    assert_eq!(deployment.run(&["token"]).code, Some(0));
    assert_eq!(refreshes(&deployment), 1);
}

#[tokio::test]
async fn a_set_waits_where_nobody_says_whose_it_is() {
    let deployment = Deployment::keeping();
    let token = deployment.provider.refresh_token("ada@example.com").await;
    deployment.provider.standin.change_faults(|faults| faults.next(Endpoint::Me, 1, Fault::Status { status: 500 }));
    assert_fails(&deployment.feed(&["import"], &token), 4, &["whose token", "same command"]);
    assert_eq!(deployment.feed(&["import"], &token).code, Some(0));
    assert_eq!(refreshes(&deployment), 1);
}

#[tokio::test]
async fn an_import_that_failed_for_now_is_tried_again_only_by_the_command_and_everything_says_so() {
    const AGAIN: &str = "Run `videoask-auth import` again, with the same token.";
    let deployment = Deployment::keeping();
    let token = deployment.provider.refresh_token("ada@example.com").await;
    deployment.provider.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::Status { status: 503 }));
    let failed = deployment.feed(&["import"], &token);
    assert_fails(&failed, 4, &[AGAIN]);
    let said = [failed.stderr, deployment.run(&["status"]).stdout, deployment.run(&["check", "--offline"]).stdout];
    for said in said {
        assert!(said.contains(AGAIN) && !said.contains("this app tries again"), "{said}");
    }
    assert_eq!(deployment.status()["imports"][0]["trouble"]["next_step"], AGAIN);
    assert_eq!(deployment.feed(&["import"], &token).code, Some(0));
    assert_eq!(refreshes(&deployment), 1);
}

#[tokio::test]
async fn another_users_token_is_not_taken_for_the_named_ones() {
    let deployment = Deployment::keeping();
    let token = deployment.provider.refresh_token("grace@example.com").await;
    let other = deployment.feed(&["import", "--user", "ada@example.com"], &token);
    assert_fails(&other, 2, &["belongs to grace@example.com", "not to ada@example.com"]);
    assert_eq!(deployment.run(&["token", "--user", "grace@example.com"]).code, Some(3));
}

#[test]
fn what_is_no_refresh_token_is_told_by_what_is_wrong() {
    let deployment = Deployment::keeping();
    assert_fails(&deployment.feed(&["import"], ""), 2, &["stdin", "refresh token"]);
    assert_fails(&deployment.feed(&["import"], "VIDEOASK_REFRESH_TOKEN='v1.x'"), 2, &["the token alone"]);
    assert_fails(
        &deployment.feed(&["import"], "VIDEOASK_REFRESH_TOKEN=v1.x"),
        2,
        &["VIDEOASK_REFRESH_TOKEN=...", "sent"],
    );
    assert_fails(&deployment.feed(&["import"], "export REFRESH_TOKEN=v1.x"), 2, &["the token alone"]);
    assert_fails(&deployment.feed(&["import"], "v1.x v1.y"), 2, &["the token alone"]);
    // A JWT with the payload `{"exp":1800000000}`.
    let access_token = deployment.feed(&["import"], "e30.eyJleHAiOjE4MDAwMDAwMDB9.c2lnbmF0dXJl");
    assert_fails(&access_token, 2, &["access token", "Nothing was sent", "refresh_token"]);
    assert_eq!(deployment.files(), [".env"], "and no store is made for it");
    assert_eq!(deployment.provider.standin.counters().requests_to(Endpoint::Token), 0);
    let unknown = deployment.feed(&["import"], "v1.no-such-token");
    assert_fails(&unknown, 3, &["does not accept this refresh token", "invalid_grant", "auth/videoask"]);
    assert!(!unknown.stderr.contains("no-such-token"), "{unknown:?}");
    for words in ["cut off when copied", "issued to another CLIENT_ID"] {
        assert!(unknown.stderr.contains(words), "{words}: {unknown:?}");
    }
    let status = deployment.status();
    let left = ["connections", "imports", "forgotten", "unreadable"].map(|what| status[what].as_array().unwrap().len());
    assert_eq!(left, [0; 4], "a refused import leaves nothing: {status}");
    assert_eq!(deployment.run(&["status"]).stdout, "Nobody is connected.\n");
    assert_fails(&deployment.feed(&["import"], "v1.no-such-token"), 3, &["invalid_grant"]);
    assert_eq!(deployment.provider.standin.counters().refresh_refusals, 1, "it is not sent again");
}

#[tokio::test]
async fn a_token_that_the_wrong_client_sent_can_be_imported_once_client_id_is_right() {
    let deployment = Deployment::keeping().set("CLIENT_ID", "a-typo");
    let token = deployment.provider.refresh_token("ada@example.com").await;
    assert_fails(&deployment.feed(&["import"], &token), 1, &["invalid_client", "CLIENT_ID"]);
    let deployment = deployment.set("CLIENT_ID", "demo-client-id");
    let imported = deployment.feed(&["import"], &token);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!(refreshes(&deployment), 1);
}

#[tokio::test]
async fn a_store_that_import_has_just_created_is_named_once() {
    let deployment = Deployment::keeping();
    let path = deployment.path().canonicalize().unwrap().join("videoask-auth.db");
    let import = async || {
        let token = deployment.provider.refresh_token("ada@example.com").await;
        deployment.feed(&["import", "--replace"], &token).stderr
    };
    let created = format!("A new, empty store was created: {}\n", path.display());
    assert!(import().await.contains(&created));
    assert!(!import().await.contains("created"));
}

#[tokio::test]
async fn an_account_with_the_address_of_a_connected_one_is_not_imported_until_that_is_forgotten() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let token = deployment.provider.refresh_token("mallory@example.com").await;
    let address = ("email".to_owned(), Some("ada@example.com".into()));
    deployment.provider.standin.change_faults(|faults| faults.me.extend([address]));
    let words = ["same e-mail address", "forget --user ada@example.com", "same command"];
    assert_fails(&deployment.feed(&["import"], &token), 2, &words);
    assert_eq!(deployment.run(&["token"]).code, Some(0), "the name is not ambiguous");
    deployment.run(&["forget", "--user", "ada@example.com"]);
    let imported = deployment.feed(&["import"], &token);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!(deployment.run(&["token"]).code, Some(0));
}
