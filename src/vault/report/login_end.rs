//! When a login is expected to end, and how near that is. Page, `status`, machine API, metric and notifications all
//! take the date from here.

use std::fmt;

use time::{Duration, OffsetDateTime};

use crate::{config::LoginLifetime, times::span, vault::RecordBody};

/// A person should know from this part of the login's life on.
const SOON: f64 = 0.8;
/// A person should act from this part of the login's life on.
const URGENT: f64 = 0.95;

/// When a login is expected to end, which is when its user has to log in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginEnd {
    pub(crate) at: OffsetDateTime,
    pub(crate) basis: Basis,
    pub(crate) minted_at: OffsetDateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// Its access token expires, and there is no refresh token.
    NoRefreshToken,
    /// An earlier login of this user ended at this age.
    EarlierLogin,
    Lifetime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Under 80 % of its life.
    None,
    /// From 80 % on.
    Soon,
    /// From 95 % on.
    Urgent,
}

impl LoginEnd {
    /// The expected end by age: the shorter of `lifetime` and the life of an earlier login that VideoAsk ended. What a
    /// refresh at a greater age has disproved does not count; if nothing is left, nothing is expected.
    pub(crate) fn expected(body: &RecordBody, lifetime: LoginLifetime, now: OffsetDateTime) -> Option<Self> {
        let minted_at = body.minted_at.min(now);
        if body.tokens.refresh_token.is_none() {
            return Some(Self { at: body.tokens.expires_at, basis: Basis::NoRefreshToken, minted_at });
        }
        let age = body.proven_age();
        let observed = body.history.observed_life.filter(|life| !life.is_disproved_at(age));
        let observed = observed.map(|life| (life.worked(), Basis::EarlierLogin));
        let configured = configured(lifetime).filter(|life| age <= *life).map(|life| (life, Basis::Lifetime));
        let (life, basis) = observed.into_iter().chain(configured).min_by_key(|(life, _)| *life)?;
        Some(Self { at: minted_at + life, basis, minted_at })
    }

    pub(crate) fn urgency(&self, now: OffsetDateTime) -> Urgency {
        let life = self.at - self.minted_at;
        if now >= self.minted_at + life * URGENT {
            Urgency::Urgent
        } else if now >= self.minted_at + life * SOON {
            Urgency::Soon
        } else {
            Urgency::None
        }
    }

    /// When it next becomes nearer.
    pub(crate) fn next_urgency(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let life = self.at - self.minted_at;
        [SOON, URGENT].map(|part| self.minted_at + life * part).into_iter().find(|at| now < *at)
    }

    pub(crate) fn life(&self) -> Duration {
        self.at - self.minted_at
    }
}

/// Why then, as a sentence.
impl fmt::Display for LoginEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.basis {
            Basis::EarlierLogin => write!(f, "An earlier login stopped working after {}.", span(self.life())),
            Basis::Lifetime => write!(f, "A login is expected to last {}.", span(self.life())),
            Basis::NoRefreshToken => f.write_str("There is no refresh token."),
        }
    }
}

fn configured(lifetime: LoginLifetime) -> Option<Duration> {
    match lifetime {
        LoginLifetime::Limited(lifetime) => lifetime.try_into().ok(),
        LoginLifetime::Unlimited => None,
    }
}

#[cfg(test)]
mod tests {
    use oauth2::{AccessToken, RefreshToken};
    use time::macros::datetime;

    use super::*;
    use crate::{
        store::records::State,
        vault::{
            Cause, Identity, Issuer, ProviderMessage, RefreshFailure, TokenSet,
            record::{
                history::{Exchanged, History},
                observed_life::ObservedLife,
            },
        },
    };

