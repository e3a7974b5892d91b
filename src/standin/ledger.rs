//! Codes and refresh tokens: who may still use what. Pure state; the time is a parameter.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

use super::{
    directory::User,
    jwt,
    options::{Options, Rotation},
};

/// Auth0 keeps 200 refresh tokens per user and application; the oldest dies silently.
const FAMILIES_PER_USER: usize = 200;
/// Used and expired codes are remembered this long, so that a second use is noticed.
const CODE_MEMORY: Duration = Duration::from_secs(600);
/// Past this many, codes and dead refresh tokens are forgotten early, so that memory stays bounded.
const REMEMBERED: usize = 20_000;

/// What the user agreed to.
#[derive(Clone)]
pub(super) struct Consent {
    pub(super) user: User,
    pub(super) scope: String,
    /// Whether tokens are meant for the API; without an audience they are not.
    pub(super) for_api: bool,
}

/// An approved authorize request.
pub(super) struct Approval {
    pub(super) consent: Consent,
    pub(super) redirect_uri: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<String>,
}

/// What the token endpoint now has to make tokens for.
pub(super) struct Grant {
    pub(super) consent: Consent,
    pub(super) nonce: Option<String>,
    pub(super) refresh_token: Option<String>,
}

pub(super) enum CodeAnswer {
    Granted(Grant),
    Unknown,
    Reused,
    WrongRedirect,
    WrongVerifier,
}

pub(super) enum RefreshAnswer {
    Granted(Grant),
    /// A spent token within the leeway.
    Forgiven(Grant),
    /// A spent token outside of it: its family is dead now, if it was not already.
    Reused,
    /// Never seen, revoked, or too old.
    Unknown,
}

#[derive(Default)]
pub(super) struct Ledger {
    codes: HashMap<String, Code>,
    codes_by_age: VecDeque<String>,
    /// By refresh token, spent and dead ones included.
    tokens: HashMap<String, Issued>,
    /// Living families, oldest first within a user since ids only grow.
    families: HashMap<FamilyId, Family>,
    last_family: FamilyId,
    /// Opaque access tokens that the API takes, and to when.
    opaque: HashMap<String, (User, OffsetDateTime)>,
    refused: HashSet<String>,
}

type FamilyId = u64;

struct Issued {
    family: FamilyId,
    spent: bool,
}

struct Code {
    issued: OffsetDateTime,
    state: CodeState,
}

enum CodeState {
    Fresh(Approval),
    Used(Option<FamilyId>),
}

/// The refresh tokens that come of one login.
struct Family {
    consent: Consent,
    born: OffsetDateTime,
    used: OffsetDateTime,
    current: String,
    previous: Option<Spent>,
}

struct Spent {
    token: String,
    at: OffsetDateTime,
}

impl Ledger {
    pub(super) fn issue_code(&mut self, now: OffsetDateTime, approval: Approval) -> String {
        self.forget_old_codes(now);
        let code = jwt::random();
        self.codes.insert(code.clone(), Code { issued: now, state: CodeState::Fresh(approval) });
        self.codes_by_age.push_back(code.clone());
        code
    }

