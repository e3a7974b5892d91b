//! How a user's program accesses VideoAsk's API.

use url::Url;

use crate::{
    config::Mode,
    vault::Identity,
    web::{api::paths::PROXY_PREFIX, state::AppState},
};

/// Where the program sends its requests, and with which credential.
#[derive(Debug)]
pub(crate) enum ApiAccess {
    /// To VideoAsk, with a token that a person puts into the variable.
    Copied,
    /// To VideoAsk, with a token that `videoask-auth exec` puts into the variable.
    Executed,
    /// To this app's proxy, with an API key.
    Proxied {
        /// The value of the header that selects the user of this page. `None` for the default user, who needs no
        /// header.
        pick: Option<String>,
    },
}

impl ApiAccess {
    /// The way that needs the least from a program, with this configuration.
    pub(crate) fn of(app: &AppState, identity: &Identity) -> Self {
        match &app.mode {
            Mode::Mint => Self::Copied,
            Mode::Keep(_) if !app.api_keys.has_environment_keys() => Self::Executed,
            Mode::Keep(allowed) => {
                let is_default = allowed.first().is_some_and(|first| identity.is_called(first));
                let name = identity.proven_email().or(identity.user_id.as_deref());
                Self::Proxied { pick: name.filter(|_| !is_default).map(str::to_owned) }
            }
        }
    }

    /// The URL before the paths of VideoAsk's API.
    pub(crate) fn base_url(&self, app: &AppState) -> Url {
        match self {
            Self::Copied | Self::Executed => app.api_url.clone(),
            Self::Proxied { .. } => app.app_url.join(PROXY_PREFIX),
        }
    }

    /// The environment variable from which a program reads the token or key.
    pub(crate) fn variable(&self) -> &'static str {
        match self {
            Self::Copied | Self::Executed => "VIDEOASK_ACCESS_TOKEN",
            Self::Proxied { .. } => "VIDEOASK_AUTH_API_KEY",
        }
    }
}
