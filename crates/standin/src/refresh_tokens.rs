//! Refresh tokens: rotation, reuse detection, leeway, expiry and revocation.

use std::{collections::HashMap, mem, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    grants::{Consent, Grant},
    jwt,
    options::{Options, Rotation},
};

/// With more, spent and ended tokens are dropped.
const MAX_TOKENS: usize = 20_000;

pub(super) type FamilyId = u64;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct RefreshTokens {
    /// Spent and ended ones included.
    issued: HashMap<String, Issued>,
    /// Those that work.
    families: HashMap<FamilyId, Family>,
    last_family: FamilyId,
    /// Since [`RefreshTokens::take_changed`] was called last.
    #[serde(skip)]
    changed: bool,
}

#[derive(Serialize, Deserialize)]
struct Issued {
    family: FamilyId,
    spent: bool,
}

/// The refresh tokens of one login.
#[derive(Serialize, Deserialize)]
struct Family {
    consent: Consent,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    started_at: OffsetDateTime,
    current: String,
    previous: Option<Spent>,
}

#[derive(Serialize, Deserialize)]
struct Spent {
    token: String,
    #[serde(with = "time::serde::timestamp::milliseconds")]
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
        let token = new_token();
        self.last_family += 1;
        self.remember(token.clone(), self.last_family);
        let family = Family { consent, started_at: now, current: token.clone(), previous: None };
        self.families.insert(self.last_family, family);
        (self.last_family, token)
    }

    /// Whether anything has changed since this was called last.
    pub(super) fn take_changed(&mut self) -> bool {
        mem::take(&mut self.changed)
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
            Rotation::Off => return Refreshed::Granted(family.grant(None)),
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
        let displaced = mem::replace(&mut family.current, new_token());
        let fresh = family.current.clone();
        let grant = family.grant(Some(fresh.clone()));
        self.issued.insert(displaced, Issued { family: id, spent: true });
        self.remember(fresh, id);
        answer(grant)
    }

    /// Ends the family of a refresh token, spent or not. False if there is none.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        self.issued.get(token).map(|issued| issued.family).is_some_and(|family| self.end(family))
    }

    /// False if it has ended before.
    pub(super) fn end(&mut self, id: FamilyId) -> bool {
        self.changed = true;
        self.families.remove(&id).is_some()
    }

    pub(super) fn end_all_of(&mut self, email: &str) {
        self.changed = true;
        self.families.retain(|_, family| !family.consent.user.email.eq_ignore_ascii_case(email));
    }

    fn remember(&mut self, token: String, family: FamilyId) {
        self.changed = true;
        if self.issued.len() >= MAX_TOKENS {
            let families = &self.families;
            self.issued
                .retain(|token, issued| families.get(&issued.family).is_some_and(|family| family.has_token(token)));
        }
        self.issued.insert(token, Issued { family, spent: false });
    }
}

impl Family {
    fn is_too_old(&self, now: OffsetDateTime, options: &Options) -> bool {
        options.refresh_life().is_some_and(|life| now >= self.started_at + life)
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
