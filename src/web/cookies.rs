//! Names and attributes of our cookies, decided by `APP_URL` and never by a header.

use tower_sessions::cookie::{Cookie, SameSite, time::Duration};

use crate::config::AppUrl;

/// The length of the suffix of a pending-login cookie's name, in characters. The suffix is a hash of the state.
pub(super) const STATE_LENGTH: usize = 16;

/// Between the prefix of a pending-login cookie's name and its suffix.
const PENDING: &str = "-login-";

/// The names and attributes of this origin's cookies.
#[derive(Clone, Debug)]
pub struct CookiePolicy {
    prefix: String,
    secure: Secure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secure {
    Yes,
    /// A loopback `APP_URL`; the browser would drop a `Secure` cookie there, or share one name between ports.
    No,
}

impl CookiePolicy {
    /// `__Host-` names for https; names with the port for http, because browsers share cookies between ports.
    #[must_use]
    pub fn new(app_url: &AppUrl) -> Self {
        if app_url.is_https() {
            return Self { prefix: "__Host-videoask-auth".to_owned(), secure: Secure::Yes };
        }
        let port = app_url.as_url().port_or_known_default().unwrap_or_default();
        Self { prefix: format!("videoask-auth-{port}"), secure: Secure::No }
    }

    pub(crate) fn session_name(&self) -> &str {
        &self.prefix
    }

    /// The prefix of the name of every pending-login cookie.
    pub(crate) fn pending_prefix(&self) -> String {
        format!("{}{PENDING}", self.prefix)
    }

    /// Whether this is exactly the name of a cookie that we set.
    pub(super) fn is_ours(&self, name: &[u8]) -> bool {
        let Some(rest) = name.strip_prefix(self.prefix.as_bytes()) else { return false };
        let state = rest.strip_prefix(PENDING.as_bytes());
        rest.is_empty() || state.is_some_and(|state| state.len() == STATE_LENGTH && is_plain(state))
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure == Secure::Yes
    }

    pub(crate) fn cookie(&self, name: String, value: String, life: std::time::Duration) -> Cookie<'static> {
        let life = Duration::try_from(life).unwrap_or(Duration::ZERO);
        self.with_attributes(Cookie::build((name, value)).max_age(life).build())
    }

    /// The same cookie with the attributes that all of ours have.
    pub(super) fn with_attributes(&self, mut cookie: Cookie<'static>) -> Cookie<'static> {
        cookie.set_path("/");
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Lax);
        cookie.set_secure(self.is_secure());
        cookie
    }
}

/// Every value that we set is unpadded URL-safe base64.
pub(super) fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
