use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;

/// A clock: returns the current time.
pub type Now = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The setup of the stand-in's tenant.
#[derive(Clone)]
pub struct Options {
    /// The one registered application.
    pub client_id: String,
    /// The secret of the application.
    pub client_secret: String,
    /// The callback URLs registered for the application, compared exactly.
    pub callbacks: Vec<String>,
    /// The one API that tokens can be asked for.
    pub audience: String,
    /// A path in front of every API route, such as `/base`; by default none.
    pub api_base: String,
    /// How long an access token works.
    pub access_ttl: Duration,
    /// How long an authorization code works.
    pub code_ttl: Duration,
    /// Whether a refresh spends the refresh token.
    pub rotation: Rotation,
    /// The clock by which codes and tokens are issued and expire.
    pub now: Now,
}

/// The switch that every Auth0 application has for its refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// A refresh returns no new refresh token, and the old one keeps working.
    Off,
    /// A refresh uses up the refresh token and returns a new one.
    On {
        /// For this long after a refresh, the previous token still works.
        leeway: Duration,
    },
}

impl Options {
    /// The demo's application, with `callback` registered and everything else set to Auth0's defaults.
    #[must_use]
    pub fn new(callback: impl Into<String>, now: Now) -> Self {
        Self {
            client_id: "demo-client-id".into(),
            client_secret: "demo-client-secret".into(),
            callbacks: vec![callback.into()],
            audience: "https://api.videoask.com/".into(),
            api_base: String::new(),
            access_ttl: DAY,
            code_ttl: Duration::from_secs(60),
            rotation: Rotation::Off,
            now,
        }
    }

    /// How long after the login its refresh tokens expire. `None` if they never do.
    pub(super) fn refresh_life(&self) -> Option<Duration> {
        match self.rotation {
            Rotation::Off => None,
            Rotation::On { .. } => Some(30 * DAY),
        }
    }
}
