//! Logs to stderr, one line for each event, as text or JSON.

use std::sync::OnceLock;

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    clock::Clock,
    config::{LogFormat, TelemetryConfig},
    telemetry::{
        line::{JsonLine, TextLine},
        one_line,
    },
};

/// The format of the process, once it is known.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// How much is logged if `RUST_LOG` is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Everything that a server does.
    Server,
    /// Only problems: a command prints everything else as its result.
    Command,
}

impl Verbosity {
    /// The same as `RUST_LOG` would have it.
    #[must_use]
    pub const fn filter(self) -> &'static str {
        match self {
            Self::Server => "info",
            Self::Command => "warn",
        }
    }
}

/// Sets the format of the fatal errors of a process that cannot start logging. A second call changes nothing.
pub(crate) fn set_format(format: LogFormat) {
    let _ = FORMAT.set(format);
}

/// Starts logging for the whole process. A second call changes nothing.
pub(crate) fn init(config: &TelemetryConfig, unset: Verbosity) {
    set_format(config.format);
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr);
    let filter = config.filter.as_deref().unwrap_or(unset.filter());
    let registry = tracing_subscriber::registry().with(capped(&filter.parse().unwrap_or_default()));
    // Only an earlier call can make `try_init` fail, and then logging is on already.
    let _ = match config.format {
        LogFormat::Text => registry.with(lines.event_format(TextLine)).try_init(),
        LogFormat::Json => {
            // The default hook prints text.
            std::panic::set_hook(Box::new(|panic| tracing::error!("{}", one_line(panic))));
            registry.with(lines.event_format(JsonLine)).try_init()
        }
    };
}

/// Logs the error that ends the process, if the format is JSON: at any `RUST_LOG`, and even before logging has started. In
/// the text format the caller prints it.
pub(crate) fn fatal_error(message: &str) -> Option<String> {
    #[derive(Serialize)]
    struct Line<'a> {
        timestamp: Option<String>,
        level: &'static str,
        message: &'a str,
        target: &'static str,
    }
    if FORMAT.get() != Some(&LogFormat::Json) {
        return None;
    }
    let timestamp = Clock::system().now().format(&Rfc3339).ok();
    let message = one_line(message);
    serde_json::to_string(&Line { timestamp, level: "ERROR", message: &message, target: "videoask_auth" }).ok()
}

/// The operator's filter, with every target but ours limited to `warn`: HTTP and store clients log what they send and
/// receive, including secrets, at `debug` and `trace`. The session layer is silent, since its warnings are normal events,
/// such as an expired cookie.
fn capped(filter: &Targets) -> Targets {
    let ours = |target: &str| target == "videoask_auth" || target.starts_with("videoask_auth::");
    let default = filter.default_level().unwrap_or(LevelFilter::OFF);
    filter
        .iter()
        .map(|(target, level)| if ours(target) { (target, level) } else { (target, level.min(LevelFilter::WARN)) })
        .fold(Targets::new().with_target("videoask_auth", default), |targets, (target, level)| {
            targets.with_target(target, level)
        })
        .with_default(default.min(LevelFilter::WARN))
        .with_target("tower_sessions", LevelFilter::OFF)
        .with_target("tower_sessions_core", LevelFilter::OFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_never_log_below_warn() {
        let targets = capped(&"trace,hyper=trace,videoask_auth::web=debug".parse().expect("a filter"));
        assert!(!targets.would_enable("hyper::client", &tracing::Level::INFO));
        assert!(!targets.would_enable("redis", &tracing::Level::INFO));
        assert!(targets.would_enable("redis", &tracing::Level::WARN));
        assert!(targets.would_enable("videoask_auth::store", &tracing::Level::TRACE));
        assert!(!targets.would_enable("videoask_auth::web", &tracing::Level::TRACE));
        assert!(!targets.would_enable("tower_sessions_core::session", &tracing::Level::ERROR));
    }
}
