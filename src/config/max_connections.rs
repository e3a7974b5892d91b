//! `MAX_CONNECTIONS`: how many HTTP connections may be open at once.

use std::num::NonZeroUsize;

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported},
    variable::MAX_CONNECTIONS,
};

/// Far above any file limit; a larger value is a mistake.
const MOST: usize = 1_000_000;

/// Reads the variable. Without it, the server's default applies.
pub(super) fn read(reader: &mut EnvReader<'_>) -> Result<Option<NonZeroUsize>, Reported> {
    reader.optional(MAX_CONNECTIONS, parse)
}

fn parse(text: &str) -> Result<NonZeroUsize, Issue> {
    let count = text.parse().ok().filter(|count: &NonZeroUsize| count.get() <= MOST);
    count.ok_or_else(|| Issue::new("it is not a number of connections", "Write a number from 1 to 1000000."))
}
