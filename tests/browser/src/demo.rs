//! The program under test, started by its command `demo`.

use crate::{built, process::ChildProcess};

/// The option for keep mode, in which the demo has an API key.
pub(crate) const KEEP: &str = "--keep";

/// A running demo, on free ports.
pub(crate) struct Demo {
    /// The app's base URL.
    pub app: String,
    /// The stand-in's base URL.
    pub provider: String,
    /// In keep mode, the API key.
    pub key: Option<String>,
    /// None if app and stand-in run in this process.
    _process: Option<ChildProcess>,
}

impl Demo {
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut process = ChildProcess::start(built::program(), &[&["demo", "--port", "0"], options].concat());
        let app = url(&process.rest_of_line_after("Open "));
        let key = options.contains(&KEEP).then(|| key(&process.rest_of_line_after("Bearer ")));
        let provider = url(&process.rest_of_line_after("login and API, is at "));
        Self { app, provider, key, _process: Some(process) }
    }

    /// A demo in keep mode that runs in this process already. It has no API key.
    pub(crate) fn in_process(app: String, provider: String) -> Self {
        Self { app, provider, key: None, _process: None }
    }
}

fn url(shown: &str) -> String {
    shown.trim_end_matches('/').to_owned()
}

/// The demo prints the key within a shell command, before a quote.
fn key(line: &str) -> String {
    line.split_once('"').expect("the header is quoted").0.to_owned()
}
