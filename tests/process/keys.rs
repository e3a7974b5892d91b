//! The command `key`: API keys are added, listed and removed while a server runs.

use crate::{
    keep::assert_fails,
    support::{Deployment, Server, until},
};

/// The status of the response to a GET with this key.
async fn status(server: &Server, key: &str, path: &str) -> u16 {
    let browser = server.browser();
    browser.send(reqwest::Method::GET, &browser.url(path), |request| request.bearer_auth(key)).await.status
}

/// Waits until a request with a key has this status: a server notices a new or removed key within 5 s.
pub async fn until_status(server: &Server, key: &str, path: &str, wanted: u16) {
    let mut last = 0;
    for _ in 0..600 {
        last = status(server, key, path).await;
        if last == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{path} is {last}, not {wanted}");
}

impl Deployment {
    /// Adds a key, and returns it.
    pub fn add_key(&self, arguments: &[&str]) -> String {
        let added = self.run(&[&["key", "add"], arguments].concat());
        assert_eq!(added.code, Some(0), "{added:?}");
        let key = added.stdout.strip_suffix('\n').expect("one line").to_owned();
        assert!(key.starts_with("vak_") && key.len() == 53 && !added.stderr.contains(&key), "{added:?}");
        key
    }
}

#[tokio::test]
async fn a_key_is_added_used_listed_and_removed_beside_a_server() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let server = deployment.serve();
    let all = deployment.add_key(&["everything"]);
    until_status(&server, &all, "/api/token", 200).await;
    let arguments = ["reports", "--user", "ada@example.com", "--method", "get", "--path", "/forms", "--expires", "90d"];
    let narrow = deployment.add_key(&arguments);
    until_status(&server, &narrow, "/proxy/forms", 200).await;
    assert_eq!(status(&server, &narrow, "/api/token").await, 403);

    assert_fails(
        &deployment.run(&["key", "add", "reports"]),
        1,
        &["already an API key called reports", "key remove reports"],
    );
    assert_fails(
        &deployment.run(&["key", "add", "a", "--user", "nobody@example.com"]),
        2,
        &["neither connected nor in ALLOWED_USERS"],
    );
    for wrong in [
        &["env-1"][..],
        &["a b"],
        &["a", "--path", "forms"],
        &["a", "--path", "/a/../b"],
        &["a", "--method", "G T"],
        &["a", "--expires", "soon"],
        &["a", "--expires", "0s"],
    ] {
        assert_fails(&deployment.run(&[&["key", "add"], wrong].concat()), 2, &["error: "]);
    }

    let noted = || {
        let listed: serde_json::Value =
            serde_json::from_str(&deployment.run(&["key", "list", "--json"]).stdout).unwrap();
        listed[1]["last_used_at"].is_string().then_some(listed)
    };
    let listed = until("the last use", noted);
    let [everything, reports] = &listed.as_array().unwrap()[..] else { panic!("{listed}") };
    assert_eq!((&everything["name"], &everything["proxy_only"]), (&"everything".into(), &false.into()));
    assert_eq!((&reports["name"], &reports["proxy_only"]), (&"reports".into(), &true.into()));
    assert_eq!(reports["users"], serde_json::json!(["ada@example.com"]));
    assert_eq!((&reports["methods"][0], &reports["paths"][0]), (&"GET".into(), &"/forms".into()));
    assert!(reports["expires_at"].is_string() && everything["expires_at"].is_null(), "{listed}");
    let text = deployment.run(&["key", "list"]);
    assert!(text.stdout.contains("ada@example.com; the proxy only; methods GET; paths /forms"), "{text:?}");
    for secret in [&all, &narrow] {
        assert!(!text.stdout.contains(secret.as_str()) && !listed.to_string().contains(secret.as_str()));
    }
    assert_eq!(deployment.status()["api_keys"]["total"], 2);
    assert!(deployment.run(&["status"]).stdout.contains("API keys: 2"));

    assert_eq!(deployment.run(&["key", "remove", "everything"]).code, Some(0));
    assert_fails(&deployment.run(&["key", "remove", "everything"]), 1, &["no API key called \"everything\""]);
    until_status(&server, &all, "/api/token", 401).await;
    let log = server.stop().stderr;
    assert!(log.lines().any(|line| line.contains("/api/token") && line.contains("key=\"everything\"")), "{log}");
    assert!(log.lines().any(|line| line.contains("/proxy/") && line.contains("key=\"reports\"")), "{log}");
}

#[test]
fn no_key_is_made_where_nothing_is_kept() {
    let deployment = Deployment::new();
    for arguments in [&["add", "a"][..], &["list"], &["remove", "a"]] {
        assert_fails(
            &deployment.run(&[&["key"], arguments].concat()),
            2,
            &["`key` works in keep mode only", "ALLOWED_USERS"],
        );
    }
    let deployment = Deployment::keeping();
    assert_fails(&deployment.run(&["key", "add", "a"]), 1, &["there is no store yet"]);
}
