//! What figures are told apart by: a few words each, all known beforehand. They are part of what operators build on,
//! so a word that is here stays.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};

use crate::telemetry::family::Label;

/// An enum with the words of a label. Written by a macro, since a value that a list of all values forgot would be
/// counted in the place of another.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident = $key:literal { $($(#[$value_doc:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// As it stands in a label.
            #[must_use]
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        impl $crate::telemetry::Label for $name {
            const COUNT: usize = [$(Self::$value),+].len();

            fn all() -> impl Iterator<Item = Self> {
                [$(Self::$value),+].into_iter()
            }

            fn place(self) -> usize {
                self as usize
            }
        }

        impl ::prometheus_client::encoding::EncodeLabelSet for $name {
            fn encode(
                &self,
                encoder: &mut ::prometheus_client::encoding::LabelSetEncoder<'_>,
            ) -> ::std::fmt::Result {
                $crate::telemetry::encode($key, self.as_str(), encoder)
            }
        }
    };
}

pub(crate) use label;

label! {
    /// How a callback ended.
    LoginResult = "result" {
        /// Somebody is logged in.
        Ok = "ok",
        /// The person said no.
        Denied = "denied",
        /// VideoAsk sent another error.
        ProviderError = "provider-error",
        /// Not, or no longer, a login that this browser began here: late, replayed, forged.
        InvalidCallback = "invalid-callback",
        /// Too many code exchanges at once.
        TooBusy = "too-busy",
        /// The code gave no tokens.
        ExchangeFailed = "exchange-failed",
        /// The id_token proves nothing.
        IdTokenRefused = "id-token-refused",
        /// VideoAsk did not say who it was.
        Unidentified = "unidentified",
        /// Not in `ALLOWED_USERS`.
        NotListed = "not-listed",
        /// Session or record could not be stored.
        StoreFailed = "store-failed",
        /// A fault of ours.
        Failed = "failed",
    }
}

label! {
    /// What was exchanged for tokens.
    Grant = "grant" {
        /// The code of a callback.
        Code = "code",
        /// A refresh token.
        Refresh = "refresh",
    }
}

label! {
    /// What came of an exchange.
    ExchangeResult = "result" {
        /// New tokens.
        Tokens = "tokens",
        /// `invalid_grant`: what was sent is good for nothing.
        Dead = "dead",
        /// Any other refusal: something is set up wrongly.
        Blocked = "blocked",
        /// VideoAsk could not be reached, was busy, or made no sense.
        Transient = "transient",
        /// It was sent, and no answer came.
        Unknown = "unknown",
    }
}

label! {
    /// What the authorization server was asked for.
    ProviderRequest = "request" {
        /// Tokens for a code.
        Code = "code",
        /// Tokens for a refresh token.
        Refresh = "refresh",
        /// The end of a grant.
        Revoke = "revoke",
        /// The keys that sign id_tokens.
        Jwks = "jwks",
    }
}

label! {
    /// What of VideoAsk's API was asked.
    Endpoint = "endpoint" {
        /// Whose token it is.
        Me = "me",
        /// The account's forms.
        Forms = "forms",
        /// Whatever a program asked for through `/proxy`.
        Proxy = "proxy",
    }
}

label! {
    /// Where a machine asked for a token, or for what needs one.
    Route = "route" {
        /// A token that lives long enough.
        GetToken = "GET /api/token",
        /// One in place of a token that the API refused.
        PostToken = "POST /api/token",
        /// One that a client library or a tool gets by the client credentials grant.
        OauthToken = "POST /oauth/token",
        /// One to send along.
        Proxy = "/proxy",
    }
}

