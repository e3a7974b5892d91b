//! What `check` may find at the provider: what each finding means, and its fix.

use std::fmt;

/// Whether something must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Good,
    /// It does not, and [`Finding::fix`] tells what to do.
    Problem,
    /// It could not be told.
    Unknown,
}

/// What a wrong clock does to logins with an id_token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logins {
    /// They work.
    Work,
    /// They fail: the id_token seems to come from the future.
    Refused,
    /// They fail if an id_token lives no longer than Auth0's default: it seems to have expired.
    RefusedAfterLife,
}

/// One thing that was found. `Display` says what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The provider did not answer at all; nothing else was asked.
    Unreachable {
        /// The provider.
        url: String,
        /// In the transport's words.
        why: String,
        /// What to do, where the cause tells it.
        fix: Option<&'static str>,
    },
    /// The provider names the issuer that id_tokens are held against.
    IssuerFits,
    /// It names another.
    IssuerDiffers {
        /// `ISSUER`.
        ours: String,
        /// What the provider says.
        theirs: String,
    },
    /// It names none.
    IssuerUnknown {
        /// The status of its metadata.
        status: u16,
    },
    /// The clocks agree.
    ClockFits,
    /// They do not; by seconds, positive where ours is ahead.
    ClockSkewed {
        /// By how much.
        seconds: i64,
        /// What that means for logins.
        logins: Logins,
    },
    /// The provider's answer has no date.
    ClockUnknown,
    /// The provider sends people back to the callback.
    ClientAndCallbackFit,
    /// It does not know the client id.
    ClientUnknown {
        /// `CLIENT_ID`.
        client_id: String,
    },
    /// It knows the client, but not this callback.
    CallbackUnregistered {
        /// `APP_URL` and the callback's path.
        callback: String,
    },
    /// It refuses the one or the other, and does not tell which.
    ClientOrCallbackRefused {
        /// `CLIENT_ID`.
        client_id: String,
        /// `APP_URL` and the callback's path.
        callback: String,
    },
    /// Client id and callback fit, but logins fail.
    LoginRefused {
        /// The `error` code.
        code: String,
        /// The `error_description`.
        description: String,
    },
    /// Neither a redirect to the callback nor a refusal.
    LoginUnclear {
        /// What came instead.
        why: String,
    },
    /// The client secret is right.
    SecretFits,
    /// It is wrong.
    SecretWrong {
        /// The `error` code.
        code: String,
    },
    /// It could not be told.
    SecretUnclear {
        /// What came instead.
        why: String,
    },
}

impl Finding {
    /// Whether something must be done.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::IssuerFits | Self::ClockFits | Self::ClientAndCallbackFit | Self::SecretFits => Outcome::Good,
            Self::Unreachable { .. }
            | Self::IssuerDiffers { .. }
            | Self::ClockSkewed { .. }
            | Self::ClientUnknown { .. }
            | Self::CallbackUnregistered { .. }
            | Self::ClientOrCallbackRefused { .. }
            | Self::LoginRefused { .. }
            | Self::SecretWrong { .. } => Outcome::Problem,
            Self::IssuerUnknown { .. }
            | Self::ClockUnknown
            | Self::LoginUnclear { .. }
            | Self::SecretUnclear { .. } => Outcome::Unknown,
        }
    }

    /// What to do, where something is to be done.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        Some(match self {
            Self::IssuerFits | Self::ClockFits | Self::ClientAndCallbackFit | Self::SecretFits => return None,
            Self::Unreachable { fix: Some(fix), .. } => (*fix).to_owned(),
            Self::Unreachable { fix: None, .. } => {
                "Check VIDEOASK_AUTH_URL, this machine's network, and HTTPS_PROXY if it needs a proxy.".to_owned()
            }
            Self::IssuerDiffers { theirs, .. } => format!("Set ISSUER={theirs}"),
            Self::IssuerUnknown { .. } => "Log in once: a wrong ISSUER is shown on the page.".to_owned(),
            Self::ClockSkewed { .. } => "Set this machine's clock right (NTP).".to_owned(),
            Self::ClockUnknown => "Compare this machine's clock with another by hand.".to_owned(),
            Self::ClientUnknown { .. } => "Copy CLIENT_ID from VideoAsk's developer app.".to_owned(),
            Self::CallbackUnregistered { callback } => {
                format!("Add {callback} to the callback URLs of VideoAsk's developer app, letter by letter.")
            }
            Self::ClientOrCallbackRefused { callback, .. } => format!(
                "Copy CLIENT_ID from VideoAsk's developer app, and add {callback} to its callback URLs, letter by letter."
            ),
            Self::LoginRefused { .. } => {
                "Check SCOPES and AUDIENCE, and PKCE, against what the developer app allows.".to_owned()
            }
            Self::LoginUnclear { .. } => "Run check again later, or log in once in a browser.".to_owned(),
            Self::SecretWrong { .. } => "Copy CLIENT_SECRET from VideoAsk's developer app.".to_owned(),
            Self::SecretUnclear { .. } => "Fix the other problems first, then run check again.".to_owned(),
        })
    }
}

impl fmt::Display for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work => "logins work, but the times in messages and on pages are wrong",
            Self::Refused => "id_tokens would be refused, because their iat lies in the future here",
            Self::RefusedAfterLife => {
                "id_tokens would be refused as expired, if they are valid for ten hours as is usual"
            }
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, why, .. } => write!(f, "{url} does not answer: {why}"),
            Self::IssuerFits => write!(f, "the issuer is the one VideoAsk names"),
            Self::IssuerDiffers { ours, theirs } => {
                write!(f, "ISSUER is {ours}, but VideoAsk says {theirs}; every login with an id_token would be refused")
            }
            Self::IssuerUnknown { status } => write!(f, "VideoAsk does not say who the issuer is (status {status})"),
            Self::ClockFits => write!(f, "the clock agrees with VideoAsk's"),
            Self::ClockSkewed { seconds, logins } => {
                let relation = if *seconds > 0 { "ahead of" } else { "behind" };
                write!(f, "the clock is {} s {relation} VideoAsk's; {logins}", seconds.abs())
            }
            Self::ClockUnknown => write!(f, "VideoAsk's answer has no date to compare the clock with"),
            Self::ClientAndCallbackFit => write!(f, "VideoAsk knows the client id and sends people to the callback"),
            Self::ClientUnknown { client_id } => write!(f, "VideoAsk does not know the client id {client_id}"),
            Self::CallbackUnregistered { callback } => write!(f, "the callback {callback} is not registered"),
            Self::ClientOrCallbackRefused { client_id, callback } => {
                write!(
                    f,
                    "VideoAsk refuses the client id {client_id} or the callback {callback}, and does not say which"
                )
            }
            Self::LoginRefused { code, description } => {
                write!(f, "client id and callback are right, but logins are refused: {code} {description}")
            }
            Self::LoginUnclear { why } => write!(f, "client id and callback could not be checked: {why}"),
            Self::SecretFits => write!(f, "the client secret is right"),
            Self::SecretWrong { code } => write!(f, "the client secret is wrong (VideoAsk says {code})"),
            Self::SecretUnclear { why } => write!(f, "the client secret could not be checked: {why}"),
        }
    }
}
