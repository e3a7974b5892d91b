//! What the tenant has handed out, and may still be used. Pure state; the time is a parameter.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use super::{
    codes::{Codes, Redeemed},
    directory::User,
    options::Options,
    refresh_tokens::RefreshTokens,
};

/// Past this many, expired opaque tokens are forgotten.
const OPAQUE_REMEMBERED: usize = 20_000;

/// What the user agreed to.
#[derive(Clone)]
pub(super) struct Consent {
    pub(super) user: User,
    pub(super) scope: String,
    /// Whether tokens are meant for the API; without an audience they are not.
    pub(super) for_api: bool,
}

/// What the token endpoint now has to make tokens for.
pub(super) struct Grant {
    pub(super) consent: Consent,
    pub(super) nonce: Option<String>,
    pub(super) refresh_token: Option<String>,
}

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) codes: Codes,
    pub(super) refresh_tokens: RefreshTokens,
    pub(super) access_tokens: AccessTokens,
}

pub(super) enum CodeAnswer {
    Granted(Grant),
    Reused,
    Unknown,
    WrongRedirect,
    WrongVerifier,
}

/// What an access token does not say itself.
#[derive(Default)]
pub(super) struct AccessTokens {
    /// Opaque ones that the API takes, and to when.
    pub(super) opaque: HashMap<String, (User, OffsetDateTime)>,
    /// Those that it refuses though they are good.
    pub(super) refused: HashSet<String>,
}

impl Ledger {
    /// A code that comes a second time ends what came of the first.
    pub(super) fn exchange_code(
        &mut self,
        now: OffsetDateTime,
        options: &Options,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> CodeAnswer {
        let approval = match self.codes.redeem(now, options.code_ttl, code, redirect_uri, verifier) {
            Redeemed::Approval(approval) => approval,
            Redeemed::Reused(family) => {
                if let Some(family) = family {
                    self.refresh_tokens.end(family);
                }
                return CodeAnswer::Reused;
            }
            Redeemed::Unknown => return CodeAnswer::Unknown,
            Redeemed::WrongRedirect => return CodeAnswer::WrongRedirect,
            Redeemed::WrongVerifier => return CodeAnswer::WrongVerifier,
        };
        let refresh_token = approval.consent.has_scope("offline_access").then(|| {
            let (family, token) = self.refresh_tokens.start_family(now, approval.consent.clone());
            self.codes.led_to(code, family);
            token
        });
        CodeAnswer::Granted(Grant { consent: approval.consent, nonce: approval.nonce, refresh_token })
    }
}

impl AccessTokens {
    pub(super) fn remember_opaque(&mut self, now: OffsetDateTime, token: String, user: User, expires: OffsetDateTime) {
        if self.opaque.len() >= OPAQUE_REMEMBERED {
            self.opaque.retain(|_, (_, expires)| *expires > now);
        }
        self.opaque.insert(token, (user, expires));
    }
}

impl Consent {
    pub(super) fn has_scope(&self, wanted: &str) -> bool {
        self.scope.split(' ').any(|scope| scope == wanted)
    }
}
