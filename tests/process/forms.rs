//! `forms`: the account's forms by a kept connection.

use serde_json::Value;
use standin::{Endpoint, Mishap, Quirk};

use crate::{keep::assert_fails, support::Deployment};

#[tokio::test]
async fn every_form_of_every_page_is_listed_one_a_line() {
    let deployment = Deployment::keeping().set("ORGANIZATION_ID", "");
    deployment.connect("ada@example.com").await;
    let forms = deployment.run(&["forms"]);
    assert_eq!((forms.code, forms.stderr.as_str()), (Some(0), ""), "{forms:?}");
    let lines: Vec<&str> = forms.stdout.lines().collect();
    assert_eq!(lines.len(), 45);
    let (id, rest) = lines[0].split_once("  ").expect("columns");
    let (address, title) = rest.split_once("  ").expect("columns");
    assert_eq!((id.len(), title), (36, "Welcome on board (1)"));
    assert!(address.starts_with("https://www.videoask.com/"), "{address}");
    assert_eq!(deployment.provider.standin.counters().refresh_exchanges, 1, "the import's own");

    let json = deployment.run(&["forms", "--json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let json = json.as_array().expect("an array");
    assert_eq!((json.len(), &json[44]["status"]), (45, &Value::from("published")));
}

#[tokio::test]
async fn a_user_without_a_connection_is_told_to_log_in() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    assert_fails(
        &deployment.run(&["forms", "--user", "grace@example.com"]),
        3,
        &["grace@example.com is not connected"],
    );
    assert_fails(&Deployment::new().run(&["forms"]), 2, &["ALLOWED_USERS"]);
}

#[tokio::test]
async fn a_401_forces_one_refresh_and_what_the_api_says_else_is_told() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let standin = &deployment.provider.standin;
    standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Mishap::Unauthorized));
    assert_eq!(deployment.run(&["forms"]).code, Some(0));
    assert_eq!(standin.counters().refresh_exchanges, 2, "the import's, and the forced one");

    standin.change_faults(|faults| _ = faults.quirks.insert(Quirk::RefuseAccessTokens));
    assert_fails(&deployment.run(&["forms"]), 1, &["Token has expired.", "videoask-auth status"]);
    assert_eq!(standin.counters().refresh_exchanges, 2, "no more for ten minutes");
    standin.change_faults(|faults| faults.quirks.clear());

    standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Mishap::Status { status: 503 }));
    assert_fails(&deployment.run(&["forms"]), 4, &["status 503", "Try again later"]);
    standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Mishap::Html { status: 200 }));
    assert_fails(&deployment.run(&["forms"]), 1, &["could not be read", "VIDEOASK_API_URL"]);
    let elsewhere = deployment.set("ORGANIZATION_ID", "of-somebody-else");
    assert_fails(&elsewhere.run(&["forms"]), 1, &["status 403", "ORGANIZATION_ID"]);
}
