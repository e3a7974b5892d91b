//! Imports a refresh token: stores it first, then exchanges it once, then moves the connection to its owner.
//!
//! A pending import is stored under the fingerprint of its token. After the move, a tombstone stays there for good, so a
//! token that was imported before is recognized.

use oauth2::{AccessToken, RefreshToken};
use ring::digest::{SHA256, digest};

use crate::{
    keys::hex,
    store::{
        RowKey,
        records::{Adoption, Expected, Row, State},
    },
    vault::{
        Vault,
        error::VaultError,
        record::{
            Issuer, Record, RecordBody,
            cause::FailureKind,
            connection_id::ConnectionId,
            history::{History, RefreshFailure},
            identity::Identity,
            token_set::TokenSet,
            tombstone::Tombstone,
        },
        refresh::reason::RefreshReason,
        replaced::{Replaced, inherit},
    },
};

/// The move is tried this often if other processes change the rows meanwhile.
const TRIES: usize = 5;

/// The result of an import so far.
#[derive(Clone, Debug)]
pub enum Import {
    /// This token was imported before. It was not sent again.
    Already,
    /// This token was imported before, and its connection was revoked or forgotten.
    Forgotten {
        /// Its user, if known.
        user: Option<String>,
    },
    /// It was exchanged, and its owner is not known yet.
    Pending(Box<PendingImport>),
    /// The provider refused it.
    Refused(Box<RefreshFailure>),
}

/// An exchanged import that waits for its owner.
#[derive(Clone, Debug)]
pub struct PendingImport {
    key: RowKey,
    record: Record,
}

/// The result of moving an import to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It is the owner's connection now.
    Yes,
    /// The owner has a live connection; the import stays pending.
    NeedsReplace,
}

/// What an import may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Any connection.
    Live,
    /// Only a dead connection, or none.
    OnlyDead,
}

impl PendingImport {
    /// The token for `GET /me`, which names its owner.
    pub(crate) fn access_token(&self) -> &AccessToken {
        &self.record.body.tokens.access_token
    }
}

fn sha256_hex(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn key_of(token: &RefreshToken) -> RowKey {
    RowKey::of_import(&sha256_hex(token.secret()))
}

impl Vault {
    /// Stores the token and exchanges it, unless that was done before.
    pub async fn import(&self, token: RefreshToken) -> Result<Import, VaultError> {
        let key = key_of(&token);
        let stored = self.call_store(self.0.store.read(&key)).await?;
        if stored.as_ref().is_none_or(|row| self.may_replace_import(row)) {
            let row = self.new_row(&key, &self.unexchanged(&key, token), State::Pending, None);
            // On a conflict, another process is importing the same token, and its row is as good.
            self.call_store(self.0.store.put(&row, stored.as_ref().map(Row::head).as_ref())).await?;
        }
        self.exchange_import(key).await
    }

    /// The earlier import of this token, if it was moved to its owner. Sends and writes nothing.
    pub(crate) async fn imported_before(&self, token: &RefreshToken) -> Result<Option<Import>, VaultError> {
        match self.call_store(self.0.store.read(&key_of(token))).await? {
            Some(row) if row.state == State::Tombstone => Ok(Some(self.adopted(&row).await?)),
            Some(_) | None => Ok(None),
        }
    }

    /// Whether a token that was imported for another client, and never exchanged, may be imported for this one: the
    /// operator has corrected CLIENT_ID. While an attempt is open, nobody knows whether it was exchanged.
    fn may_replace_import(&self, row: &Row) -> bool {
        matches!(row.state, State::Pending | State::Dead)
            && row.version.generation == 1
            && row.attempt.is_none()
            && Record::of_row(&self.0.keys, row).is_ok_and(|record| record.body.issuer != self.0.settings.issuer)
    }

    /// The result of an import that was moved to its owner before.
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

    async fn exchange_import(&self, key: RowKey) -> Result<Import, VaultError> {
        self.refresh_alone(&key, RefreshReason::Import).await?;
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

    /// Moves a pending import to its owner.
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
            let stored = self.call_store(self.0.store.read(owner)).await?;
            if stored.as_ref().is_some_and(|row| row.version.connection_id == record.connection_id.as_str()) {
                return Ok(Adopted::Yes);
            }
            let live = stored.as_ref().is_some_and(|row| matches!(row.state, State::Live | State::Blocked));
            if live && replace == Replace::OnlyDead {
                return Ok(Adopted::NeedsReplace);
            }
            let replaced = stored.as_ref().map(|row| Replaced::of_row(&self.0.keys, row));
            inherit(&mut record, replaced.as_ref());
            let row = self.new_row(owner, &record, State::Live, None);
            let tombstone = self.seal_tombstone(&pending, &record.version(), &Tombstone::of(&record, now));
            let expected = Expected { version: record.version(), state: State::Pending, attempt: None, lease: None };
            let over = replaced.as_ref().map(|row| &row.head);
            match self.call_store(self.0.store.adopt(&pending, &expected, &tombstone, &row, over)).await? {
                Adoption::Applied => {
                    let (user_id, connection) = (record.body.identity.logged_id(), &record.connection_id);
                    tracing::info!(user_id, %connection, "imported");
                    self.wake_keeper_by(row.due);
                    return Ok(Adopted::Yes);
                }
                Adoption::OwnerConflict(_) | Adoption::PendingConflict(_) => {}
            }
        }
        Err(VaultError::Busy)
    }

    /// A connection that has only a refresh token so far.
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
        // As random as the token. Two imports of the token at once get the same id; another client gets another id.
        let Issuer { client_id, token_endpoint } = &self.0.settings.issuer;
        let id = sha256_hex(&[&key.0, client_id, token_endpoint].map(String::as_str).join("\n"));
        let id = id.chars().take(32).collect::<String>();
        Record { connection_id: ConnectionId::from(id), generation: 1, body }
    }
}
