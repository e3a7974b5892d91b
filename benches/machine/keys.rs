//! API keys in the store, in addition to the one of the configuration.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use url::Url;

use super::support::client;

/// Adds so many keys with all rights, waits until the server accepts the last one, and returns it. `program` is the
/// command that runs the program in the folder of the server's store.
pub async fn add(count: usize, program: impl Fn() -> Command, token: &Url) -> String {
    let add = |number| {
        let output = program().args(["key", "add", &format!("key-{number}")]).stdout(Stdio::piped()).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "key add ended with {}", output.status);
        String::from_utf8(output.stdout).expect("text")
    };
    let last = (0..count).map(add).last().expect("there is one");
    let last = last.trim();
    while !client().get(token.clone()).bearer_auth(last).send().await.expect("the app answers").status().is_success() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    last.to_owned()
}
