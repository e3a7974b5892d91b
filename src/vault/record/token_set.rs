//! The result of one exchange: access token, refresh token if issued, scope and expiry.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth2::{AccessToken, RefreshToken};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::times::numeric_date;

/// The assumed life of an access token if neither the response nor the token contains an expiry.
const UNDATED_LIFE: time::Duration = time::Duration::minutes(5);

/// A longer life, by response or token, is cut to this.
const LONGEST_LIFE: time::Duration = time::Duration::days(400);

/// The tokens of one exchange. The oauth2 types redact themselves in `Debug`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenSet {
    /// The bearer token for VideoAsk's API.
    pub access_token: AccessToken,
    /// Gets the next set. Issued only with the scope `offline_access`.
    pub refresh_token: Option<RefreshToken>,
    pub(crate) scope: Option<String>,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) issued_at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) expires_at: OffsetDateTime,
}

impl TokenSet {
    /// A set whose expiry comes from `expires_in`, else from the `exp` of a JWT, else from an assumed life of 5 min. It
    /// expires between `now` and 400 days later.
    #[must_use]
    pub fn dated(
        access_token: AccessToken,
        refresh_token: Option<RefreshToken>,
        scope: Option<String>,
        expires_in: Option<Duration>,
        now: OffsetDateTime,
    ) -> Self {
        let expires_at = expires_in
            .map(|life| now.saturating_add(life.try_into().unwrap_or(time::Duration::MAX)))
            .or_else(|| jwt_expiry(&access_token))
            .unwrap_or(now.saturating_add(UNDATED_LIFE))
            .clamp(now, now.saturating_add(LONGEST_LIFE));
        Self { access_token, refresh_token, scope, issued_at: now, expires_at }
    }

    pub(crate) fn life(&self) -> Duration {
        (self.expires_at - self.issued_at).try_into().unwrap_or_default()
    }

    /// The remaining life at `now`. Never more than the whole life, even if the clock was set back.
    pub(crate) fn left(&self, now: OffsetDateTime) -> Duration {
        self.dated_left(now).min(self.life())
    }

    /// Whether, by its dates, more than its whole life plus `tolerance` is left. Then the clock was wrong when it was
    /// issued, or is wrong now, and its real expiry is unknown.
    pub(crate) fn has_impossible_times(&self, now: OffsetDateTime, tolerance: Duration) -> bool {
        is_impossible(self.dated_left(now), self.life(), tolerance)
    }

    /// Whether the access token works for less than this, or for an unknown time, or not at all.
    pub(crate) fn falls_short(&self, life: Duration, now: OffsetDateTime, tolerance: Duration) -> bool {
        let (left, whole) = (self.dated_left(now), self.life());
        left.min(whole) < life || left.is_zero() || whole.is_zero() || is_impossible(left, whole, tolerance)
    }

    fn dated_left(&self, now: OffsetDateTime) -> Duration {
        (self.expires_at - now).try_into().unwrap_or_default()
    }

    /// The claims of an access token that is a JWT. They are not verified: display them, never decide by them.
    pub(crate) fn claims(&self) -> Option<Map<String, Value>> {
        claims(&self.access_token)
    }
}

fn is_impossible(left: Duration, life: Duration, tolerance: Duration) -> bool {
    left > life.saturating_add(tolerance)
}

fn claims(token: &AccessToken) -> Option<Map<String, Value>> {
    let mut parts = token.secret().split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn jwt_expiry(token: &AccessToken) -> Option<OffsetDateTime> {
    numeric_date(claims(token)?.get("exp")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn dated(expires_in: Option<Duration>, access_token: &str) -> TokenSet {
        TokenSet::dated(AccessToken::new(access_token.to_owned()), None, None, expires_in, NOW)
    }

    fn jwt(exp: impl std::fmt::Display) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}")))
    }

    #[test]
    fn a_life_is_what_the_reply_says_within_its_bounds() {
        for (expires_in, life) in [(Duration::ZERO, Duration::ZERO), (DAY, DAY), (Duration::MAX, 400 * DAY)] {
            assert_eq!(dated(Some(expires_in), "opaque").life(), life);
        }
        assert_eq!(dated(None, "opaque").life(), Duration::from_secs(300));
        for (exp, life) in [(i64::MIN, 300), (-1_000_000, 0), (60, 60), (253_402_300_799, 400 * 86_400)] {
            assert_eq!(dated(None, &jwt(exp)).life(), Duration::from_secs(life), "{exp}");
        }
        for (exp, life) in [("60.5", 60_500), ("6e1", 60_000), ("1e300", 300_000), ("\"60\"", 300_000)] {
            assert_eq!(dated(None, &jwt(exp)).life(), Duration::from_millis(life), "{exp}");
        }
    }

    #[test]
    fn no_clock_makes_more_left_than_the_whole_life() {
        let (tokens, tolerance) = (dated(Some(DAY), "opaque"), Duration::from_secs(5));
        for (clock, left, misdated) in
            [(3600, 23 * 3600, false), (-5, 86_400, false), (-6, 86_400, true), (-34_560_000, 86_400, true)]
        {
            let now = NOW + time::Duration::seconds(clock);
            assert_eq!(
                (tokens.left(now).as_secs(), tokens.has_impossible_times(now, tolerance)),
                (left, misdated),
                "{clock}"
            );
        }
    }
}