    /// The first try spends the code, right or wrong; a second one kills what came of the first.
    pub(super) fn redeem_code(
        &mut self,
        now: OffsetDateTime,
        options: &Options,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> CodeAnswer {
        let Some(found) = self.codes.get_mut(code) else { return CodeAnswer::Unknown };
        let approval = match std::mem::replace(&mut found.state, CodeState::Used(None)) {
            CodeState::Fresh(approval) => approval,
            CodeState::Used(family) => {
                family.map(|family| self.families.remove(&family));
                return CodeAnswer::Reused;
            }
        };
        if now >= found.issued + options.code_ttl {
            return CodeAnswer::Unknown;
        }
        if approval.redirect_uri != redirect_uri {
            return CodeAnswer::WrongRedirect;
        }
        if approval.challenge != verifier.map(challenge) {
            return CodeAnswer::WrongVerifier;
        }
        CodeAnswer::Granted(self.grant(now, code, approval))
    }

    fn grant(&mut self, now: OffsetDateTime, code: &str, approval: Approval) -> Grant {
        let Approval { consent, nonce, .. } = approval;
        let offline = consent.scope.split(' ').any(|scope| scope == "offline_access");
        let refresh_token = offline.then(|| {
            let (family, token) = self.start_family(now, consent.clone());
            if let Some(code) = self.codes.get_mut(code) {
                code.state = CodeState::Used(Some(family));
            }
            token
        });
        Grant { consent, nonce, refresh_token }
    }

    fn start_family(&mut self, now: OffsetDateTime, consent: Consent) -> (FamilyId, String) {
        self.drop_oldest_family_beyond_the_limit(&consent.user);
        self.last_family += 1;
        let token = self.new_token(self.last_family);
        let family = Family { consent, born: now, used: now, current: token.clone(), previous: None };
        self.families.insert(self.last_family, family);
        (self.last_family, token)
    }

    pub(super) fn refresh(&mut self, now: OffsetDateTime, options: &Options, token: &str) -> RefreshAnswer {
        let Some(&Issued { family: id, spent }) = self.tokens.get(token) else { return RefreshAnswer::Unknown };
        let Some(family) = self.families.get_mut(&id) else {
            return if spent { RefreshAnswer::Reused } else { RefreshAnswer::Unknown };
        };
        if family.is_too_old(now, options) {
            self.families.remove(&id);
            return RefreshAnswer::Unknown;
        }
        match options.rotation {
            Rotation::Off => {
                family.used = now;
                RefreshAnswer::Granted(Grant { consent: family.consent.clone(), nonce: None, refresh_token: None })
            }
            Rotation::On { .. } if !spent => RefreshAnswer::Granted(self.rotate(now, id)),
            Rotation::On { leeway } if family.forgives(now, leeway, token) => {
                RefreshAnswer::Forgiven(self.replace_lost(now, id))
            }
            Rotation::On { .. } => {
                self.families.remove(&id);
                RefreshAnswer::Reused
            }
        }
    }

    fn rotate(&mut self, now: OffsetDateTime, id: FamilyId) -> Grant {
        let fresh = self.new_token(id);
        let family = self.living(id);
        let spent = std::mem::replace(&mut family.current, fresh.clone());
        family.previous = Some(Spent { token: spent.clone(), at: now });
        family.used = now;
        let consent = family.consent.clone();
        self.mark_spent(&spent);
        Grant { consent, nonce: None, refresh_token: Some(fresh) }
    }

    /// The answer that carried the current token seems to be lost, so another takes its place. The previous one stays
    /// the previous one, and its leeway is not extended; the lost one is spent.
    fn replace_lost(&mut self, now: OffsetDateTime, id: FamilyId) -> Grant {
        let fresh = self.new_token(id);
        let family = self.living(id);
        let lost = std::mem::replace(&mut family.current, fresh.clone());
        family.used = now;
        let consent = family.consent.clone();
        self.mark_spent(&lost);
        Grant { consent, nonce: None, refresh_token: Some(fresh) }
    }

    fn mark_spent(&mut self, token: &str) {
        if let Some(issued) = self.tokens.get_mut(token) {
            issued.spent = true;
        }
    }

    /// Revokes the family of a refresh token, even by a spent one. Says whose it was.
    pub(super) fn revoke(&mut self, token: &str) -> Option<User> {
        let family = self.families.remove(&self.tokens.get(token)?.family)?;
        Some(family.consent.user)
    }

    pub(super) fn end_grants_of(&mut self, email: &str) {
        self.families.retain(|_, family| !family.consent.user.email.eq_ignore_ascii_case(email));
    }

    pub(super) fn remember_opaque(&mut self, now: OffsetDateTime, token: String, user: User, expires: OffsetDateTime) {
        if self.opaque.len() >= REMEMBERED {
            self.opaque.retain(|_, (_, expires)| *expires > now);
        }
        self.opaque.insert(token, (user, expires));
    }

    pub(super) fn opaque(&self, token: &str) -> Option<&(User, OffsetDateTime)> {
        self.opaque.get(token)
    }

    pub(super) fn refuse_access_token(&mut self, token: String) {
        self.refused.insert(token);
    }

    pub(super) fn refuses(&self, token: &str) -> bool {
        self.refused.contains(token)
    }

    fn living(&mut self, id: FamilyId) -> &mut Family {
        self.families.get_mut(&id).expect("the caller has just found it, under the same lock")
    }

    fn new_token(&mut self, family: FamilyId) -> String {
        if self.tokens.len() >= REMEMBERED {
            let families = &self.families;
            self.tokens.retain(|token, issued| families.get(&issued.family).is_some_and(|family| family.knows(token)));
        }
        let token = format!("v1.{}", jwt::random());
        self.tokens.insert(token.clone(), Issued { family, spent: false });
        token
    }

    fn drop_oldest_family_beyond_the_limit(&mut self, user: &User) {
        let of_user = |(_, family): &(&FamilyId, &Family)| family.consent.user == *user;
        let ids: Vec<FamilyId> = self.families.iter().filter(of_user).map(|(id, _)| *id).collect();
        if ids.len() >= FAMILIES_PER_USER {
            ids.iter().min().map(|oldest| self.families.remove(oldest));
        }
    }

    fn forget_old_codes(&mut self, now: OffsetDateTime) {
        while let Some(oldest) = self.codes_by_age.front() {
            let old = self.codes.get(oldest).is_none_or(|code| now > code.issued + CODE_MEMORY);
            if !old && self.codes.len() < REMEMBERED {
                return;
            }
            self.codes_by_age.pop_front().map(|code| self.codes.remove(&code));
        }
    }
}

impl Family {
    fn is_too_old(&self, now: OffsetDateTime, options: &Options) -> bool {
        let past = |since: OffsetDateTime, life: Option<Duration>| life.is_some_and(|life| now >= since + life);
        past(self.born, options.absolute_life()) || past(self.used, options.refresh_idle)
    }

    fn forgives(&self, now: OffsetDateTime, leeway: Duration, token: &str) -> bool {
        self.previous.as_ref().is_some_and(|previous| previous.token == token && now < previous.at + leeway)
    }

    fn knows(&self, token: &str) -> bool {
        self.current == token || self.previous.as_ref().is_some_and(|previous| previous.token == token)
    }
}

/// PKCE's S256.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}
