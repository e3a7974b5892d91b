//! Authorization codes. Each works for one attempt.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

use super::{grants::Consent, jwt, refresh_tokens::FamilyId};

/// How long used and expired codes are kept, so that a second use is detected.
const REUSE_DETECTION: Duration = Duration::from_secs(600);
/// The largest number of codes. A new one then replaces the oldest.
const MAX_CODES: usize = 20_000;

/// An approved authorize request.
pub(super) struct Approval {
    pub(super) consent: Consent,
    pub(super) redirect_uri: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<String>,
}

#[derive(Default)]
pub(super) struct Codes {
    known: HashMap<String, Code>,
    by_age: VecDeque<String>,
}

struct Code {
    issued: OffsetDateTime,
    state: State,
}

enum State {
    Fresh(Approval),
    /// Used. It has the refresh tokens issued for the code, if any.
    Used(Option<FamilyId>),
}

pub(super) enum Redeemed {
    Approval(Approval),
    /// The code was used before. This is the family of the refresh tokens issued at its first use, if any.
    Reused(Option<FamilyId>),
    Unknown,
    WrongRedirect,
    WrongVerifier,
}

impl Codes {
    pub(super) fn issue(&mut self, now: OffsetDateTime, approval: Approval) -> String {
        self.forget_old(now);
        let code = jwt::random();
        self.known.insert(code.clone(), Code { issued: now, state: State::Fresh(approval) });
        self.by_age.push_back(code.clone());
        code
    }

    /// Redeems a code. The first attempt uses it up, even if it fails.
    pub(super) fn redeem(
        &mut self,
        now: OffsetDateTime,
        life: Duration,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Redeemed {
        let Some(found) = self.known.get_mut(code) else { return Redeemed::Unknown };
        let used = State::Used(found.state.family());
        match std::mem::replace(&mut found.state, used) {
            State::Used(family) => Redeemed::Reused(family),
            State::Fresh(_) if now >= found.issued + life => Redeemed::Unknown,
            State::Fresh(approval) if approval.redirect_uri != redirect_uri => Redeemed::WrongRedirect,
            State::Fresh(approval) if approval.challenge != verifier.map(challenge) => Redeemed::WrongVerifier,
            State::Fresh(approval) => Redeemed::Approval(approval),
        }
    }

    /// Notes the refresh tokens issued for a code, to end them if the code is used again.
    pub(super) fn note_family(&mut self, code: &str, family: FamilyId) {
        if let Some(code) = self.known.get_mut(code) {
            code.state = State::Used(Some(family));
        }
    }

    fn forget_old(&mut self, now: OffsetDateTime) {
        while let Some(oldest) = self.by_age.front() {
            let old = self.known.get(oldest).is_none_or(|code| now > code.issued + REUSE_DETECTION);
            if !old && self.known.len() < MAX_CODES {
                return;
            }
            self.by_age.pop_front().map(|code| self.known.remove(&code));
        }
    }
}

impl State {
    fn family(&self) -> Option<FamilyId> {
        match self {
            Self::Fresh(_) => None,
            Self::Used(family) => *family,
        }
    }
}

/// The PKCE code challenge of a verifier, by the method S256.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}
