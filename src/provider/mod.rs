//! The OAuth client: authorize URL, code exchange, id_token. It knows no storage and serves no page.
//!
//! * [`AuthorizeParams`] – what one login adds to the authorize URL
//! * [`TokenReply`] – a token set as it came; [`ExchangeError`] – the five ways in which none comes
//! * [`Refusal`] – what an error code means
//! * [`IdClaims`] – who a verified id_token speaks of; [`IdTokenError`] – which claim is wrong, and the fix
//! * [`Finding`] – what `check` learns from the provider without a human

mod answer;
mod authorize;
mod diagnose;
mod finding;
mod id_token;
mod refusal;
mod token;
mod wire;

use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, EndpointNotSet, EndpointSet, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use url::Url;

pub use self::{
    answer::{ExchangeError, Nonsense},
    authorize::{AuthorizeParams, Nonce, Prompt},
    finding::{Finding, Logins, Outcome},
    id_token::{IdClaims, IdTokenError, JwksError},
    refusal::Refusal,
    token::{IdToken, Subject, TokenReply},
};
use crate::{
    clock::Clock,
    config::{Pkce, ProviderConfig},
    http::{self, BuildError},
    provider::{id_token::Verifier, wire::Wire},
    telemetry::{Grant, Metrics, ProviderRequest},
};

type OauthClient = Client<
    BasicErrorResponse,
    TokenReply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What the `oauth2` crate makes of an error of ours.
type WireError = RequestTokenError<ExchangeError, BasicErrorResponse>;

/// VideoAsk's authorization server, as this client sees it.
#[derive(Debug)]
pub struct Provider {
    oauth: OauthClient,
    wire: Wire,
    verifier: Verifier,
    config: ProviderConfig,
    metrics: Metrics,
}

impl Provider {
    /// Prepares the client; nothing is asked of the server yet.
    pub fn new(config: &ProviderConfig, clock: Clock, metrics: Metrics) -> Result<Self, BuildError> {
        let client = http::provider_client(config.exchange_timeout, &config.auth_url)?;
        let oauth = Client::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(config.client_secret.clone())
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(http::endpoint(&config.auth_url, "/authorize")))
            .set_token_uri(TokenUrl::from_url(http::endpoint(&config.auth_url, "/oauth/token")))
            .set_redirect_uri(RedirectUrl::from_url(config.callback.clone()));
        Ok(Self {
            oauth,
            verifier: Verifier::new(config, client.clone(), clock.clone(), metrics.clone()),
            wire: Wire { client, clock },
            config: config.clone(),
            metrics,
        })
    }

    /// Where to send the browser.
    #[must_use]
    pub fn authorize_url(&self, login: &AuthorizeParams<'_>) -> Url {
        let scopes = self.config.scopes.iter().cloned().map(Scope::new);
        let mut request = self
            .oauth
            .authorize_url(|| login.state.clone())
            .add_scopes(scopes)
            .add_extra_param("audience", &self.config.audience);
        if self.config.pkce == Pkce::On {
            request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(login.verifier));
        }
        let nonce = self.asks_openid().then(|| login.nonce.secret());
        let prompt = login.prompt.map(Prompt::as_str);
        for (name, value) in [("nonce", nonce), ("prompt", prompt), ("login_hint", login.login_hint)] {
            if let Some(value) = value {
                request = request.add_extra_param(name, value);
            }
        }
        request.url().0
    }

    /// Exchanges the code of a callback, once.
    pub async fn exchange_code(
        &self,
        code: AuthorizationCode,
        verifier: Option<PkceCodeVerifier>,
    ) -> Result<TokenReply, ExchangeError> {
        let mut request = self.oauth.exchange_code(code);
        if let Some(verifier) = verifier.filter(|_| self.config.pkce == Pkce::On) {
            request = request.set_pkce_verifier(verifier);
        }
        self.measured(Grant::Code, request.request_async(&self.wire)).await
    }

    /// Exchanges a refresh token, once (RFC 6749, 6). Whether it may be sent again is for others to know.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<TokenReply, ExchangeError> {
        self.measured(Grant::Refresh, self.oauth.exchange_refresh_token(token).request_async(&self.wire)).await
    }

    /// Counts and times an exchange, also one that its caller gives up.
    async fn measured(
        &self,
        grant: Grant,
        exchange: impl Future<Output = Result<TokenReply, WireError>>,
    ) -> Result<TokenReply, ExchangeError> {
        let exchange_timer = self.metrics.exchange(grant, &self.wire.clock);
        let answer = exchange.await.map_err(of_the_wire);
        exchange_timer.ended(answer::result(&answer));
        answer
    }

    /// Revokes a refresh token (RFC 7009). By the tenant's setting this may end every grant of that user and app.
    pub async fn revoke(&self, token: &RefreshToken) -> Result<(), ExchangeError> {
        let form = [
            ("client_id", self.config.client_id.as_str()),
            ("client_secret", self.config.client_secret.secret()),
            ("token", token.secret()),
        ];
        let post = self.wire.post(http::endpoint(&self.config.auth_url, "/oauth/revoke"), &form);
        self.metrics.asked(ProviderRequest::Revoke, &self.wire.clock).time(post).await
    }

    /// Verifies an id_token in full. `nonce` is the one that was sent, if `openid` was asked for.
    pub async fn verify_id_token(&self, token: &IdToken, nonce: Option<&Nonce>) -> Result<IdClaims, IdTokenError> {
        self.verifier.verify(token, nonce).await
    }

    /// Whether a login without an id_token must be refused: with PKCE off, only its nonce proves that the code was
    /// issued to the browser that started this login. A stolen code would otherwise work in the thief's own login.
    #[must_use]
    pub fn requires_id_token(&self) -> bool {
        self.config.pkce == Pkce::Off
    }

    /// With the client id, what a refresh token belongs to.
    #[must_use]
    pub fn token_endpoint(&self) -> &Url {
        self.oauth.token_uri().url()
    }

    /// `CLIENT_ID`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.config.client_id
    }

    /// Asks the server, without a human, whether issuer, clock, client id, callback and secret fit.
    pub async fn diagnose(&self) -> Vec<Finding> {
        diagnose::diagnose(self).await
    }

    /// Whether the scopes ask for an id_token.
    #[must_use]
    pub fn asks_openid(&self) -> bool {
        self.config.scopes.iter().any(|scope| scope == "openid")
    }
}

/// The wire lets nothing through but a token set, so it alone has errors to tell. What the others would carry, the raw
/// body, stays here.
fn of_the_wire(error: WireError) -> ExchangeError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(_) | RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ExchangeError::Nonsense { status: 200, what: Nonsense::NoToken }
        }
    }
}
