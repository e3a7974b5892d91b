//! Refresh tokens: rotation, reuse detection, leeway, expiry and revocation.

use std::{collections::HashMap, mem, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    grants::{Consent, Grant},
    jwt,
    options::{Options, Rotation},
};

/// With this many, tokens of ended families are dropped, and of the spent ones all but the last of each family.
const MAX_TOKENS: usize = 20_000;

pub(super) type FamilyId = u64;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct RefreshTokens {
    /// All issued tokens, including spent ones and those of ended families.
    issued: HashMap<String, Issued>,
    /// The families that have not ended.
    families: HashMap<FamilyId, Family>,
    last_family: FamilyId,
    /// Whether anything has changed since the last call of [`RefreshTokens::take_changed`].
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
    /// A token that was never issued, is too old, or whose family has ended.
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

    /// Whether anything has changed since the last call.
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
            // The response with the current token seems to be lost. So a new token replaces the current one, which then
            // counts as spent. The previous token stays the same: its leeway is not extended.
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

    /// Ends the family of a refresh token, spent or not. Returns false if the token is unknown or the family has ended.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        self.issued.get(token).map(|issued| issued.family).is_some_and(|family| self.end(family))
    }

    /// Ends a family. Returns false if it has ended before.
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
