//! Started logins, each in an encrypted cookie of its own. The server stores nothing.
//!
//! Each tab's login has its own cookie, named by its state, so several can be in progress at once.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth2::CsrfToken;
use ring::digest;
use time::OffsetDateTime;
use tower_cookies::Cookies;

use crate::{
    keys::{Keyring, Purpose},
    login::{LIFETIME, PendingLogin},
    web::cookies::{CookiePolicy, STATE_LENGTH},
};

/// The most logins in progress in one browser. A new one removes the oldest: more cookies would exceed the limit of a
/// request's headers.
const AT_MOST: usize = 4;

/// Writes and reads pending-login cookies.
#[derive(Clone, Debug)]
pub struct PendingLogins {
    keys: Arc<Keyring>,
    policy: CookiePolicy,
}

impl PendingLogins {
    /// Cookies that are encrypted by `keys` and named by `policy`.
    #[must_use]
    pub fn new(keys: Arc<Keyring>, policy: CookiePolicy) -> Self {
        Self { keys, policy }
    }

    /// Saves a started login in a cookie, and removes the oldest ones beyond the limit.
    pub(crate) fn begin(&self, cookies: &Cookies, login: &PendingLogin) {
        self.make_room(cookies, login.started_at);
        let name = self.name(&login.state);
        let sealed = self.keys.seal(Purpose::PendingLogin, &[name.as_bytes()], login);
        cookies.add(self.policy.cookie(name, BASE64_URL_SAFE_NO_PAD.encode(sealed), LIFETIME));
    }

    /// Reads the login of this state, and removes its cookie. If there is none, no cookie is removed.
    pub(crate) fn take(&self, cookies: &Cookies, state: &CsrfToken) -> Option<PendingLogin> {
        let name = self.name(state);
        let login = self.open(&name, cookies.get(&name)?.value())?;
        self.expire(cookies, name);
        Some(login)
    }

    fn make_room(&self, cookies: &Cookies, now: OffsetDateTime) {
        let prefix = self.policy.pending_prefix();
        let mut started = Vec::new();
        for cookie in cookies.list().into_iter().filter(|cookie| cookie.name().starts_with(&prefix)) {
            match self.open(cookie.name(), cookie.value()).filter(|login| !login.expired(now)) {
                Some(login) => started.push((login.started_at, cookie.name().to_owned())),
                None => self.expire(cookies, cookie.name().to_owned()),
            }
        }
        started.sort();
        let surplus = (started.len() + 1).saturating_sub(AT_MOST);
        for (_, name) in started.into_iter().take(surplus) {
            self.expire(cookies, name);
        }
    }

    fn expire(&self, cookies: &Cookies, name: String) {
        cookies.add(self.policy.cookie(name, String::new(), Duration::ZERO));
    }

    fn open(&self, name: &str, value: &str) -> Option<PendingLogin> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        let opened = self.keys.open(Purpose::PendingLogin, &[name.as_bytes()], &sealed).ok()?;
        serde_json::from_slice(&opened.plaintext).ok()
    }

    fn name(&self, state: &CsrfToken) -> String {
        let digest = digest::digest(&digest::SHA256, state.secret().as_bytes());
        let state = BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..STATE_LENGTH * 3 / 4]);
        format!("{}{state}", self.policy.pending_prefix())
    }
}
