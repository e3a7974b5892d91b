//! Logs: one line a request, text or JSON, on stderr. And figures, for `/metrics`.
//!
//! What never goes into a log line, at any level: tokens, codes, secrets, cookies, API keys, and the query of a
//! request. Text that came from outside passes through [`excerpt`]. No text from outside goes into a figure at all:
//! its labels are the enums of this room.
//!
//! * [`Metrics`] – what is counted and timed on the way, and the page of all figures
//! * [`Stopwatch`], [`Exchange`] – time until they are dropped
//! * [`Figures`], [`Census`] – what is read off when the page is asked for

mod each;
mod exchange;
mod figures;
mod labels;
mod metrics;
mod stopwatch;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, TelemetryConfig};

pub use self::{
    exchange::Exchange,
    figures::{Census, Figures},
    labels::{
        Asked, Endpoint, ExchangeResult, Grant, Hindrance, LoginResult, ProblemWord, Route, Standing, StatusClass,
    },
    metrics::Metrics,
    stopwatch::Stopwatch,
};

/// The longest piece of text from outside that is shown or logged, in characters.
const EXCERPT: usize = 200;

/// How much is told where `RUST_LOG` is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// All that a server does.
    Server,
    /// What is wrong: a command tells the rest by its result.
    Command,
}

impl Talk {
    /// The same as `RUST_LOG` would have it.
    #[must_use]
    pub const fn filter(self) -> &'static str {
        match self {
            Self::Server => "info",
            Self::Command => "warn",
        }
    }
}

/// Starts logging for the whole process. A second call changes nothing.
pub fn init(config: &TelemetryConfig, unset: Talk) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let filter = config.filter.as_deref().unwrap_or(unset.filter());
    let registry = tracing_subscriber::registry().with(capped(&filter.parse().unwrap_or_default()));
    // Only an earlier call can make `try_init` fail, and then logging is on already.
    let _ = match config.format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}

/// The operator's filter with every target but ours capped at `warn`: HTTP and store clients write what they send and
/// receive, secrets included, at `debug` and `trace`. The session layer is silent, since its warnings are everyday
/// events (an expired cookie) that we report ourselves.
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

/// Text from outside, fit to be shown and logged: escaped, and cut to 200 characters.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut shown = String::new();
    let mut left = EXCERPT;
    for character in text.chars() {
        let escaped = match character {
            '"' | '\'' => String::from(character),
            other => other.escape_debug().to_string(),
        };
        let length = escaped.chars().count();
        if length >= left {
            shown.push('…');
            break;
        }
        left -= length;
        shown.push_str(&escaped);
    }
    shown
}

/// As [`excerpt`], for an answer that may echo the `secrets` of its request.
#[must_use]
pub fn excerpt_without<'s>(text: &str, secrets: impl IntoIterator<Item = &'s str>) -> String {
    let redact = |text: String, secret: &str| if secret.is_empty() { text } else { text.replace(secret, "[redacted]") };
    excerpt(&secrets.into_iter().fold(text.to_owned(), redact))
}

/// An error and its causes in one line, for the log. Our error types carry no secret in either.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {}", excerpt(&cause.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_escaped_and_cut() {
        assert_eq!(excerpt("it's \"fine\"\r\n\u{202e}é"), "it's \"fine\"\\r\\n\\u{202e}é");
        let long = excerpt(&"\n".repeat(1000));
        assert!(long.chars().count() <= EXCERPT, "{} characters", long.chars().count());
        assert!(long.ends_with("\\n…"), "an escape is never cut in two");
    }

    #[test]
    fn an_echoed_secret_is_redacted_even_where_the_cut_would_split_it() {
        let text = format!("{}s3cret-value", "x".repeat(195));
        assert!(!excerpt_without(&text, ["s3cret-value", ""]).contains("s3c"));
    }

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
