//! The labels of metrics. Each is an enum, so all its values are known. Dashboards and alerts use these values, so they
//! never change.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};

use crate::telemetry::family::Label;

/// An enum with the values of a label. A macro writes it, since a value that is missing in the list of all values would
/// be counted as another one.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident = $key:literal { $($(#[$value_doc:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
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
    LoginResult = "result" {
        Ok = "ok",
        Denied = "denied",
        ProviderError = "provider-error",
        InvalidCallback = "invalid-callback",
        TooBusy = "too-busy",
        ExchangeFailed = "exchange-failed",
        IdTokenRefused = "id-token-refused",
        Unidentified = "unidentified",
        NotListed = "not-listed",
        StoreFailed = "store-failed",
        Failed = "failed",
    }
}

label! {
    Grant = "grant" {
        Code = "code",
        Refresh = "refresh",
    }
}

label! {
    ExchangeResult = "result" {
        Tokens = "tokens",
        /// `invalid_grant`: the code or refresh token is not valid.
        Dead = "dead",
        /// Any other refusal: someone must change something.
        Blocked = "blocked",
        Transient = "transient",
        /// It was sent, and no response was received.
        Unknown = "unknown",
    }
}

label! {
    ProviderRequest = "request" {
        Code = "code",
        Refresh = "refresh",
        Revoke = "revoke",
        Jwks = "jwks",
    }
}

label! {
    Endpoint = "endpoint" {
        Me = "me",
        Forms = "forms",
        /// Any request of a program through `/proxy`.
        Proxy = "proxy",
    }
}

label! {
    Route = "route" {
        /// A token that works for long enough.
        GetToken = "GET /api/token",
        /// Another token, because the API rejected one.
        PostToken = "POST /api/token",
        /// A token by the client credentials grant.
        OauthToken = "POST /oauth/token",
        /// A token for a proxied request.
        Proxy = "/proxy",
    }
}

label! {
    ProblemType = "result" {
        Unauthorized = "unauthorized",
        InvalidRequest = "invalid-request",
        NotAllowed = "not-allowed",
        InsufficientScope = "insufficient-scope",
        NotConnected = "not-connected",
        AmbiguousUser = "ambiguous-user",
        ReconnectRequired = "reconnect-required",
        ProviderUnavailable = "provider-unavailable",
        ProviderRefused = "provider-refused",
        OtherClient = "other-client",
        Undecryptable = "undecryptable",
        StoreUnavailable = "store-unavailable",
        UpstreamUnavailable = "upstream-unavailable",
        NotFound = "not-found",
        MethodNotAllowed = "method-not-allowed",
        TooLarge = "too-large",
        Internal = "internal",
    }
}

label! {
    StatusClass = "result" {
        Success = "2xx",
        Redirect = "3xx",
        ClientError = "4xx",
        ServerError = "5xx",
    }
}

label! {
    HandedOut = "result" {
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
