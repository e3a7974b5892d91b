use std::fmt;

/// How one check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// What was checked works.
    Passed,
    /// What was checked does not work. [`CheckResult::fix`] says what to do.
    Failed,
    /// The check could not be made.
    Unknown,
}

/// What a wrong clock means for logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginImpact {
    /// Logins work.
    None,
    /// Logins fail: the id_token's `iat` is in the future.
    RejectedAsFuture,
    /// Logins fail if an id_token is valid for no longer than Auth0's default, because it seems to have expired.
    RejectedAsExpired,
}

/// The result of one check. `Display` describes it in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// The provider did not respond, so nothing else was checked.
    Unreachable {
        /// `VIDEOASK_AUTH_URL`.
        url: String,
        /// The transport's error.
        why: String,
        /// What to do, if that follows from the error.
        fix: Option<&'static str>,
    },
    /// The provider's metadata names the configured issuer.
    IssuerMatches,
    /// The provider's metadata names another issuer.
    IssuerMismatch {
        /// `ISSUER`.
        ours: String,
        /// The issuer that the provider names.
        theirs: String,
    },
    /// The provider's metadata names no issuer, or could not be read.
    IssuerUnknown {
        /// The status of the response.
        status: u16,
    },
    /// The clocks agree.
    ClockInSync,
    /// The clocks differ.
    ClockSkewed {
        /// The difference; positive if ours is ahead.
        seconds: i64,
        /// The effect on logins.
        logins: LoginImpact,
    },
    /// The provider's response has no `Date`.
    ClockUnknown,
    /// The provider knows the client id and redirects to the callback.
    ClientAndCallbackValid,
    /// The provider does not know the client id.
    ClientUnknown {
        /// `CLIENT_ID`.
        client_id: String,
    },
    /// The provider knows the client id, but not this callback.
    CallbackUnregistered {
        /// `APP_URL` and the callback's path.
        callback: String,
    },
    /// The provider rejects the client id or the callback, and does not say which.
    ClientOrCallbackRejected {
        /// `CLIENT_ID`.
        client_id: String,
        /// `APP_URL` and the callback's path.
        callback: String,
    },
    /// Client id and callback are right, but logins fail.
    LoginRejected {
        /// The `error` code.
        code: String,
        /// The `error_description`.
        description: String,
    },
    /// The provider neither redirected to the callback nor refused.
    LoginUnverified {
        /// What happened instead.
        why: String,
    },
    /// The client secret is right.
    SecretValid,
    /// The client secret is wrong.
    SecretInvalid {
        /// The `error` code.
        code: String,
    },
    /// The client secret could not be checked.
    SecretUnverified {
        /// What happened instead.
        why: String,
    },
}

impl CheckResult {
    /// Whether the check passed, failed or could not be made.
    #[must_use]
    pub fn status(&self) -> CheckStatus {
        match self {
            Self::IssuerMatches | Self::ClockInSync | Self::ClientAndCallbackValid | Self::SecretValid => {
                CheckStatus::Passed
            }
            Self::Unreachable { .. }
            | Self::IssuerMismatch { .. }
            | Self::ClockSkewed { .. }
            | Self::ClientUnknown { .. }
            | Self::CallbackUnregistered { .. }
            | Self::ClientOrCallbackRejected { .. }
            | Self::LoginRejected { .. }
            | Self::SecretInvalid { .. } => CheckStatus::Failed,
            Self::IssuerUnknown { .. }
            | Self::ClockUnknown
            | Self::LoginUnverified { .. }
            | Self::SecretUnverified { .. } => CheckStatus::Unknown,
        }
    }

    /// What to do, unless the check passed.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        Some(match self {
            Self::IssuerMatches | Self::ClockInSync | Self::ClientAndCallbackValid | Self::SecretValid => return None,
            Self::Unreachable { fix: Some(fix), .. } => (*fix).to_owned(),
            Self::Unreachable { fix: None, .. } => {
                "Check VIDEOASK_AUTH_URL, this machine's network, and HTTPS_PROXY if it needs a proxy.".to_owned()
            }
            Self::IssuerMismatch { theirs, .. } => format!("Set ISSUER={theirs}"),
            Self::IssuerUnknown { .. } => "Log in once: a wrong ISSUER is shown on the page.".to_owned(),
            Self::ClockSkewed { .. } => "Set this machine's clock right (NTP).".to_owned(),
            Self::ClockUnknown => "Compare this machine's clock with another by hand.".to_owned(),
            Self::ClientUnknown { .. } => "Copy CLIENT_ID from VideoAsk's developer app.".to_owned(),
            Self::CallbackUnregistered { callback } => {
                format!("Add {callback} to the callback URLs of VideoAsk's developer app, letter by letter.")
            }
            Self::ClientOrCallbackRejected { callback, .. } => format!(
                "Copy CLIENT_ID from VideoAsk's developer app, and add {callback} to its callback URLs, letter by letter."
            ),
            Self::LoginRejected { .. } => {
                "Check SCOPES and AUDIENCE, and PKCE, against what the developer app allows.".to_owned()
            }
            Self::LoginUnverified { .. } => "Run check again later, or log in once in a browser.".to_owned(),
            Self::SecretInvalid { .. } => "Copy CLIENT_SECRET from VideoAsk's developer app.".to_owned(),
            Self::SecretUnverified { .. } => "Fix the other problems first, then run check again.".to_owned(),
        })
    }
}

impl fmt::Display for LoginImpact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "logins work, but the times in messages and on pages are wrong",
            Self::RejectedAsFuture => "id_tokens would be refused, because their iat lies in the future here",
            Self::RejectedAsExpired => {
                "id_tokens would be refused as expired, if they are valid for ten hours as is usual"
            }
        })
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, why, .. } => write!(f, "{url} does not answer: {why}"),
            Self::IssuerMatches => write!(f, "the issuer is the one VideoAsk names"),
            Self::IssuerMismatch { ours, theirs } => {
                write!(f, "ISSUER is {ours}, but VideoAsk says {theirs}; every login with an id_token would be refused")
            }
            Self::IssuerUnknown { status } => write!(f, "VideoAsk does not say who the issuer is (status {status})"),
            Self::ClockInSync => write!(f, "the clock agrees with VideoAsk's"),
            Self::ClockSkewed { seconds, logins } => {
                let relation = if *seconds > 0 { "ahead of" } else { "behind" };
                write!(f, "the clock is {} s {relation} VideoAsk's; {logins}", seconds.abs())
            }
            Self::ClockUnknown => write!(f, "VideoAsk's answer has no date to compare the clock with"),
            Self::ClientAndCallbackValid => write!(f, "VideoAsk knows the client id and sends people to the callback"),
            Self::ClientUnknown { client_id } => write!(f, "VideoAsk does not know the client id {client_id}"),
            Self::CallbackUnregistered { callback } => write!(f, "the callback {callback} is not registered"),
            Self::ClientOrCallbackRejected { client_id, callback } => {
                write!(
                    f,
                    "VideoAsk refuses the client id {client_id} or the callback {callback}, and does not say which"
                )
            }
            Self::LoginRejected { code, description } => {
                write!(f, "client id and callback are right, but logins are refused: {code} {description}")
            }
            Self::LoginUnverified { why } => write!(f, "client id and callback could not be checked: {why}"),
            Self::SecretValid => write!(f, "the client secret is right"),
            Self::SecretInvalid { code } => write!(f, "the client secret is wrong (VideoAsk says {code})"),
            Self::SecretUnverified { why } => write!(f, "the client secret could not be checked: {why}"),
        }
    }
}
