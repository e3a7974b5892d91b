//! Keep mode: which login is whose, by what the id_token and `/me` say.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Setup, World};

/// The entry of `ALLOWED_USERS`. The user who logs in is another one.
const ALICE: &str = "alice@example.com";
const MALLORY: &str = "mallory@example.com";

/// A field of a JSON answer: left out, or with this value.
type Field = Option<Value>;

fn fields<const N: usize>(fields: [(&str, Field); N]) -> BTreeMap<String, Field> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn letting_alice_in() -> World {
    Setup::default().var("ALLOWED_USERS", ALICE).start().await
}

#[tokio::test]
async fn an_email_counts_only_if_the_id_token_itself_carries_it_and_calls_it_verified() {
    let world = letting_alice_in().await;
    let emails = [None, Some(Value::Null), Some(json!("")), Some(json!(MALLORY)), Some(json!(ALICE))];
    let verified = [None, Some(json!(false)), Some(json!(true)), Some(json!("true")), Some(json!(1))];
    let me = [None, Some(json!(ALICE)), Some(json!(MALLORY))];
    let mut admitted = 0;
    for email in &emails {
        for verified in &verified {
            for me in &me {
                world.standin.change_faults(|faults| {
                    faults.id_claims = fields([("email", email.clone()), ("email_verified", verified.clone())]);
                    faults.me = fields([("email", me.clone())]);
                });
                let browser = world.browser();
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
    let world = letting_alice_in().await;
    world.standin.change_faults(|faults| {
        faults.quirks.insert(videoask_auth::standin::Quirk::NoIdToken);
        faults.me = fields([("email", Some(json!(ALICE)))]);
    });
    assert_eq!(world.browser().log_in(MALLORY).await.status, 403);
}
