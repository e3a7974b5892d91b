//! A refresh token from elsewhere: written down first, then exchanged once, then given to whoever it belongs to.
//!
//! A pending import lies under the fingerprint of its token. When it finds its owner a tombstone stays there, and
//! nothing ever deletes it: so a token that was imported before is known, whatever became of it.

use std::time::Duration;

use oauth2::{AccessToken, RefreshToken};
use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

use crate::{
    store::{
        RowKey,
        records::{Adoption, Expected, Row, State},
    },
    vault::{
        ConnectionId, History, Identity, Issuer, Record, RecordBody, TokenSet, Tombstone, Vault,
        error::VaultError,
        record::{cause::FailureKind, history::RefreshFailure},
        refresh::RefreshReason,
    },
};

const PREFIX: &str = "import:";
/// What asking who the user is may take.
pub(super) const TO_IDENTIFY: Duration = Duration::from_secs(60);
/// How often a step is tried against rows that keep moving.
const TRIES: usize = 5;

/// How far an import has come.
#[derive(Clone, Debug)]
pub enum Import {
    /// This token was imported before, and was not sent again.
    Already,
    /// This token was imported before, and the connection that came of it was revoked or forgotten.
    Forgotten {
        /// Whose it was, if that is known.
        user: Option<String>,
    },
    /// It is exchanged, and nobody is known to own it yet.
    Pending(Box<PendingImport>),
    /// The provider did not take it.
    Refused(Box<RefreshFailure>),
}

/// An exchanged import that waits for its owner.
#[derive(Clone, Debug)]
pub struct PendingImport {
    key: RowKey,
    record: Record,
}

/// What became of giving an import to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It is the connection now.
    Yes,
    /// The owner has a live connection; the import stays pending.
    NeedsReplace,
}

/// Whether an import may take the place of a live connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// It may.
    Live,
    /// Only that of a dead one, or of none.
    OnlyDead,
}

impl PendingImport {
    /// Opens the API, to ask whose it is.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.record.body.tokens.access_token
    }
}

