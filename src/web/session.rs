//! Browser sessions: a random id in the cookie, and an encrypted row in the store, keyed by the HMAC of that id.
//!
//! A session exists only after a login has succeeded, and never contains a token. Its two limits are in the row and are
//! compared with our clock; the expiry of tower-sessions is not used.

use std::{collections::HashMap, sync::Arc, time::Duration};

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
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    config::Mode,
    keys::{Keyring, Purpose},
    store::{InsertOutcome, Limits, RowKey, SessionRow, Store},
    telemetry,
    vault::VisibleRecord,
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

/// The name of the login among a session's values.
pub(super) const LOGIN: &str = "login";

/// The decrypted content of a session.
type SessionValues = HashMap<String, serde_json::Value>;

/// The login of a session. A login of the other mode counts as logged out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum Login {
    /// The key of the record is the session's own.
    Mint,
    /// The key of the record is VideoAsk's `user_id`. The record stays when the session ends.
    Keep {
        user_id: String,
        /// The user's first connection since the last revoke or `forget`, each of which ends this session. Unknown until
        /// the connection is saved.
        first_connection: Option<String>,
    },
}

impl Login {
    /// Whether the connection has been neither revoked nor forgotten since this login.
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
            .with_name(policy.session_name())
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

    /// Binds a session to its connection, once that is saved. It never creates a row, so it does not undo a logout in the
    /// meantime. [`SessionStore::save`] cannot do this: the layer calls it again at the end of the request.
    pub(super) async fn bind(&self, id: Id, login: &Login) -> Result<(), session::Error> {
        let key = self.key(id);
        let login = serde_json::to_value(login)?;
        let sealed = self.seal(&key, &HashMap::from([(LOGIN.to_owned(), login)]))?;
        self.store.save_session(&key, &sealed).await.map_err(backend)?;
        Ok(())
    }

    /// The login of a session, unless the session has ended.
    pub(super) async fn login(&self, id: Id) -> Result<Option<Login>, session::Error> {
        let Some(SessionData { mut data, .. }) = self.load(&id).await? else { return Ok(None) };
        Ok(data.remove(LOGIN).map(serde_json::from_value).transpose()?)
    }

    fn seal(&self, key: &RowKey, data: &SessionValues) -> StoreResult<Vec<u8>> {
        let data = Zeroizing::new(serde_json::to_vec(data).map_err(|error| Error::Encode(error.to_string()))?);
        Ok(self.keys.seal(Purpose::Session, &[key.0.as_bytes()], &data))
    }

    /// The data of a row. A row that cannot be decrypted has none, and counts as logged out.
    fn open(&self, row: &SessionRow) -> Option<SessionValues> {
        let opened = self.keys.open(Purpose::Session, &[row.key.0.as_bytes()], &row.sealed).ok()?;
        serde_json::from_slice(&opened.plaintext).ok()
    }
}

#[async_trait]
impl SessionStore for Sessions {
    /// Always uses a new id, whatever id the record has, so that a login never keeps the id from before it.
    async fn create(&self, session: &mut SessionData) -> StoreResult<()> {
        loop {
            session.id = Id::default();
            let key = self.key(session.id);
            let row = SessionRow { sealed: self.seal(&key, &session.data)?, limits: self.limits(), key };
            if self.store.create_session(&row).await.map_err(backend)? == InsertOutcome::Inserted {
                return Ok(());
            }
        }
    }

    /// Writes nothing: `create` writes the session, and `bind` its only change. The layer would save it once more after
    /// each login, and respond with an empty page if the store failed then.
    async fn save(&self, _: &SessionData) -> StoreResult<()> {
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<SessionData>> {
        let now = self.clock.now();
        let Some(row) = self.find(*id).await?.filter(|row| is_in_force(&row.limits, now)) else { return Ok(None) };
        let Some(data) = self.open(&row) else { return Ok(None) };
        self.touch(&row, now).await?;
        Ok(Some(SessionData { id: *id, data, expiry_date: row.limits.absolute }))
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

/// Starts a session for `login`, replacing any that the browser had. Returns its id.
pub(super) async fn begin(session: &Session, login: &Login) -> Result<Id, session::Error> {
    if session.id().is_some() {
        session.flush().await?;
    }
    session.insert(LOGIN, login).await?;
    session.save().await?;
    session.id().ok_or_else(|| Error::Backend("a saved session has no id".to_owned()).into())
}
