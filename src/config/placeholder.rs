//! The values of `.env.example` that stand for what the reader has to fill in.

use crate::config::finding::Fault;

const PLACEHOLDERS: [&str; 3] =
    ["paste-the-client-id-here", "paste-the-client-secret-here", "paste-a-random-secret-here"];

/// Refuses a value that was copied from `.env.example` and never filled in.
pub(super) fn refuse(text: &str) -> Result<(), Fault> {
    if PLACEHOLDERS.contains(&text) {
        let mend = "Put your own value in its place; the lines above it in .env.example say where to get one.";
        return Err(Fault::new("it is still the placeholder of .env.example", mend));
    }
    Ok(())
}