/// The SHA-256 of a text.
fn sha256_hex(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

impl RowKey {
    /// Where the import of this token lies: its plain SHA-256, which needs no salt since the token is random.
    fn of_import(token: &RefreshToken) -> Self {
        Self(format!("{PREFIX}{}", sha256_hex(token.secret())))
    }

    /// Whether an import lies here, and not a user's or a session's record.
    pub(super) fn is_import(&self) -> bool {
        self.0.starts_with(PREFIX)
    }
}

impl Row {
    pub(super) fn is_adopted_import(&self) -> bool {
        self.key.is_import() && self.state == State::Tombstone
    }
}

impl Vault {
    /// Writes the token down, and exchanges it, unless that was done before.
    pub async fn import(&self, token: RefreshToken) -> Result<Import, VaultError> {
        let key = RowKey::of_import(&token);
        let there = self.call_store(self.0.store.read(&key)).await?;
        let starts = there.as_ref().is_none_or(|row| self.may_start_again(row));
        if starts {
            let row = self.unexchanged(&key, token).new_row(&self.0.keys, &key, State::Pending, None);
            // Somebody may import the same token at this moment; then this is theirs.
            self.call_store(self.0.store.put(&row, there.as_ref().map(|row| &row.version))).await?;
        }
        self.go_on(key).await
    }

    /// What became of this token, if it found its owner before. Nothing is sent or written.
    pub async fn imported_before(&self, token: &RefreshToken) -> Result<Option<Import>, VaultError> {
        match self.call_store(self.0.store.read(&RowKey::of_import(token))).await? {
            Some(row) if row.state == State::Tombstone => Ok(Some(self.adopted(&row).await?)),
            Some(_) | None => Ok(None),
        }
    }

    /// Whether a token that another client sent, and never exchanged, may be sent by this one: the operator has
    /// corrected CLIENT_ID since. While an attempt is open, nobody knows whether it was exchanged.
    fn may_start_again(&self, row: &Row) -> bool {
        matches!(row.state, State::Pending | State::Dead)
            && row.version.generation == 1
            && row.attempt.is_none()
            && Record::of_row(&self.0.keys, row).is_ok_and(|record| record.body.issuer != self.0.settings.issuer)
    }

    /// What became of an import that found its owner.
    async fn adopted(&self, tombstone: &Row) -> Result<Import, VaultError> {
        let tombstone = Tombstone::of_row(&self.0.keys, tombstone)?;
        let user = tombstone.identity.label().map(str::to_owned);
        let Some(user_id) = tombstone.identity.user_id else { return Ok(Import::Already) };
        let owner = self.call_store(self.0.store.read(&RowKey::of_user(&user_id))).await?;
        Ok(match owner.map(|row| row.state) {
            Some(State::Live | State::Blocked | State::Dead | State::Pending) => Import::Already,
            Some(State::Revoking | State::Tombstone) | None => Import::Forgotten { user },
        })
    }

    async fn go_on(&self, key: RowKey) -> Result<Import, VaultError> {
        if let Some(setback) = self.refresh_alone(&key, RefreshReason::Import).await {
            return Err(setback);
        }
        let Some(row) = self.call_store(self.0.store.read(&key)).await? else { return Err(VaultError::NotConnected) };
        if row.state == State::Tombstone {
            return self.adopted(&row).await;
        }
        let record = Record::of_row(&self.0.keys, &row)?;
        if record.body.issuer != self.0.settings.issuer {
            return Err(VaultError::OtherClient);
        }
        match &record.body.history.failure {
            Some(failure) if failure.kind() == FailureKind::Transient => {
                Err(VaultError::ProviderUnavailable { retry_after: failure.wait(self.0.clock.now()) })
            }
            Some(failure) => Ok(Import::Refused(Box::new(failure.clone()))),
            None if record.generation == 1 => Err(VaultError::Busy),
            None => Ok(Import::Pending(Box::new(PendingImport { key, record }))),
        }
    }

    /// Gives a pending import to the user it was found to belong to.
    pub async fn adopt(
        &self,
        import: PendingImport,
        owner: &RowKey,
        identity: Identity,
        replace: Replace,
    ) -> Result<Adopted, VaultError> {
        let PendingImport { key: pending, mut record } = import;
        let now = self.0.clock.now();
        record.body.identity = identity;
        for _ in 0..TRIES {
            let there = self.call_store(self.0.store.read(owner)).await?;
            if there.as_ref().is_some_and(|row| row.version.connection_id == record.connection_id.as_str()) {
                return Ok(Adopted::Yes);
            }
            let live = there.as_ref().is_some_and(|row| matches!(row.state, State::Live | State::Blocked));
            if live && replace == Replace::OnlyDead {
                return Ok(Adopted::NeedsReplace);
            }
            record.body.history.previous = there.as_ref().and_then(|row| self.previous(row, &record));
            record.body.history.first_connection = Some(self.first_connection(there.as_ref(), &record));
            let row = record.new_row(&self.0.keys, owner, State::Live, None);
            let tombstone = Tombstone::of(&record, now).sealed(&self.0.keys, &pending, &record.version());
            let expected = Expected { version: record.version(), state: State::Pending, attempt: None, lease: None };
            let over = there.as_ref().map(|row| &row.version);
            match self.call_store(self.0.store.adopt(&pending, &expected, &tombstone, &row, over)).await? {
                Adoption::Applied => {
                    let (user_id, connection) = (record.body.identity.logged_id(), &record.connection_id);
                    tracing::info!(user_id, %connection, "imported");
                    self.plan(row.due);
                    return Ok(Adopted::Yes);
                }
                Adoption::OwnerMoved(_) | Adoption::PendingMoved(_) => {}
            }
        }
        Err(VaultError::Busy)
    }

    /// A connection that has only a refresh token yet.
    fn unexchanged(&self, key: &RowKey, token: RefreshToken) -> Record {
        let now = self.0.clock.now();
        let tokens = TokenSet {
            access_token: AccessToken::new(String::new()),
            refresh_token: Some(token),
            scope: None,
            issued_at: now,
            expires_at: now,
        };
        let issuer = self.0.settings.issuer.clone();
        let body =
            RecordBody { tokens, identity: Identity::default(), issuer, minted_at: now, history: History::default() };
        // As random as the token, the same for two who import it at once, and another for another client.
        let Issuer { client_id, token_endpoint } = &self.0.settings.issuer;
        let id = sha256_hex(&[&key.0, client_id, token_endpoint].map(String::as_str).join("\n"));
        let id = id.chars().take(32).collect::<String>();
        Record { connection_id: ConnectionId::from(id), generation: 1, body }
    }
}

impl RefreshReason {
    /// Whether a pending import is still to be exchanged, or was so long ago that its owner cannot be asked for.
    pub(super) fn import_applies(state: State, record: &Record, now: OffsetDateTime) -> bool {
        state == State::Pending && (record.generation == 1 || record.body.tokens.left(now) < TO_IDENTIFY)
    }
}
