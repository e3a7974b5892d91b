//! The stack of the original: Node with express, express-session, passport and passport-videoask.

use std::{path::Path, process::Command};

use url::Url;

use super::support::{
    process::Process,
    standin::{CLIENT_ID, CLIENT_SECRET},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/compare/node");

/// Installs the packages of package-lock.json, unless `node_modules` exists.
pub fn install() {
    if Path::new(FOLDER).join("node_modules").exists() {
        return;
    }
    let npm =
        Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(FOLDER).status();
    assert!(npm.is_ok_and(|status| status.success()), "npm ci failed in {FOLDER}: on Debian, apt-get install npm");
}

pub fn start(port: u16, url: &Url, provider: &Url) -> Process {
    let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    Process::start(
        Command::new("node")
            .arg("app.js")
            .current_dir(FOLDER)
            .env("NODE_ENV", "production")
            .env("PORT", port.to_string())
            .env("APP_URL", bare(url))
            .env("VIDEOASK_URL", bare(provider))
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .env("EXPRESS_SESSION", "benchmark-express-session-0123456789"),
    )
}
