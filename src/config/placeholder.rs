//! The placeholders of `.env.example`.

use crate::config::diagnostic::Issue;

const PLACEHOLDERS: [&str; 3] =
    ["paste-the-client-id-here", "paste-the-client-secret-here", "paste-a-random-secret-here"];

/// Rejects a placeholder that was never replaced.
pub(super) fn reject(text: &str) -> Result<(), Issue> {
    if PLACEHOLDERS.contains(&text) {
        let fix = "Replace it with your own value; the lines above it in .env.example say where to get one.";
        return Err(Issue::new("it is still the placeholder of .env.example", fix));
    }
    Ok(())
}
