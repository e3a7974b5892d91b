//! The program under test, as `cargo run -- demo` starts it.

use std::{
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

use crate::process::Kept;

/// A demo on free ports of its own.
pub(crate) struct Demo {
    /// Where the app is.
    pub app: String,
    /// Where its pretend VideoAsk is.
    pub provider: String,
    _process: Kept,
}

impl Demo {
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut process = Kept::start(program(), &[&["demo", "--port", "0"], options].concat());
        let mut url = |mark| process.line_with(mark).trim_end_matches('/').to_owned();
        Self { app: url("Open "), provider: url("login and API, is at "), _process: process }
    }
}

/// The program's path, after having cargo bring it up to date: a test of yesterday's program proves nothing.
fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--package", "videoask-auth", "--bin", "videoask-auth", "--message-format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit());
        forget_this_package(&mut cargo);
        let output = cargo.output().expect("cargo, which built this test, can be run");
        assert!(output.status.success(), "the program does not build");
        let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
        executable(&messages).expect("cargo names the program that it built")
    })
}

/// Drops what cargo tells a test about its own package: build scripts would see it, and cargo build anew over it.
fn forget_this_package(cargo: &mut Command) {
    #[expect(clippy::disallowed_methods, reason = "this is no part of the app, which has a reader of its own")]
    let variables = std::env::vars_os();
    for (name, _) in variables {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
}

/// From cargo's messages, one JSON object a line, so that no target directory need be guessed.
fn executable(messages: &str) -> Option<String> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message.get("executable")?.as_str().map(str::to_owned))
}