label! {
    /// The last word of a problem's `type` (RFC 9457), which callers of the machine API may rely on.
    ProblemType = "result" {
        /// No API key, or a wrong one.
        Unauthorized = "unauthorized",
        /// Not a request that the route takes.
        InvalidRequest = "invalid-request",
        /// The user is not in `ALLOWED_USERS`.
        NotAllowed = "not-allowed",
        /// The API key does not cover this.
        InsufficientScope = "insufficient-scope",
        /// The user has no connection.
        NotConnected = "not-connected",
        /// The name fits more than one connection.
        AmbiguousUser = "ambiguous-user",
        /// Only a new login helps.
        ReconnectRequired = "reconnect-required",
        /// VideoAsk gives no tokens at the moment.
        ProviderUnavailable = "provider-unavailable",
        /// VideoAsk refuses this app.
        ProviderRefused = "provider-refused",
        /// The connection belongs to another client.
        OtherClient = "other-client",
        /// The connection was encrypted by a secret that is not configured.
        Undecryptable = "undecryptable",
        /// The store does not answer.
        StoreUnavailable = "store-unavailable",
        /// VideoAsk's API does not answer.
        UpstreamUnavailable = "upstream-unavailable",
        /// No such route.
        NotFound = "not-found",
        /// Not a method that the route takes.
        MethodNotAllowed = "method-not-allowed",
        /// A body beyond what the route takes.
        TooLarge = "too-large",
        /// A fault of ours.
        Internal = "internal",
    }
}

label! {
    /// VideoAsk's answer to a proxied request, by its status.
    StatusClass = "result" {
        /// 200 to 299.
        Success = "2xx",
        /// 300 to 399.
        Redirect = "3xx",
        /// 400 to 499.
        ClientError = "4xx",
        /// 500 and above.
        ServerError = "5xx",
    }
}

label! {
    /// A hand-out that is none of the problems.
    HandedOut = "result" {
        /// A token was handed out.
        Ok = "ok",
    }
}

impl From<Grant> for ProviderRequest {
    fn from(grant: Grant) -> Self {
        match grant {
            Grant::Code => Self::Code,
            Grant::Refresh => Self::Refresh,
        }
    }
}

impl StatusClass {
    /// The class of a final HTTP status.
    #[must_use]
    pub(crate) const fn of(status: u16) -> Self {
        match status {
            0..300 => Self::Success,
            300..400 => Self::Redirect,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

/// The result of a machine's request: what was wanted, or a problem.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<T> {
    Good(T),
    Problem(ProblemType),
}

impl<T> From<Result<T, ProblemType>> for Outcome<T> {
    fn from(result: Result<T, ProblemType>) -> Self {
        result.map_or_else(Self::Problem, Self::Good)
    }
}

impl<T: Label> Label for Outcome<T> {
    const COUNT: usize = T::COUNT + ProblemType::COUNT;

    fn all() -> impl Iterator<Item = Self> {
        T::all().map(Self::Good).chain(ProblemType::all().map(Self::Problem))
    }

    fn place(self) -> usize {
        match self {
            Self::Good(good) => good.place(),
            Self::Problem(problem) => T::COUNT + problem.place(),
        }
    }
}

impl<T: Label> EncodeLabelSet for Outcome<T> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        match self {
            Self::Good(good) => good.encode(encoder),
            Self::Problem(problem) => problem.encode(encoder),
        }
    }
}

impl ProblemType {
    /// The one that a problem document names, if this version knows it.
    #[must_use]
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().find(|r#type| r#type.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_in_place<L: Label>() {
        let places: Vec<_> = L::all().map(Label::place).collect();
        assert_eq!(places, (0..L::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn every_combination_has_a_place_of_its_own() {
        assert_in_place::<(Grant, ExchangeResult)>();
        assert_in_place::<Outcome<StatusClass>>();
        assert_in_place::<(Route, Outcome<HandedOut>)>();
    }

    #[test]
    fn a_status_is_counted_by_its_hundreds() {
        let classes = [200, 299, 304, 400, 499, 500, 599].map(|status| StatusClass::of(status).as_str());
        assert_eq!(classes, ["2xx", "2xx", "3xx", "4xx", "4xx", "5xx", "5xx"]);
    }
}
