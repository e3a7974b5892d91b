//! A record in memory.

use std::{fmt, sync::OnceLock};

use reqwest::header::HeaderValue;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::{
    http,
    store::{
        Limits,
        records::{RowVersion, State},
    },
    vault::{
        record::{Record, claims::Claims},
        settings::{RefreshPolicy, Settings},
    },
};

/// A decrypted record, as it is in the store or as it will be once it is saved.
#[derive(Debug)]
pub(crate) struct CachedRecord {
    pub(crate) record: Record,
    pub(crate) state: State,
    /// The limits of the record's session, in mint mode.
    pub(crate) limits: Option<Limits>,
    written: WrittenToken,
    /// Whether the process's policy allows the record's user, once somebody has asked.
    allowed: OnceLock<bool>,
}

/// The access token as a header value and as JSON, and its claims as HTML. Each is written when it is first needed and
/// then kept: that reads every character of the token, which takes too long to do for each request.
#[derive(Default)]
struct WrittenToken {
    header: OnceLock<HeaderValue>,
    json: OnceLock<Box<RawValue>>,
    claims: OnceLock<Option<Claims>>,
}

/// Does not show the token.
impl fmt::Debug for WrittenToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrittenToken")
    }
}

impl CachedRecord {
    pub(crate) fn new(record: Record, state: State, limits: Option<Limits>) -> Self {
        Self { record, state, limits, written: WrittenToken::default(), allowed: OnceLock::new() }
    }

    /// Whether the tokens of the record's user may be used. A process has one policy, so this is decided once.
    pub(crate) fn is_allowed(&self, policy: &RefreshPolicy) -> bool {
        *self.allowed.get_or_init(|| policy.allows(&self.record.body.identity))
    }

    /// The value of `Authorization`.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.written.header.get_or_init(|| http::bearer(&self.record.body.tokens.access_token)).clone()
    }

    /// The access token as a JSON string.
    ///
    /// # Panics
    /// Never: JSON can write any text.
    pub(crate) fn access_token_json(&self) -> &RawValue {
        let token = self.record.body.tokens.access_token.secret();
        let write = || serde_json::value::to_raw_value(token).expect("JSON can write any text");
        self.written.json.get_or_init(write)
    }

    /// The claims of an access token that is a JWT.
    pub(crate) fn claims(&self) -> Option<&Claims> {
        let write = || self.record.body.tokens.claims().as_ref().map(Claims::of);
        self.written.claims.get_or_init(write).as_ref()
    }

    /// Whether this is a keep-mode record. A mint-mode record has the limits of its session.
    pub(crate) fn is_keep_mode(&self) -> bool {
        self.limits.is_none()
    }

    /// Whether version and state equal the stored ones.
    pub(super) fn matches(&self, stored: &RowVersion) -> bool {
        self.state == stored.state
            && self.record.generation == stored.version.generation
            && self.is_connection(&stored.version.connection_id)
    }

    /// Whether this is a later token set of the same connection.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        self.is_connection(other.record.connection_id.as_str()) && self.record.generation > other.record.generation
    }

    /// Whether the store lost this record, or a write to it. The app never deletes a keep-mode row, so a missing row
    /// was lost.
    pub(super) fn is_lost(&self, stored: Option<&RowVersion>) -> bool {
        self.is_keep_mode()
            && stored.is_none_or(|stored| {
                self.is_connection(&stored.version.connection_id)
                    && stored.version.generation < self.record.generation
                    && !matches!(stored.state, State::Revoking | State::Tombstone)
            })
    }

    fn is_connection(&self, connection_id: &str) -> bool {
        self.record.connection_id.as_str() == connection_id
    }

    /// Whether a time in the record can only be explained by a clock that was wrong when the time was written, or that
    /// is wrong now. Such a record is due.
    pub(crate) fn has_impossible_times(&self, settings: &Settings, now: OffsetDateTime) -> bool {
        let body = &self.record.body;
        let failure = body.history.failure.as_ref();
        body.tokens.has_impossible_times(now, settings.clock_tolerance)
            || failure.is_some_and(|failure| {
                failure.retry_at.is_some_and(|retry| retry > now) && !failure.backs_off(settings.clock_tolerance, now)
            })
    }

    /// Whether the access token is the same as before. An exchange may return a new refresh token without an access
    /// token.
    pub(crate) fn has_access_token_of(&self, before: &Self) -> bool {
        self.record.body.tokens.access_token.secret() == before.record.body.tokens.access_token.secret()
    }

    pub(crate) fn has_new_failure(&self, before: &Self) -> bool {
        self.record.body.history.failure != before.record.body.history.failure
    }
}
