use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;
use serde_json::Value;

/// What goes wrong. Each fault stays until it is cleared or used up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Failing requests, for each endpoint in order.
    pub planned: BTreeMap<Endpoint, VecDeque<PlannedFault>>,
    /// How the tenant differs from a usual one.
    pub deviations: BTreeSet<Deviation>,
    /// Seconds by which the provider's clock is ahead.
    pub clock_offset: i64,
    /// `expires_in` of every token response, instead of the true one.
    pub expires_in: Option<u64>,
    /// Claims of the id_token to replace; `None` leaves one out.
    pub id_claims: BTreeMap<String, Option<Value>>,
    /// Fields of `/me` to replace; `None` leaves one out.
    pub me: BTreeMap<String, Option<Value>>,
}

/// An endpoint, by which faults are set and requests counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
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
    /// Every endpoint of the API. A fault planned for a single endpoint takes precedence.
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

/// A fault, and how often it happens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PlannedFault {
    /// How many requests the fault affects. `None` means every request until the faults are cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    #[serde(flatten)]
    pub fault: Fault,
}

/// How a request fails, and whether it is processed all the same.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// Waits, then processes the request, even if the client has disconnected.
    Slow {
        /// The delay in milliseconds.
        ms: u64,
    },
    /// Processes the request, waits, and responds.
    SlowReply {
        /// The delay in milliseconds.
        ms: u64,
    },
    /// Processes the request, and responds when [`StandIn::release_replies`](super::StandIn::release_replies) is
    /// called.
    HeldReply,
    /// Neither processes the request nor responds.
    Hang,
    /// Processes the request and never responds.
    HangAfter,
    /// Closes the connection without processing the request or writing a byte.
    Cut,
    /// Processes the request, and closes the connection without writing a byte.
    ReplyLost,
    /// Processes the request, and closes the connection in the middle of the response body.
    CutHalfway,
    /// Responds with this status and no body; the request is not processed.
    Status {
        /// Such as 500.
        status: u16,
    },
    /// Responds with an HTML page, as a gateway does; the request is not processed.
    Html {
        /// Such as 502, or 200.
        status: u16,
    },
    /// Responds with 429 `too_many_requests`; the request is not processed.
    TooManyRequests {
        /// `X-RateLimit-Reset` that many seconds from now.
        #[serde(default)]
        reset_in: Option<i64>,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Responds with an OAuth error, at `/authorize` by redirect; the request is not processed.
    Error {
        /// The status, except at `/authorize`, which redirects.
        status: u16,
        /// The `error` code.
        error: String,
        /// The `error_description`.
        #[serde(default)]
        description: String,
    },
    /// Responds with the API's 401; the request is not processed.
    Unauthorized,
    /// Processes the request, and adds 1 MiB of spaces to the response body.
    HugeBody,
    /// Redirects with 307 to `/echo/redirected` of the API; the request is not processed.
    Redirect,
}

/// A way in which the tenant differs from a usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deviation {
    /// Access tokens are not JWTs; the API accepts them.
    OpaqueAccessToken,
    /// No id_token, even with `openid`.
    NoIdToken,
    /// No refresh token, even with `offline_access`.
    NoRefreshToken,
    /// No `expires_in`.
    NoExpiresIn,
    /// `expires_in` as a string.
    ExpiresInText,
    /// The response has no access token.
    NoAccessToken,
    /// The id_token names another issuer.
    WrongIssuer,
    /// The id_token names another user.
    AnotherSubject,
    /// The id_token is not a JWT.
    GarbledIdToken,
    /// The token is of the type `mac` (RFC 6749, 7.1).
    MacTokenType,
    /// The response has no `token_type`.
    NoTokenType,
    /// The id_token is for another client.
    WrongAudience,
    /// The id_token has another nonce.
    WrongNonce,
    /// The id_token expired an hour ago.
    ExpiredIdToken,
    /// The id_token's signature is invalid.
    BrokenSignature,
    /// The id_token is HS256, signed with the client secret.
    Hs256,
    /// Everything is signed with the next key, which the JWKS now lists too.
    NewSigningKey,
    /// Everything is signed with the next key, which the JWKS does not list.
    UnlistedSigningKey,
    /// Every id_token says `email_verified: false`.
    EmailUnverified,
    /// The client is a strict third-party one: it must use PKCE, and gets no id_token.
    StrictClient,
    /// An authorize request with PKCE is refused.
    RefusePkce,
    /// A wrong secret is `access_denied` instead of `invalid_client`.
    WrongSecretIsAccessDenied,
    /// The API answers 401 to every access token.
    RefuseAccessTokens,
    /// The callback has `iss` (RFC 9207).
    CallbackIssuer,
    /// The callback has another issuer's `iss`.
    WrongCallbackIssuer,
    /// The callback has another `state`.
    WrongState,
    /// Lists of the API are bare arrays.
    BareLists,
    /// Lists of the API ignore `offset`.
    IgnoredOffset,
    /// The `count` of a list changes from page to page.
    ChangingCounts,
    /// The first page of a list leads to an empty one, which leads to the rest.
    EmptyPage,
    /// Every `next` of a list leads to its second page.
    RepeatedNext,
    /// Every `next` of a list is at another host.
    ForeignNext,
    /// Every page of a list has a `next`.
    EndlessPages,
}

impl Faults {
    /// Plans a fault for the next `times` requests.
    pub fn next(&mut self, endpoint: Endpoint, times: u32, fault: Fault) {
        self.plan(endpoint, PlannedFault { times: Some(times), fault });
    }

    /// Plans a fault for every request until cleared.
    pub fn always(&mut self, endpoint: Endpoint, fault: Fault) {
        self.plan(endpoint, PlannedFault { times: None, fault });
    }

    fn plan(&mut self, endpoint: Endpoint, planned: PlannedFault) {
        self.planned.entry(endpoint).or_default().push_back(planned);
    }

    /// The fault of the next request to this endpoint. Counts it as used once.
    pub(super) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let group = endpoint.is_api().then_some(Endpoint::Api);
        [Some(endpoint), group].into_iter().flatten().find_map(|endpoint| self.take_planned(endpoint))
    }

    fn take_planned(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let plan = self.planned.get_mut(&endpoint)?;
        plan.retain(|planned| planned.times != Some(0));
        let first = plan.front_mut()?;
        if let Some(times) = &mut first.times {
            *times -= 1;
        }
        Some(first.fault.clone())
    }
}

/// Replaces fields of a JSON object; `None` removes one.
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
