//! Refresh tokens: rotation, reuse detection, leeway, expiry and revocation.

use std::{collections::HashMap, mem, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use time::OffsetDateTime;

use super::{
    grants::{Consent, Grant},
    jwt,
    options::{Options, Restart, Rotation},
    users::User,
};

/// With more, spent and ended tokens are dropped.
const MAX_TOKENS: usize = 20_000;

pub(super) type FamilyId = u64;

#[derive(Default)]
pub(super) struct RefreshTokens {
    /// Spent and ended ones included.
    issued: HashMap<String, Issued>,
    /// Those that work.
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
    pub(super) fn start_family(
        &mut self,
        now: OffsetDateTime,
        options: &Options,
        consent: Consent,
    ) -> (FamilyId, String) {
        let token = new_token(options, &consent);
        (self.add_family(now, consent, token.clone()), token)
    }

    fn add_family(&mut self, now: OffsetDateTime, consent: Consent, token: String) -> FamilyId {
        self.last_family += 1;
        self.remember(token.clone(), self.last_family);
        let family = Family { consent, started_at: now, current: token, previous: None };
        self.families.insert(self.last_family, family);
        self.last_family
    }

    pub(super) fn refresh(&mut self, now: OffsetDateTime, options: &Options, token: &str) -> Refreshed {
        if options.restart == Restart::GoesOn
            && !self.issued.contains_key(token)
            && let Some(consent) = consent_in(token)
        {
            self.add_family(now, consent, token.to_owned());
        }
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
        let displaced = mem::replace(&mut family.current, new_token(options, &family.consent));
        let fresh = family.current.clone();
        let grant = family.grant(Some(fresh.clone()));
        self.issued.insert(displaced, Issued { family: id, spent: true });
        self.remember(fresh, id);
        answer(grant)
    }

    /// Ends the family of a refresh token, spent or not. False if there is none.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        self.issued.get(token).is_some_and(|issued| self.families.remove(&issued.family).is_some())
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

fn new_token(options: &Options, consent: &Consent) -> String {
    let random = jwt::random();
    match options.restart {
        Restart::Forgets => format!("v1.{random}"),
        Restart::GoesOn => {
            let Consent { user, scope, for_api } = consent;
            let claims = json!([user.email, scope, for_api]).to_string();
            format!("v1.{random}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims))
        }
    }
}

/// What the user agreed to, of a token that says so itself.
fn consent_in(token: &str) -> Option<Consent> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.strip_prefix("v1.")?.split_once('.')?.1).ok()?;
    let (email, scope, for_api): (String, String, bool) = serde_json::from_slice(&claims).ok()?;
    Some(Consent { user: User::find(&email)?, scope, for_api })
}
