//! Logs: one line a request, text or JSON, on stderr.
//!
//! What never goes into a log line, at any level: tokens, codes, secrets, cookies, API keys, and the query of a
//! request. Text that came from outside passes through [`Foreign`].

use std::fmt;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, TelemetryConfig};

/// The longest piece of foreign text that is shown or logged, in characters.
const FOREIGN_LENGTH: usize = 200;

/// Starts logging for the whole process. A second call changes nothing.
pub fn init(config: &TelemetryConfig) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(capped(&config.filter.parse().unwrap_or_default()));
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

/// Text from outside, made fit for a page or a log line: control characters escaped, cut to 200 characters.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'a>(pub &'a str);

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(FOREIGN_LENGTH) {
            if character.is_control() || is_format(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if characters.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Invisible characters that reorder or hide the text around them.
fn is_format(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// An error and its causes in one line, for the log. Our error types carry no secret in either.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {}", Foreign(&cause.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_break_a_line_or_hide() {
        assert_eq!(Foreign("a\nb\u{202e}c").to_string(), "a\\u{a}b\\u{202e}c");
    }

    #[test]
    fn foreign_text_is_cut_at_200_characters() {
        assert_eq!(Foreign(&"é".repeat(201)).to_string(), format!("{}…", "é".repeat(200)));
        assert_eq!(Foreign(&"é".repeat(200)).to_string(), "é".repeat(200));
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
