//! How a program of the user's gets at VideoAsk's API.

use url::Url;

use crate::{
    config::Mode,
    vault::Identity,
    web::{api::paths::PROXY_PREFIX, state::AppState},
};

/// Where its requests go, and what it shows there.
#[derive(Debug)]
pub(crate) enum ApiAccess {
    /// To VideoAsk, with a token that a person puts into the variable.
    Copied,
    /// To VideoAsk, with a token that `videoask-auth exec` puts into the variable.
    Executed,
    /// To this app's proxy, with an API key.
    Proxied {
        /// The name for the header that selects the user who looks at the page; none for the default user, whom a
        /// request without the header means.
        pick: Option<String>,
    },
}

impl ApiAccess {
    /// The one with the least for a program to do, as this app is set up.
    pub(crate) fn of(app: &AppState, identity: &Identity) -> Self {
        match &app.mode {
            Mode::Mint => Self::Copied,
            Mode::Keep(_) if !app.api_keys.has_environment_keys() => Self::Executed,
            Mode::Keep(allowed) => {
                let is_default = allowed.entries().first().is_some_and(|first| identity.is_called(first));
                let name = identity.proven_email().or(identity.user_id.as_deref());
                Self::Proxied { pick: name.filter(|_| !is_default).map(str::to_owned) }
            }
        }
    }

    /// What VideoAsk's paths come after.
    pub(crate) fn base_url(&self, app: &AppState) -> Url {
        match self {
            Self::Copied | Self::Executed => app.api_url.clone(),
            Self::Proxied { .. } => app.app_url.join(PROXY_PREFIX),
        }
    }

    /// The environment variable with the token or key.
    pub(crate) fn variable(&self) -> &'static str {
        match self {
            Self::Copied | Self::Executed => "VIDEOASK_ACCESS_TOKEN",
            Self::Proxied { .. } => "VIDEOASK_AUTH_API_KEY",
        }
    }
}
