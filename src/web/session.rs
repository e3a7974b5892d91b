//! Browser sessions: a random id in the cookie, and an encrypted row in the store, keyed by the HMAC of that id.
//!
//! A session exists only after a login has succeeded, and never contains a token. Its two limits are in the row and are
//! compared with our clock; the expiry of tower-sessions is not used.

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{self, Id, Record as SessionData},
    session_store::{Error, Result as StoreResult},
};

use crate::{
    clock::Clock,
    config::Mode,
    keys::{Keyring, Purpose},
    store::{Limits, RowKey, SessionRow, Store},
    telemetry,
    vault::{Record, VisibleRecord},
    web::cookies::CookiePolicy,
};

/// A session ends after this time without use.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// A session ends after this time, even in use.
const ABSOLUTE: Duration = Duration::from_secs(24 * 60 * 60);
/// The idle limit moves at most this often, so that a busy page does not write at each request.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// A correction of the clock by this much ends no session.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// The decrypted content of a session.
#[derive(Serialize, Deserialize)]
struct Content<'a> {
    login: Cow<'a, Login>,
}

/// The login of a session. A login of the other mode counts as logged out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum Login {
    /// The key of the record is the session's own.
    Mint,
    /// The key of the record is VideoAsk's `user_id`. The record stays when the session ends.
    Keep {
        user_id: String,
        /// The user's first connection since a revoke or `forget`, which end this session.
        first_connection: Option<String>,
    },
}

impl Login {
    /// A login as the user of this connection.
    pub(super) fn kept(user_id: &str, record: &Record) -> Self {
        let first_connection = record.body.history.first_connection.clone();
        Self::Keep { user_id: user_id.to_owned(), first_connection }
    }

    /// Whether the connection was neither revoked nor forgotten since this login.
    pub(super) fn is_bound_to(&self, shown: &VisibleRecord) -> bool {
        match self {
            Self::Mint => true,
            Self::Keep { first_connection, .. } => *first_connection == shown.record().body.history.first_connection,
        }
    }

    /// Whether this is a login of this mode.
    pub(super) fn is_of(&self, mode: &Mode) -> bool {
        matches!((self, mode), (Self::Mint, Mode::Mint) | (Self::Keep { .. }, Mode::Keep(_)))
    }
}

/// The session store of tower-sessions, in our store.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Arc<dyn Store>,
    keys: Arc<Keyring>,
    clock: Clock,
}

