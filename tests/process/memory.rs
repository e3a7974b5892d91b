//! Which secrets are in the memory of a server that is ready.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use aho_corasick::AhoCorasick;

use crate::support::Deployment;

const SESSION: &str = "canary-of-express-session-Q7dYk2mXv9RtB4nZ";
const PREVIOUS: &str = "canary-of-a-former-secret-J3hWs8pLc6TgF1uE";
const KEY: &str = "canary-of-an-api-key-V5bNx0qMa7ZrK9yD";
const CLIENT_SECRET: &str = "canary-of-the-client-secret-G2fUe4wSj8HiO6lC";

/// How often each text occurs in the writable memory of a process.
fn found(id: u32, texts: &[&str]) -> Vec<usize> {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
    let memory = File::open(format!("/proc/{id}/mem")).unwrap();
    // An allocator may reserve a gigabyte, which a simpler search would take minutes for.
    let (search, mut counts) = (AhoCorasick::new(texts).unwrap(), vec![0; texts.len()]);
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw"))) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // Some regions that the kernel maps cannot be read.
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        for found in search.find_iter(&bytes) {
            counts[found.pattern().as_usize()] += 1;
        }
    }
    counts
}

#[test]
fn holds_neither_express_session_nor_an_api_key_once_keys_and_hashes_are_derived() {
    let deployment = Deployment::with_client_secret(CLIENT_SECRET)
        .set("ALLOWED_USERS", "ada@example.com")
        .set("EXPRESS_SESSION", SESSION)
        .set("EXPRESS_SESSION_PREVIOUS_FILE", "previous.txt")
        .set("API_KEY_FILE", "keys.txt");
    fs::write(deployment.path().join("previous.txt"), format!("{PREVIOUS}\n")).unwrap();
    fs::write(deployment.path().join("keys.txt"), format!("{KEY},{KEY}2\n")).unwrap();
    let server = deployment.serve();
    let counts = found(server.program.id(), &[SESSION, PREVIOUS, KEY, CLIENT_SECRET]);
    assert_eq!(counts[..3], [0, 0, 0], "EXPRESS_SESSION, its predecessor, and the API key");
    assert!(counts[3] > 0, "the client secret, which each exchange needs, shows that this search finds what is there");
    assert_eq!(server.stop().code, Some(0));
}