    const START: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);
    const MONTH: LoginLifetime = LoginLifetime::Limited(std::time::Duration::from_secs(30 * 86_400));

    fn day(days: f64) -> OffsetDateTime {
        START + Duration::DAY * days
    }

    /// A login of [`START`], last refreshed at this age in days.
    fn login(refreshed: f64, observed_life: Option<ObservedLife>) -> RecordBody {
        let token = AccessToken::new("access".to_owned());
        let refresh_token = Some(RefreshToken::new("refresh".to_owned()));
        RecordBody {
            tokens: TokenSet::dated(token, refresh_token, None, None, START),
            identity: Identity::default(),
            issuer: Issuer { client_id: String::new(), token_endpoint: String::new() },
            minted_at: START,
            history: History {
                last: Some(Exchanged { at: day(refreshed), by: String::new() }),
                observed_life,
                ..History::default()
            },
        }
    }

    fn died(mut body: RecordBody, cause: Cause, at: f64) -> RecordBody {
        body.history.failure = Some(RefreshFailure {
            cause,
            since: day(at),
            failures: 1,
            retry_at: None,
            message: ProviderMessage::default(),
            by: String::new(),
        });
        body
    }

    fn expected(body: &RecordBody, lifetime: LoginLifetime) -> Option<OffsetDateTime> {
        LoginEnd::expected(body, lifetime, day(100.0)).map(|end| end.at)
    }

    #[test]
    fn a_login_lasts_as_long_as_is_configured() {
        assert_eq!(expected(&login(1.0, None), MONTH), Some(day(30.0)));
        assert_eq!(expected(&login(1.0, None), LoginLifetime::Unlimited), None);
    }

    #[test]
    fn an_earlier_login_that_ended_by_age_shortens_it() {
        let life = died(login(11.7, None), Cause::GrantEnded, 12.6).observed_life(State::Dead);
        for lifetime in [MONTH, LoginLifetime::Unlimited] {
            assert_eq!(expected(&login(1.0, life), lifetime), Some(day(11.7)), "it worked up to then");
        }
        let longer = ObservedLife::new(Duration::days(50), Duration::days(51));
        assert_eq!(expected(&login(1.0, longer), MONTH), Some(day(30.0)));
    }

    #[test]
    fn what_is_learned_is_kept_by_later_logins_until_one_lives_longer() {
        let life = ObservedLife::new(Duration::days(11), Duration::days(12));
        assert_eq!(login(9.0, life).observed_life(State::Live), life);
        assert_eq!(login(12.5, life).observed_life(State::Live), None);
        assert_eq!(expected(&login(11.5, life), MONTH), Some(day(11.0)), "it may end at any moment");
        assert_eq!(expected(&login(12.5, life), MONTH), Some(day(30.0)));
        assert_eq!(expected(&login(31.0, life), MONTH), None, "nothing is known of so old a login");
    }

    #[test]
    fn only_an_end_by_age_teaches_anything() {
        for cause in [Cause::ResponseLost, Cause::IdentityChanged, Cause::ImportRefused] {
            assert_eq!(died(login(11.7, None), cause, 12.6).observed_life(State::Dead), None, "{cause:?}");
        }
        let young = died(login(0.0, None), Cause::GrantEnded, 0.9);
        assert_eq!(young.observed_life(State::Dead), None, "somebody revoked it");
        let unwatched = died(login(0.0, None), Cause::GrantEnded, 25.0).observed_life(State::Dead);
        assert_eq!(unwatched.map(ObservedLife::worked), Some(Duration::days(24)));
    }

    #[test]
    fn without_a_refresh_token_a_login_ends_with_its_access_token() {
        let mut body = login(0.0, None);
        body.tokens.refresh_token = None;
        assert_eq!(expected(&body, MONTH), Some(body.tokens.expires_at));
    }

    #[test]
    fn a_login_needs_attention_from_80_and_from_95_percent_of_its_life() {
        let end = LoginEnd::expected(&login(1.0, None), MONTH, START).expect("it ends");
        let urgency = |days| end.urgency(day(days));
        assert_eq!((urgency(0.0), urgency(23.9)), (Urgency::None, Urgency::None));
        assert_eq!((urgency(24.1), urgency(28.4)), (Urgency::Soon, Urgency::Soon));
        assert_eq!((urgency(28.6), urgency(31.0)), (Urgency::Urgent, Urgency::Urgent));
    }
}
