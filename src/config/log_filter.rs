//! `RUST_LOG`: levels, alone or for one of our own log targets.
//!
//! A directive that matches no target would silence the program, so it is a configuration error.

use tracing::level_filters::LevelFilter;

use crate::config::diagnostic::Issue;

const OURS: &str = "videoask_auth";
const FIX: &str = "Write a level (error, warn, info, debug, trace or off), or levels by target, such as \
                   info,videoask_auth::web=debug.";

/// Returns the directives in the form that `tracing_subscriber`'s `Targets` parses. If no directive is a level alone,
/// targets that no directive names log only errors.
pub(super) fn parse(text: &str) -> Result<String, Issue> {
    let directives = text.split(',').map(str::trim).filter(|directive| !directive.is_empty());
    let directives = directives.map(directive).collect::<Result<Vec<_>, Issue>>()?;
    if directives.is_empty() {
        return Err(Issue::new("it has commas and no level", FIX));
    }
    let filter = directives.join(",");
    Ok(if directives.iter().any(|directive| is_level(directive)) { filter } else { format!("error,{filter}") })
}

fn directive(text: &str) -> Result<String, Issue> {
    let (target, level) = text.split_once('=').map_or((text, None), |(target, level)| (target, Some(level)));
    let target = target.trim().replace('-', "_");
    match level {
        None if is_level(text) || is_ours(&target) => Ok(target),
        None => Err(Issue::new("a directive is neither a level nor a log target of this program", FIX)),
        Some(_) if !is_ours(&target) => {
            Err(Issue::new("a directive names a log target that is not this program's (videoask_auth)", FIX))
        }
        Some(level) if is_level(level.trim()) => Ok(format!("{target}={}", level.trim())),
        Some(_) => Err(Issue::new("a directive has no level after its =", FIX)),
    }
}

/// tracing parses an empty level as `error`, which is certainly a mistake.
fn is_level(text: &str) -> bool {
    !text.is_empty() && text.parse::<LevelFilter>().is_ok()
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix(OURS).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
