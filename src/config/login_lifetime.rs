//! `REFRESH_TOKEN_LIFETIME`: how long a login is expected to last.

use std::time::Duration;

use crate::config::{
    diagnostic::Issue,
    duration,
    env_reader::{EnvReader, Reported},
    variable::REFRESH_TOKEN_LIFETIME,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SHORTEST: Duration = DAY;
const LONGEST: Duration = DAY.saturating_mul(400);
const FIX: &str = "Write it like 30d, or unlimited.";

/// How long a login lasts if VideoAsk ends it by age. The app uses this only to decide when to warn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginLifetime {
    /// VideoAsk ends a login at this age.
    Limited(Duration),
    /// VideoAsk ends no login by age.
    Unlimited,
}

impl LoginLifetime {
    pub(super) fn read(reader: &mut EnvReader<'_>) -> Result<Self, Reported> {
        reader.or_default(REFRESH_TOKEN_LIFETIME, "30d", Self::parse)
    }

    fn parse(text: &str) -> Result<Self, Issue> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let lifetime = duration::parse(text).map_err(|error| Issue::new(error.to_string(), FIX))?;
        if !(SHORTEST..=LONGEST).contains(&lifetime) {
            return Err(Issue::new("it is not within 1d and 400d", FIX));
        }
        Ok(Self::Limited(lifetime))
    }
}