impl Sessions {
    /// Sessions in `store`, encrypted by `keys`, which end by `clock`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, keys: Arc<Keyring>, clock: Clock) -> Self {
        Self { store, keys, clock }
    }

    /// The layer that reads and sets the cookie.
    pub(crate) fn layer(self, policy: &CookiePolicy) -> SessionManagerLayer<Self> {
        SessionManagerLayer::new(self)
            .with_name(policy.session_name().to_owned())
            .with_secure(policy.is_secure())
            .with_same_site(SameSite::Lax)
            .with_expiry(Expiry::OnSessionEnd)
    }

    /// The key of a session's row and its mint-mode record, by the current secret.
    pub(crate) fn key(&self, id: Id) -> RowKey {
        row_key(self.keys.hmac(Purpose::SessionId, &id.0.to_le_bytes()))
    }

    /// The keys that rows of this session may have: by the current secret, then by each previous one.
    pub(crate) fn keys(&self, id: Id) -> impl Iterator<Item = RowKey> {
        self.keys.hmacs(Purpose::SessionId, id.0.to_le_bytes()).map(row_key)
    }

    /// The limits of a session that starts now, and of its mint-mode record.
    pub(crate) fn limits(&self) -> Limits {
        let now = self.clock.now();
        Limits { idle: now + IDLE, absolute: now + ABSOLUTE }
    }

    async fn find(&self, id: Id) -> StoreResult<Option<SessionRow>> {
        for key in self.keys(id) {
            if let Some(row) = self.store.session(&key).await.map_err(backend)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    async fn touch(&self, row: &SessionRow, now: OffsetDateTime) -> StoreResult<()> {
        let idle = now + IDLE;
        if idle - row.limits.idle >= TOUCH_EVERY {
            self.store.touch_session(&row.key, idle).await.map_err(backend)?;
        }
        Ok(())
    }

    /// The row of a new session.
    pub(super) fn row(&self, id: Id, login: &Login, limits: Limits) -> SessionRow {
        let key = self.key(id);
        let content = Content { login: Cow::Borrowed(login) };
        SessionRow { sealed: self.keys.seal(Purpose::Session, &[key.0.as_bytes()], &content), limits, key }
    }

    /// Saves a new session where no record is saved with it.
    pub(super) async fn insert(&self, row: &SessionRow) -> Result<(), session::Error> {
        self.store.create_session(row).await.map_err(backend)?;
        Ok(())
    }

    /// The login of a session, unless the session has ended.
    pub(super) async fn login(&self, id: Id) -> Result<Option<Login>, session::Error> {
        Ok(self.read(id).await?.map(|(_, login)| login))
    }

    /// The row and the login of a session that has not ended.
    async fn read(&self, id: Id) -> StoreResult<Option<(SessionRow, Login)>> {
        let now = self.clock.now();
        let Some(row) = self.find(id).await?.filter(|row| is_in_force(&row.limits, now)) else { return Ok(None) };
        let Some(login) = self.open(&row) else { return Ok(None) };
        self.touch(&row, now).await?;
        Ok(Some((row, login)))
    }

    /// The login in a row. A row that cannot be decrypted has none, and counts as logged out.
    fn open(&self, row: &SessionRow) -> Option<Login> {
        let opened = self.keys.open(Purpose::Session, &[row.key.0.as_bytes()], &row.sealed).ok()?;
        let content: Content<'_> = serde_json::from_slice(&opened.plaintext).ok()?;
        Some(content.login.into_owned())
    }
}

#[async_trait]
impl SessionStore for Sessions {
    /// Always a fresh id, whatever id the record came with: a login never keeps the id from before it. The row is written
    /// in one step with the login's record.
    async fn create(&self, session: &mut SessionData) -> StoreResult<()> {
        session.id = Id::default();
        Ok(())
    }

    /// Writes nothing: a session does not change. The layer would save it once more after each login, and answer with an
    /// empty page if the store failed at that moment.
    async fn save(&self, _: &SessionData) -> StoreResult<()> {
        Ok(())
    }

    /// Whether there is such a session. Its login is read by `login`, without tower-sessions' copy as a map of JSON
    /// values.
    async fn load(&self, id: &Id) -> StoreResult<Option<SessionData>> {
        let read = self.read(*id).await?;
        Ok(read.map(|(row, _)| SessionData { id: *id, data: HashMap::new(), expiry_date: row.limits.absolute }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        for key in self.keys(*id) {
            self.store.delete_session(&key).await.map_err(backend)?;
        }
        Ok(())
    }
}

/// Whether a session has not ended. A limit further ahead than a session may last was set by a wrong clock: such a session
/// counts as ended, since it would last until then.
fn is_in_force(limits: &Limits, now: OffsetDateTime) -> bool {
    !limits.passed(now) && limits.absolute <= now + ABSOLUTE + CLOCK_TOLERANCE
}

fn row_key(hmac: [u8; 32]) -> RowKey {
    RowKey::of_session(BASE64_URL_SAFE_NO_PAD.encode(hmac))
}

/// tower-sessions accepts only text, and the store's `Display` has the whole error.
fn backend(error: impl std::error::Error + 'static) -> Error {
    Error::Backend(telemetry::chain(&error))
}

/// Ends the session that the browser may have, and gives it the id of a new one, whose row is not written yet.
pub(super) async fn renew(session: &Session) -> Result<Id, session::Error> {
    if session.id().is_some() {
        session.flush().await?;
    }
    // Counts as a change, so that the layer sets the cookie.
    session.clear().await;
    session.save().await?;
    session.id().ok_or_else(|| Error::Backend("a saved session has no id".to_owned()).into())
}
