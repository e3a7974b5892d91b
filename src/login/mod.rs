//! The steps of a login, between the browser that starts it and the store or terminal that gets the tokens.
//!
//! A login starts as a [`PendingLogin`], whose secrets the caller keeps: a cookie of the browser, or the memory of a
//! command. What VideoAsk sends back is checked against it, then its code is exchanged, its user identified, and in
//! keep mode admitted. The caller saves the record.

mod callback;
mod error;
mod identify;
mod pending;
mod used_states;

use std::sync::Arc;

use oauth2::{AuthorizationCode, CsrfToken};
use url::Url;

use crate::{
    clock::Clock,
    config::Mode,
    keys::Keyring,
    provider::{AuthorizeParams, Prompt, Provider, TokenResponse},
    store::RowKey,
    vault::{Connected, EmailBefore, Identity, Record, RecordBody, SessionOf, TokenSet, Vault},
    videoask::Api,
};

pub use self::pending::PendingLogin;
pub(crate) use self::{
    callback::Callback, error::LoginError, identify::EmailEntry, pending::LIFETIME, used_states::UsedStates,
};

/// What every login needs, however the browser comes back.
#[derive(Debug)]
pub(crate) struct Logins {
    pub(crate) mode: Mode,
    pub(crate) issuer: String,
    pub(crate) provider: Arc<Provider>,
    pub(crate) vault: Vault,
    pub(crate) api: Api,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) clock: Clock,
    /// The states of callbacks that were used.
    pub(crate) used_states: UsedStates,
}

pub(crate) struct Admitted {
    pub(crate) owner: Owner,
    pub(crate) record: Record,
    /// Keeps a second account with the same e-mail out.
    pub(crate) entry: Option<EmailEntry>,
}

/// A login without a browser session, done.
#[derive(Debug)]
pub(crate) enum Finished {
    /// Mint mode: nothing was saved.
    Minted(Box<RecordBody>),
    /// Keep mode: this user is connected.
    Kept { identity: Identity, connected: Connected },
}

impl Finished {
    pub(crate) fn identity(&self) -> &Identity {
        match self {
            Self::Minted(body) => &body.identity,
            Self::Kept { identity, .. } => identity,
        }
    }
}

pub(crate) enum Owner {
    /// Mint mode: of the browser session or terminal that logged in.
    Caller,
    /// Keep mode: of this `user_id`.
    User(String),
}

impl Logins {
    /// A new login, and where to send the browser.
    pub(crate) fn start(&self, prompt: Option<Prompt>) -> (PendingLogin, Url) {
        let login = PendingLogin::start(self.clock.now());
        let PendingLogin { state, nonce, verifier, .. } = &login;
        let url = self.provider.authorize_url(&AuthorizeParams { state, nonce, verifier, prompt });
        (login, url)
    }

    /// Whether a callback with this state arrived before, in about the last ten minutes.
    pub(crate) fn was_used(&self, state: &CsrfToken) -> bool {
        self.used_states.contains(state)
    }

    /// Exchanges the code, and finds out who logged in and whether they may.
    pub(crate) async fn redeem(&self, login: PendingLogin, code: AuthorizationCode) -> Result<Admitted, LoginError> {
        let PendingLogin { nonce, verifier, .. } = login;
        let sent = self.clock.now();
        let reply = self.provider.exchange_code(code, Some(verifier)).await?;
        let identity = self.identify(&reply, &nonce).await?;
        let (owner, entry) = self.admit(&identity).await?;
        let TokenResponse { access_token, refresh_token, scope, expires_in, .. } = reply;
        let tokens = TokenSet::dated(access_token, refresh_token, scope, expires_in, sent);
        let record = Record::minted(&self.keys, tokens, identity, self.provider.issuer());
        Ok(Admitted { owner, record, entry })
    }

    /// Redeems the code for a caller that has no browser session. In keep mode, saves the connection.
    pub(crate) async fn finish(&self, login: PendingLogin, code: AuthorizationCode) -> Result<Finished, LoginError> {
        let Admitted { owner, record, entry } = self.redeem(login, code).await?;
        match owner {
            Owner::Caller => Ok(Finished::Minted(Box::new(record.body))),
            Owner::User(user_id) => {
                let identity = record.body.identity.clone();
                let connected = self.connect(&user_id, record, entry, None).await?;
                Ok(Finished::Kept { identity, connected })
            }
        }
    }

    /// Saves the record of an admitted user, and the session with it.
    pub(crate) async fn connect(
        &self,
        user_id: &str,
        record: Record,
        entry: Option<EmailEntry>,
        session: Option<SessionOf<'_>>,
    ) -> Result<Connected, LoginError> {
        let (version, identity) = (record.version(), record.body.identity.clone());
        let connected = self.vault.connect(&RowKey::of_user(user_id), record, None, session).await?;
        let entry = match connected {
            Connected::Yes(EmailBefore::Other) => entry.map(EmailEntry::unproven),
            Connected::Yes(EmailBefore::Same) | Connected::KeptOld => entry,
        };
        self.recheck_email(entry, user_id, Some(&version), &identity).await?;
        Ok(connected)
    }
}
