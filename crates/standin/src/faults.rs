use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What goes wrong, until it is cleared or used up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Trouble on the wire, for each endpoint in the order in which it will happen.
    pub mishaps: BTreeMap<Endpoint, VecDeque<Planned>>,
    /// What the tenant does otherwise than usual.
    pub quirks: BTreeSet<Quirk>,
    /// Seconds by which the provider's clock is ahead.
    pub clock_offset: i64,
    /// `expires_in` of every token response, in place of the true one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Claims of the id_token to replace; `None` leaves one out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub id_claims: BTreeMap<String, Option<Value>>,
    /// Fields of `/me` to replace; `None` leaves one out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub me: BTreeMap<String, Option<Value>>,
}

/// What can be troubled and is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `/authorize`, the page and its form.
    Authorize,
    /// `/oauth/token`.
    Token,
    /// `/oauth/revoke`.
    Revoke,
    /// `/.well-known/jwks.json`.
    Jwks,
    /// `/.well-known/openid-configuration`.
    Discovery,
    /// Every endpoint of the API. A mishap planned for one of them by name goes first.
    Api,
    /// `/me` of the API.
    Me,
    /// `/organizations` of the API.
    Organizations,
    /// `/forms` of the API.
    Forms,
    /// `/echo` of the API.
    Echo,
}

/// A mishap and how often it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// How many requests it befalls; without it, every one until cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What happens.
    #[serde(flatten)]
    pub mishap: Mishap,
}

/// Trouble on the wire. Each says whether the request was acted upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mishap {
    /// Waits, then acts and answers, even if the caller has hung up meanwhile.
    Slow {
        /// For how long.
        ms: u64,
    },
    /// Acts, waits, and answers.
    SlowReply {
        /// For how long.
        ms: u64,
    },
    /// Never acts and never answers.
    Hang,
    /// Acts and never answers.
    HangAfter,
    /// Closes the connection without having acted or written a byte.
    Cut,
    /// Acts, and closes the connection without having written a byte.
    ReplyLost,
    /// Acts, and closes the connection in the middle of the answer's body.
    CutHalfway,
    /// Answers with this status and no body, without having acted.
    Status {
        /// Such as 500.
        status: u16,
    },
    /// Answers with an HTML page, as a gateway does, without having acted.
    Html {
        /// Such as 502, or 200.
        status: u16,
    },
    /// Answers 429 `too_many_requests`, without having acted.
    TooManyRequests {
        /// `X-RateLimit-Reset` that many seconds from now.
        #[serde(default)]
        reset_in: Option<i64>,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Answers with an OAuth error, at `/authorize` by redirect, without having acted.
    Error {
        /// The status, where it is no redirect.
        status: u16,
        /// The `error` code.
        error: String,
        /// The `error_description`.
        #[serde(default)]
        description: String,
    },
    /// Answers 401 in the API's manner, without having acted.
    Unauthorized,
    /// Acts, and answers with more than 1 MiB behind the right answer.
    HugeBody,
    /// Answers 307 to `/echo/redirected` of the API, without having acted.
    Redirect,
}

/// A way in which the tenant differs from the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// Access tokens are no JWTs; the API takes them all the same.
    OpaqueAccessToken,
    /// No id_token, even with `openid`.
    NoIdToken,
    /// No refresh token, even with `offline_access`.
    NoRefreshToken,
    /// No `expires_in`.
    NoExpiresIn,
    /// `expires_in` as a string.
    ExpiresInText,
    /// The reply is empty of an access token.
    NoAccessToken,
    /// The id_token names another issuer.
    WrongIssuer,
    /// The id_token names another user.
    AnotherSubject,
    /// The id_token is no JWT.
    GarbledIdToken,
    /// The token is of the type `mac` (RFC 6749, 7.1).
    MacTokenType,
    /// The reply does not say what type the token has.
    NoTokenType,
    /// The id_token is for another client.
    WrongAudience,
    /// The id_token has another nonce.
    WrongNonce,
    /// The id_token has expired an hour ago.
    ExpiredIdToken,
    /// The id_token's signature is of another text.
    BrokenSignature,
    /// The id_token is HS256, signed with the client secret.
    Hs256,
    /// Everything is signed with the next key, which the JWKS now lists too.
    NewSigningKey,
    /// Everything is signed with the next key, which the JWKS does not list.
    UnlistedSigningKey,
    /// No id_token calls an e-mail verified.
    EmailUnverified,
    /// The client is a strict third-party one: PKCE is demanded, and there is no id_token.
    StrictClient,
    /// An authorize request with PKCE is refused.
    RefusePkce,
    /// Revoking one refresh token ends all of that user.
    RevokeDeletesGrant,
    /// A wrong secret is `access_denied` instead of `invalid_client`.
    WrongSecretIsAccessDenied,
    /// The API answers 401 to every access token.
    RefuseAccessTokens,
    /// `/me` names no e-mail.
    MeWithoutEmail,
    /// The callback carries `iss` (RFC 9207).
    CallbackIssuer,
    /// The callback carries another issuer's `iss`.
    WrongCallbackIssuer,
    /// The callback gives back another `state`.
    WrongState,
}

impl Faults {
    /// Plans a mishap for the next `times` requests.
    pub fn next(&mut self, endpoint: Endpoint, times: u32, mishap: Mishap) {
        self.plan(endpoint, Planned { times: Some(times), mishap });
    }

    /// Plans a mishap for every request until cleared.
    pub fn always(&mut self, endpoint: Endpoint, mishap: Mishap) {
        self.plan(endpoint, Planned { times: None, mishap });
    }

    fn plan(&mut self, endpoint: Endpoint, planned: Planned) {
        self.mishaps.entry(endpoint).or_default().push_back(planned);
    }

    /// The mishap that befalls this request, which uses it up by one.
    pub(super) fn take(&mut self, endpoint: Endpoint) -> Option<Mishap> {
        let group = endpoint.is_api().then_some(Endpoint::Api);
        [Some(endpoint), group].into_iter().flatten().find_map(|endpoint| self.take_planned(endpoint))
    }

    fn take_planned(&mut self, endpoint: Endpoint) -> Option<Mishap> {
        let plan = self.mishaps.get_mut(&endpoint)?;
        plan.retain(|planned| planned.times != Some(0));
        let first = plan.front_mut()?;
        if let Some(times) = &mut first.times {
            *times -= 1;
        }
        Some(first.mishap.clone())
    }

    pub(super) fn without_used_up(mut self) -> Self {
        self.mishaps.values_mut().for_each(|plan| plan.retain(|planned| planned.times != Some(0)));
        self.mishaps.retain(|_, plan| !plan.is_empty());
        self
    }
}

/// Replaces fields of a JSON object.
pub(super) fn replace(fields: &mut Value, by: BTreeMap<String, Option<Value>>) {
    let Value::Object(fields) = fields else { return };
    for (name, value) in by {
        match value {
            Some(value) => fields.insert(name, value),
            None => fields.remove(&name),
        };
    }
}

impl Endpoint {
    pub(super) fn is_api(self) -> bool {
        matches!(self, Self::Api | Self::Me | Self::Organizations | Self::Forms | Self::Echo)
    }
}
