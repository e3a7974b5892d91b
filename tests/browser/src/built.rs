//! What cargo built: the program under test, and the libraries it is built from.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};

use crate::process::ChildProcess;

/// The program's path.
pub(crate) fn program() -> &'static str {
    let programs = artifacts().iter().filter(|artifact| artifact["target"]["kind"] == json!(["bin"]));
    let mut paths = programs.filter_map(|program| program["executable"].as_str());
    paths.next().expect("cargo names the program that it built")
}

/// Starts the program with these arguments.
#[must_use]
pub fn start_program(arguments: &[&str]) -> ChildProcess {
    ChildProcess::start(program(), arguments)
}

/// The path of a library that this package depends on, compiled, for a program that is compiled by a test.
#[must_use]
pub fn library(name: &str) -> PathBuf {
    let libraries = artifacts().iter().filter(|artifact| artifact["target"]["name"] == name);
    let files = libraries.filter_map(|library| library["filenames"].as_array()).flatten();
    let mut paths = files.filter_map(|file| file.as_str().map(PathBuf::from));
    // The other file is metadata, which nothing can be linked to.
    paths.find(|path| path.extension() == Some("rlib".as_ref())).unwrap_or_else(|| panic!("cargo built no {name}"))
}

/// All artifacts, brought up to date by cargo: a test of an old program proves nothing. A test target is built too, so
/// that cargo selects the same features as in `cargo test --workspace` and builds nothing twice.
fn artifacts() -> &'static [Value] {
    static ARTIFACTS: OnceLock<Vec<Value>> = OnceLock::new();
    ARTIFACTS.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--workspace", "--bin", "videoask-auth", "--test", "demo", "--message-format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit());
        forget_this_package(&mut cargo);
        let output = cargo.output().expect("cargo, which built this test, can be run");
        assert!(output.status.success(), "the program does not build");
        // One JSON object per line. It names the files, so the target directory need not be guessed.
        let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
        messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    })
}

/// Removes the variables by which cargo tells a test about its package: build scripts would see them, and cargo would
/// build again.
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
