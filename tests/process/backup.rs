//! The command `backup`: it makes a complete copy of the store, also while a server writes.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use serde_json::Value;

use crate::{
    documents::{assert_success, blocks, shell},
    keep::assert_fails,
    support::{Deployment, browser::Browser, documents::Proof, redis::Redis, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn each_backup_made_while_a_server_writes_is_whole_and_of_its_moment() {
    let deployment = Deployment::keeping();
    let server = deployment.serve();
    let (stop, logins) = (Arc::new(AtomicBool::default()), Arc::new(AtomicUsize::default()));
    let people = ["ada@example.com", "grace@example.com"].map(|user| {
        let (url, stop, logins) = (server.url.clone(), Arc::clone(&stop), Arc::clone(&logins));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let browser = Browser::new(url.clone());
                let mut callback = browser.approve(&browser.begin().await, user).await;
                callback.set_port(url.port()).unwrap();
                assert_eq!(browser.open(callback.as_str()).await.status, 200);
                logins.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let names: Vec<String> = (0..6).map(|number| format!("copy-{number}.db")).collect();
    for name in &names {
        let before = logins.load(Ordering::Relaxed);
        until("both log in once more", || (logins.load(Ordering::Relaxed) >= before + 4).then_some(()));
        let finished = deployment.run(&["backup", name]);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{finished:?}");
        assert!(finished.stderr.contains(name) && finished.stderr.contains("EXPRESS_SESSION"), "{finished:?}");
    }
    stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.unwrap();
    }
    assert_eq!(server.stop().code, Some(0));

    let mut connections = Vec::new();
    for name in &names {
        let file = deployment.path().join(name);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let database = rusqlite::Connection::open(&file).unwrap();
        let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
        drop(database);
        let store = format!("sqlite://{name}");
        let run = |arguments: &[&str]| deployment.start(arguments, &[("STORE_URL", &store)]).finish();
        let status: Value = serde_json::from_str(&run(&["status", "--json"]).stdout).unwrap();
        let listed = status["connections"].as_array().unwrap().iter();
        let listed: Vec<_> =
            listed.map(|connection| (connection["state"].clone(), connection["user"].clone())).collect();
        assert_eq!(listed.len(), 2, "{status}");
        assert!(listed.iter().all(|(state, _)| state == "live"), "{status}");
        connections.push(status["connections"][0]["connection_id"].clone());
        let token = run(&["token"]).stdout;
        assert_eq!(deployment.provider.owner_of(token.trim()).await.as_deref(), Some("ada@example.com"));
    }
    connections.dedup();
    assert_eq!(connections.len(), names.len(), "the server wrote between any two");
    let left = deployment.files().into_iter().filter(|name| name.ends_with(".partial"));
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn a_backup_is_made_and_put_back_as_described() {
    let [make, restore] = &blocks(Proof::Backup)[..] else { panic!("one block makes it, one puts it back") };
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let server = deployment.serve();
    assert_success(make, &shell(&make.text, deployment.path(), &[]));
    assert_eq!(deployment.run(&["forget", "--user", "ada@example.com"]).code, Some(0));
    assert_eq!(deployment.run(&["token"]).code, Some(3));
    assert_eq!(server.stop().code, Some(0));

    let restored = shell(&restore.text, deployment.path(), &[]);
    assert_success(restore, &restored);
    assert!(String::from_utf8_lossy(&restored.stdout).contains("ada@example.com"), "{restored:?}");
    let server = deployment.serve();
    let token = deployment.run(&["token"]).stdout;
    assert_eq!(deployment.provider.owner_of(token.trim()).await.as_deref(), Some("ada@example.com"));
    assert_eq!(server.stop().code, Some(0));
    let mode = fs::metadata(deployment.path().join("videoask-auth.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_is_left_of_what_failed() {
    let deployment = Deployment::keeping();
    assert_fails(&deployment.run(&["backup", "copy.db"]), 1, &["there is no store yet"]);
    deployment.connect("ada@example.com").await;
    for (name, word) in [
        ("videoask-auth.db", "overwrites nothing"),
        (".env", "overwrites nothing"),
        (".", "overwrites nothing"),
        ("no/such/folder.db", "does not exist"),
        (".env/copy.db", "does not exist"),
    ] {
        let before = deployment.files();
        assert_fails(&deployment.run(&["backup", name]), 2, &[word]);
        assert_eq!(deployment.files(), before, "{name}");
    }
    assert_eq!(deployment.run(&["token"]).code, Some(0), "the store is as it was");
    deployment.sealed_folder("sealed");
    assert_fails(&deployment.run_unprivileged(&["backup", "sealed/copy.db"]), 1, &["cannot write", "sealed/copy.db"]);
    assert_eq!(deployment.run(&["backup"]).code, Some(2));
    assert_eq!(deployment.run(&["backup", "one.db", "two.db"]).code, Some(2));
}

/// A store so large that the copying can be killed before it is done.
async fn large_store() -> Deployment {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let store = rusqlite::Connection::open(deployment.path().join("videoask-auth.db")).unwrap();
    let insert = "INSERT INTO notifications (key, version, state) VALUES ('large', 1, hex(zeroblob(20000000)))";
    assert_eq!(store.execute(insert, []).unwrap(), 1);
    deployment
}

#[tokio::test]
async fn a_backup_that_is_killed_takes_no_name_and_the_next_one_writes_over_what_it_left() {
    let deployment = large_store().await;
    let folder = deployment.path();
    let (copy, partial) = (folder.join("copy.db"), folder.join("copy.db.partial"));
    let partials = || deployment.files().into_iter().filter(|name| name.starts_with("copy.db")).collect::<Vec<_>>();
    let mut backup = deployment.start(&["backup", "copy.db"], &[]);
    until("the copy begins", || partial.metadata().is_ok_and(|file| file.len() > 0).then_some(()));
    assert!(!copy.exists(), "the name is given to a whole file");
    backup.signal("KILL");
    assert_eq!(backup.ended().code(), None);
    assert_eq!(partials(), ["copy.db.partial", "copy.db.partial-journal"]);
    assert_eq!(deployment.run(&["backup", "copy.db"]).code, Some(0));
    assert_eq!(partials(), ["copy.db"]);
    let database = rusqlite::Connection::open(&copy).unwrap();
    assert_eq!(database.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
    drop(database);

    // This is the state after a kill between two steps: the complete copy has its name, and `.partial` is not yet
    // removed.
    fs::hard_link(&copy, &partial).unwrap();
    fs::rename(&copy, folder.join("kept.db")).unwrap();
    let kept = fs::metadata(folder.join("kept.db")).unwrap().len();
    assert_eq!(deployment.run(&["backup", "copy.db"]).code, Some(0));
    assert_eq!(fs::metadata(folder.join("kept.db")).unwrap().len(), kept, "a whole backup is not written over");
    assert!(!partial.exists());
}

#[tokio::test]
async fn two_backups_of_one_name_are_told_from_one_that_was_killed() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let partial = deployment.path().join("copy.db.partial");
    let other = fs::File::create(&partial).unwrap();
    other.lock().unwrap();
    assert_fails(&deployment.run(&["backup", "copy.db"]), 4, &["under way"]);
    drop(other);
    fs::write(&partial, "somebody's notes").unwrap();
    assert_fails(&deployment.run(&["backup", "copy.db"]), 2, &["copy.db.partial", "overwrites nothing"]);
    assert_eq!(fs::read_to_string(&partial).unwrap(), "somebody's notes");
}

#[tokio::test]
async fn a_store_of_tokens_that_no_user_keeps_is_copied_too() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    assert_eq!(server.log_in(&server.browser()).await.status, 200);
    assert_eq!(deployment.run(&["backup", "copy.db"]).code, Some(0));
    assert!(deployment.files().contains(&"copy.db".to_owned()));
}

#[test]
fn a_store_that_is_no_file_is_refused() {
    let redis = Redis::start();
    let address = redis.name().replace("Redis at ", "redis://");
    for (store, words) in [(&*address, "append-only file"), ("memory:", "no other process can copy it")] {
        let deployment = Deployment::keeping().set("STORE_URL", store);
        assert_fails(&deployment.run(&["backup", "copy.db"]), 2, &[words]);
        assert_eq!(deployment.files(), [".env"]);
    }
}
