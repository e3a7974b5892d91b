//! Who logged in, and whether they may.

use crate::{
    config::Mode,
    login::{Logins, Owner, error::LoginError},
    provider::{IdTokenError, Nonce, TokenResponse},
    store::{RowKey, records::Version},
    telemetry,
    vault::{Ending, Identity, KeyLockGuard},
    videoask::{ApiError, Me},
};

/// How often `/me` is asked within one login, where the login depends on it.
const TRIES: u32 = 3;

impl Logins {
    /// Mint mode: by the id_token, or by `/me` where there is none; a failing `/me` never hides the tokens. Keep mode: by
    /// both, since `user_id` is the key of the record.
    pub(super) async fn identify(&self, reply: &TokenResponse, nonce: &Nonce) -> Result<Identity, LoginError> {
        let claimed = match &reply.id_token {
            Some(id_token) => {
                // A nonce that was not sent must not come back either.
                let nonce = self.provider.asks_openid().then_some(nonce);
                Some(Identity::from(self.provider.verify_id_token(id_token, nonce).await?))
            }
            None if self.provider.requires_id_token() => return Err(IdTokenError::Missing.into()),
            None => None,
        };
        match (&self.mode, claimed) {
            (Mode::Mint, Some(identity)) => Ok(identity),
            (Mode::Mint, None) => {
                Ok(self.api.me(&reply.access_token).await.map_or_else(|error| unnamed(&error), Identity::from))
            }
            (Mode::Keep(_), claimed) => Ok(self.retry_me(reply).await?.completes(claimed.unwrap_or_default())),
        }
    }

    /// `/me`, asked again where it failed for a passing reason.
    async fn retry_me(&self, reply: &TokenResponse) -> Result<Me, LoginError> {
        let mut tries = 1;
        loop {
            match self.api.me(&reply.access_token).await {
                Ok(me) => return Ok(me),
                Err(error @ ApiError::Unauthorized { .. }) => return Err(LoginError::Unidentified(error)),
                Err(error) if tries == TRIES => return Err(LoginError::Unidentified(error)),
                Err(_) => tries += 1,
            }
        }
    }

    /// Admits a user of `ALLOWED_USERS`. An e-mail entry belongs to the `user_id` that is connected with it: a second
    /// account with the same verified e-mail would make the name ambiguous, and requests for it would fail. A user who is
    /// listed by an id is admitted with any e-mail.
    pub(crate) async fn admit(&self, identity: &Identity) -> Result<(Owner, Option<EmailEntry>), LoginError> {
        let Mode::Keep(allowed) = &self.mode else { return Ok((Owner::Caller, None)) };
        let not_listed = || LoginError::NotListed(Box::new(identity.clone()));
        let user_id = identity.user_id.clone().filter(|_| identity.is_in(allowed)).ok_or_else(not_listed)?;
        let entry = match identity.proven_email().filter(|_| !identity.is_in_by_id(allowed)) {
            Some(email) => Some(self.reserve_email(email, &user_id, identity).await?),
            None => None,
        };
        Ok((Owner::User(user_id), entry))
    }

    /// Waits until no other login with this e-mail is being stored, and checks that no other user is connected with it.
    async fn reserve_email(&self, email: &str, user_id: &str, identity: &Identity) -> Result<EmailEntry, LoginError> {
        let lock = self.vault.lock_email(email).await;
        let key = RowKey::of_user(user_id);
        let claim = if self.vault.recently_held(&key, email) {
            Claim::Held
        } else {
            let holders = self.vault.holders_of(email).await?;
            match holders.contains(&key) {
                true => Claim::Held,
                false if holders.is_empty() => Claim::New,
                false => return Err(LoginError::EmailInUse(Box::new(identity.clone()))),
            }
        };
        Ok(EmailEntry { email: email.to_owned(), claim, _lock: lock })
    }

    /// Looks again after a record was saved. Another process may have admitted another user with the same e-mail at the
    /// same moment. The process that then finds two gives way and leaves a tombstone: at least the one that was saved last.
    pub(crate) async fn recheck_email(
        &self,
        entry: Option<EmailEntry>,
        user_id: &str,
        saved: Option<&Version>,
        identity: &Identity,
    ) -> Result<(), LoginError> {
        let Some(EmailEntry { email, claim: Claim::New, .. }) = &entry else { return Ok(()) };
        if self.vault.holders_of(email).await?.len() < 2 {
            return Ok(());
        }
        self.vault.end(&RowKey::of_user(user_id), saved, Ending::Forget).await?;
        Err(LoginError::EmailInUse(Box::new(identity.clone())))
    }
}

/// The e-mail entry of `ALLOWED_USERS` by which a user was admitted. Keep it until the record is saved.
#[derive(Debug)]
pub(crate) struct EmailEntry {
    email: String,
    claim: Claim,
    /// Keeps other logins of this process with the same e-mail waiting.
    _lock: KeyLockGuard,
}

impl EmailEntry {
    /// For a login that did not replace a connection with this e-mail: another user may have been connected with it after
    /// the claim was looked at.
    pub(super) fn unproven(self) -> Self {
        Self { claim: Claim::New, ..self }
    }
}

/// Whether the user was connected with the e-mail before this login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Held,
    New,
}

fn unnamed(error: &ApiError) -> Identity {
    tracing::warn!(cause = telemetry::chain(error), "VideoAsk did not say who logged in");
    Identity::default()
}
