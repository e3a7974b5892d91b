//! The program under test, as `cargo run -- demo` starts it.

use crate::{built, process::Kept};

/// The option by which a demo keeps tokens, and has a key.
pub(crate) const KEEP: &str = "--keep";

/// A demo on free ports of its own.
pub(crate) struct Demo {
    /// Where the app is.
    pub app: String,
    /// Where its pretend VideoAsk is.
    pub provider: String,
    /// What opens the routes for machines, where it keeps tokens.
    pub key: Option<String>,
    _process: Kept,
}

impl Demo {
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut process = Kept::start(built::program(), &[&["demo", "--port", "0"], options].concat());
        let app = url(&process.line_with("Open "));
        let key = options.contains(&KEEP).then(|| key(&process.line_with("Bearer ")));
        let provider = url(&process.line_with("login and API, is at "));
        Self { app, provider, key, _process: process }
    }
}

fn url(shown: &str) -> String {
    shown.trim_end_matches('/').to_owned()
}

/// The key is quoted in a line for a shell.
fn key(line: &str) -> String {
    line.split_once('"').expect("the header is quoted").0.to_owned()
}
