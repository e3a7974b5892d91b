//! What the vault needs from the authorization server.

use std::fmt;

use async_trait::async_trait;
use oauth2::RefreshToken;

use crate::{
    provider::{self, ExchangeError, TokenResponse},
    vault::record::Issuer,
};

/// One POST each, without retries: only the vault knows whether a token may be sent twice.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// The refresh grant (RFC 6749, 6).
    async fn refresh(&self, token: &RefreshToken) -> Result<TokenResponse, ExchangeError>;
    /// Revokes a refresh token (RFC 7009).
    async fn revoke(&self, token: &RefreshToken) -> Result<(), ExchangeError>;
}

#[async_trait]
impl Provider for provider::Provider {
    async fn refresh(&self, token: &RefreshToken) -> Result<TokenResponse, ExchangeError> {
        self.refresh(token).await
    }

    async fn revoke(&self, token: &RefreshToken) -> Result<(), ExchangeError> {
        self.revoke(token).await
    }
}

impl provider::Provider {
    /// What the refresh tokens of this client belong to.
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        Issuer { client_id: self.client_id().to_owned(), token_endpoint: self.token_endpoint().to_string() }
    }
}
