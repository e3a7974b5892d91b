//! The codes and tokens that the tenant has issued. Pure state; the time is a parameter.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    codes::{Codes, Redeemed},
    options::Options,
    refresh_tokens::RefreshTokens,
    users::User,
};

/// With this many, expired opaque tokens are dropped.
const MAX_OPAQUE_TOKENS: usize = 20_000;

/// What the user agreed to.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Consent {
    pub(super) user: User,
    pub(super) scope: String,
    /// Whether the request named an audience. Without one, access tokens are not for the API.
    pub(super) for_api: bool,
}

/// What the token endpoint issues tokens for.
pub(super) struct Grant {
    pub(super) consent: Consent,
    pub(super) nonce: Option<String>,
    pub(super) refresh_token: Option<String>,
}

#[derive(Default)]
pub(super) struct Grants {
    pub(super) codes: Codes,
    pub(super) refresh_tokens: RefreshTokens,
    pub(super) access_tokens: AccessTokens,
}

pub(super) enum CodeExchange {
    Granted(Grant),
    Unknown,
    WrongRedirect,
    WrongVerifier,
}

/// What the tenant knows about access tokens besides their claims.
#[derive(Default)]
pub(super) struct AccessTokens {
    /// Opaque tokens that the API accepts, each with its user and expiry.
    pub(super) opaque: HashMap<String, (User, OffsetDateTime)>,
    /// Valid tokens that the API refuses all the same.
    pub(super) refused: HashSet<String>,
}

impl Grants {
    /// Exchanges a code. Its second use ends the refresh tokens issued at the first (RFC 6749, 4.1.2).
    pub(super) fn exchange_code(
        &mut self,
        now: OffsetDateTime,
        options: &Options,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> CodeExchange {
        let approval = match self.codes.redeem(now, options.code_ttl, code, redirect_uri, verifier) {
            Redeemed::Approval(approval) => approval,
            Redeemed::Reused(family) => {
                if let Some(family) = family {
                    self.refresh_tokens.end(family);
                }
                return CodeExchange::Unknown;
            }
            Redeemed::Unknown => return CodeExchange::Unknown,
            Redeemed::WrongRedirect => return CodeExchange::WrongRedirect,
            Redeemed::WrongVerifier => return CodeExchange::WrongVerifier,
        };
        let refresh_token = approval.consent.has_scope("offline_access").then(|| {
            let (family, token) = self.refresh_tokens.start_family(now, approval.consent.clone());
            self.codes.note_family(code, family);
            token
        });
        CodeExchange::Granted(Grant { consent: approval.consent, nonce: approval.nonce, refresh_token })
    }
}

impl AccessTokens {
    pub(super) fn insert_opaque(&mut self, now: OffsetDateTime, token: String, user: User, expires: OffsetDateTime) {
        if self.opaque.len() >= MAX_OPAQUE_TOKENS {
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
