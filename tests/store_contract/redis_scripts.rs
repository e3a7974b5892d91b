//! The scripts that the Redis store runs.

use super::{
    index::{indexed, name},
    *,
};

/// Redis Cluster runs a script only if all its keys are declared and in one slot.
#[tokio::test]
async fn each_declares_every_key_that_it_touches_and_all_keys_have_one_hash_tag() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    let monitor = server.monitor();
    call_everything(&*store).await;
    let commands = monitor.commands(&server);
    let ours = |command: &str| -> Vec<String> {
        let arguments = command.split('"').skip(1).step_by(2);
        arguments.filter(|argument| argument.contains("videoask-auth")).map(str::to_owned).collect()
    };
    let (mut declared, mut within) = (Vec::new(), 0);
    for command in commands.iter().filter(|command| !command.contains(r#""SCRIPT" "LOAD""#)) {
        let keys = ours(command);
        assert!(keys.iter().all(|key| key.starts_with("{videoask-auth}:")), "{command}");
        if command.contains("[0 lua]") {
            within += 1;
            assert!(keys.iter().all(|key| declared.contains(key)), "{command}: only {declared:?} are declared");
        } else {
            declared = keys;
        }
    }
    assert!(within > 50, "scripts ran: {commands:#?}");
}

/// Calls the methods for sessions and records, nearly all of them with something to do.
pub async fn call_everything(store: &dyn Store) {
    store.create_session(&session("a", 10, 20)).await.unwrap();
    store.put(&NewRow { due: Some(at(5)), ..minted("a", 10, 20) }, None).await.unwrap();
    store.touch_session(&key("a"), at(15)).await.unwrap();
    store.delete_session(&key("a")).await.unwrap();
    store.create_session(&session("b", 10, 20)).await.unwrap();
    store.put(&minted("b", 10, 20), None).await.unwrap();
    store.put_with_session(&minted("d", 10, 20), None, &session("d", 10, 20)).await.unwrap();
    assert_eq!(store.sweep(at(30)).await.unwrap(), 2);
    let row = NewRow { due: Some(at(5)), ..kept("c") };
    store.put(&row, None).await.unwrap();
    store.claim(&row.key, &lease("me", 30), SPAN, &OpenAttempt::Respect).await.unwrap();
    let expected = untouched(&row);
    let change = Change { due: None, ..begin_attempt(&row, "me") };
    assert_eq!(store.swap(&row.key, &expected, &change).await.unwrap(), Cas::Applied);
    store.release(&row.key, &owner("me")).await.unwrap();
    store.restore(&NewRow { version: version("c1", 8), ..row.clone() }).await.unwrap();
    store.put(&NewRow { state: record::State::Pending, ..kept("pending") }, None).await.unwrap();
    let pending = Expected { state: record::State::Pending, ..expected };
    let owned = NewRow { version: version("c2", 1), ..kept("owner") };
    let adopted = store.adopt(&key("pending"), &pending, &sealed("grave"), &owned, None).await.unwrap();
    assert_eq!(adopted, Adoption::Applied);
    let page = || Page { after: None, limit: 10 };
    assert_eq!(store.list(page()).await.unwrap().len(), 3);
    assert_eq!(store.sealed_by_other_keys(&"other".to_owned(), page()).await.unwrap().len(), 3);
    let index = indexed("c", "label", "user").sealed.index.unwrap();
    let given = NewIndex { key: key("c"), version: version("c1", 8), index };
    store.reindex(&[given]).await.unwrap();
    assert_eq!(store.find(&[name("user")]).await.unwrap().len(), 1);
    assert_eq!(store.counts().await.unwrap().unindexed, 2);
    store.due(at(9), None, 9).await.unwrap();
    store.read(&row.key).await.unwrap();
    store.peek(&row.key).await.unwrap();
    store.session(&key("b")).await.unwrap();
}
