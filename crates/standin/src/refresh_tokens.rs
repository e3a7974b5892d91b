//! Refresh tokens: rotation, reuse detection, leeway, expiry and revocation.

use std::{collections::HashMap, mem, time::Duration};

use time::OffsetDateTime;

use super::{
    grants::{Consent, Grant},
    jwt,
    options::{Options, Rotation},
    users::User,
};

/// Auth0 keeps 200 refresh tokens per user and application, and then removes the oldest.
const MAX_FAMILIES_PER_USER: usize = 200;
/// With more, spent and ended tokens are dropped.
const MAX_TOKENS: usize = 20_000;

pub(super) type FamilyId = u64;

#[derive(Default)]
pub(super) struct RefreshTokens {
    /// Spent and ended ones included.
    issued: HashMap<String, Issued>,
    /// Those that work. Ids increase, so the lowest is the oldest.
    families: HashMap<FamilyId, Family>,
    last_family: FamilyId,
}

struct Issued {
    family: FamilyId,
    spent: bool,
}

/// The refresh tokens of one login.
struct Family {
    consent: Consent,
    started_at: OffsetDateTime,
    used_at: OffsetDateTime,
    current: String,
    previous: Option<Spent>,
}

struct Spent {
    token: String,
    at: OffsetDateTime,
}

pub(super) enum Refreshed {
    Granted(Grant),
    /// A spent token within the leeway.
    WithinLeeway(Grant),
    /// A spent token after the leeway. Its family has ended.
    Reused,
    /// Never seen, revoked, or too old.
    Unknown,
}

impl RefreshTokens {
    pub(super) fn start_family(&mut self, now: OffsetDateTime, consent: Consent) -> (FamilyId, String) {
        self.make_room_for(&consent.user);
        self.last_family += 1;
        let token = new_token();
        self.remember(token.clone(), self.last_family);
        let family = Family { consent, started_at: now, used_at: now, current: token.clone(), previous: None };
        self.families.insert(self.last_family, family);
        (self.last_family, token)
    }

    pub(super) fn refresh(&mut self, now: OffsetDateTime, options: &Options, token: &str) -> Refreshed {
        let Some(&Issued { family: id, spent }) = self.issued.get(token) else { return Refreshed::Unknown };
        let refused = if spent { Refreshed::Reused } else { Refreshed::Unknown };
        let Some(family) = self.families.get_mut(&id) else { return refused };
        if family.is_too_old(now, options) {
            self.end(id);
            return refused;
        }
        let answer = match options.rotation {
            Rotation::Off => {
                family.used_at = now;
                return Refreshed::Granted(family.grant(None));
            }
            Rotation::On { leeway } if spent && !family.is_within_leeway(now, leeway, token) => {
                self.end(id);
                return refused;
            }
            // The response with the current token seems to be lost, so a new one replaces it and it counts as spent.
            // The previous token stays the same: its leeway is not extended.
            Rotation::On { .. } if spent => Refreshed::WithinLeeway,
            Rotation::On { .. } => {
                family.previous = Some(Spent { token: token.into(), at: now });
                Refreshed::Granted
            }
        };
        family.used_at = now;
        let displaced = mem::replace(&mut family.current, new_token());
        let fresh = family.current.clone();
        let grant = family.grant(Some(fresh.clone()));
        self.issued.insert(displaced, Issued { family: id, spent: true });
        self.remember(fresh, id);
        answer(grant)
    }

    /// Ends the family of a refresh token, spent or not, and returns its user.
    pub(super) fn revoke(&mut self, token: &str) -> Option<User> {
        let family = self.families.remove(&self.issued.get(token)?.family)?;
        Some(family.consent.user)
    }

    pub(super) fn end(&mut self, id: FamilyId) {
        self.families.remove(&id);
    }

    pub(super) fn end_all_of(&mut self, email: &str) {
        self.families.retain(|_, family| !family.consent.user.email.eq_ignore_ascii_case(email));
    }

    fn remember(&mut self, token: String, family: FamilyId) {
        if self.issued.len() >= MAX_TOKENS {
            let families = &self.families;
            self.issued
                .retain(|token, issued| families.get(&issued.family).is_some_and(|family| family.has_token(token)));
        }
        self.issued.insert(token, Issued { family, spent: false });
    }

    fn make_room_for(&mut self, user: &User) {
        let of_user = self.families.iter().filter(|(_, family)| family.consent.user == *user).map(|(id, _)| *id);
        let ids: Vec<FamilyId> = of_user.collect();
        if let Some(oldest) = ids.iter().min().filter(|_| ids.len() >= MAX_FAMILIES_PER_USER) {
            self.end(*oldest);
        }
    }
}

impl Family {
    fn is_too_old(&self, now: OffsetDateTime, options: &Options) -> bool {
        let past = |since: OffsetDateTime, life: Option<Duration>| life.is_some_and(|life| now >= since + life);
        past(self.started_at, options.absolute_life()) || past(self.used_at, options.refresh_idle)
    }

    fn is_within_leeway(&self, now: OffsetDateTime, leeway: Duration, token: &str) -> bool {
        self.previous.as_ref().is_some_and(|previous| previous.token == token && now < previous.at + leeway)
    }

    fn has_token(&self, token: &str) -> bool {
        self.current == token || self.previous.as_ref().is_some_and(|previous| previous.token == token)
    }

    fn grant(&self, refresh_token: Option<String>) -> Grant {
        Grant { consent: self.consent.clone(), nonce: None, refresh_token }
    }
}

fn new_token() -> String {
    format!("v1.{}", jwt::random())
}
