//! One line a request, text or JSON, on stderr.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, TelemetryConfig};

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
