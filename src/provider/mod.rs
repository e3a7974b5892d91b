//! The OAuth client: authorize URL, code exchange, refresh, revocation and id_token. It stores nothing and serves no
//! page.
//!
//! * [`AuthorizeParams`]: the parameters of an authorize URL that are new in each login
//! * [`TokenResponse`]: a token set as VideoAsk issued it
//! * [`ExchangeError`]: the five ways in which an exchange fails; `RefusalReason`: what an error code means
//! * [`IdClaims`]: the user that a verified id_token names; [`IdTokenError`]: which claim is wrong, and the fix
//! * [`CheckResult`]: what the command `check` learns from the provider without a login

mod authorize;
mod check;
mod check_result;
mod exchange_error;
mod http_client;
mod id_token;
mod refusal_reason;
mod response;
mod token;

use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, EndpointNotSet, EndpointSet, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use url::Url;

pub use self::{
    authorize::{AuthorizeParams, Nonce, Prompt},
    check_result::{CheckResult, CheckStatus, LoginImpact},
    exchange_error::{ExchangeError, ResponseProblem},
    id_token::{IdClaims, IdTokenError, JwksError},
    token::{IdToken, PartialTokens, TokenResponse},
};
pub(crate) use self::{refusal_reason::RefusalReason, token::Subject};
use crate::{
    clock::Clock,
    config::{Pkce, ProviderConfig},
    http::{self, BuildError, Connections},
    provider::{http_client::HttpClient, id_token::Verifier},
    telemetry::{ExchangeResult, Grant, Metrics, ProviderRequest},
};

type OauthClient = Client<
    BasicErrorResponse,
    TokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The error type of the `oauth2` crate, with an [`ExchangeError`] inside.
type OauthError = RequestTokenError<ExchangeError, BasicErrorResponse>;

/// VideoAsk's authorization server, as this client sees it.
#[derive(Debug)]
pub struct Provider {
    oauth: OauthClient,
    /// For refreshes, revocations and the GET requests of the command `check`. It opens a new connection for each
    /// request.
    http: HttpClient,
    /// For the exchange of codes. It reuses open connections.
    code_http: HttpClient,
    verifier: Verifier,
    config: ProviderConfig,
    metrics: Metrics,
}

impl Provider {
    /// Builds the client without sending anything.
    pub fn new(config: &ProviderConfig, clock: Clock, metrics: Metrics) -> Result<Self, BuildError> {
        let client = |connections| http::provider_client(config.exchange_timeout, &config.auth_url, connections);
        let (fresh, kept) = (client(Connections::Fresh)?, client(Connections::Kept)?);
        let oauth = Client::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(config.client_secret.clone())
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(http::endpoint(&config.auth_url, "/authorize")))
            .set_token_uri(TokenUrl::from_url(http::endpoint(&config.auth_url, "/oauth/token")))
            .set_redirect_uri(RedirectUrl::from_url(config.callback.clone()));
        Ok(Self {
            oauth,
            verifier: Verifier::new(config, kept.clone(), clock.clone(), metrics.clone()),
            http: HttpClient { client: fresh, clock: clock.clone() },
            code_http: HttpClient { client: kept, clock },
            config: config.clone(),
            metrics,
        })
    }

    /// The URL of VideoAsk's login page for this login, to which the browser is redirected.
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
        for (name, value) in [("nonce", nonce), ("prompt", prompt)] {
            if let Some(value) = value {
                request = request.add_extra_param(name, value);
            }
        }
        request.url().0
    }

    /// Exchanges the code of a callback. Never retries, since a code works only once.
    pub async fn exchange_code(
        &self,
        code: AuthorizationCode,
        verifier: Option<PkceCodeVerifier>,
    ) -> Result<TokenResponse, ExchangeError> {
        let mut request = self.oauth.exchange_code(code);
        if let Some(verifier) = verifier.filter(|_| self.config.pkce == Pkce::On) {
            request = request.set_pkce_verifier(verifier);
        }
        self.measured(Grant::Code, request.request_async(&self.code_http)).await
    }

    /// Exchanges a refresh token (RFC 6749, 6). Never retries: that is the caller's decision.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<TokenResponse, ExchangeError> {
        self.measured(Grant::Refresh, self.oauth.exchange_refresh_token(token).request_async(&self.http)).await
    }

    /// Counts and times an exchange, even if the caller drops the future.
    async fn measured(
        &self,
        grant: Grant,
        exchange: impl Future<Output = Result<TokenResponse, OauthError>>,
    ) -> Result<TokenResponse, ExchangeError> {
        let started = self.metrics.exchange(grant, &self.http.clock);
        let result = exchange.await.map_err(exchange_error);
        started.ended(result.as_ref().map_or_else(ExchangeError::metric, |_| ExchangeResult::Tokens));
        result
    }

    /// Revokes a refresh token (RFC 7009). Depending on the tenant's settings, this may also end every other grant of
    /// that user for this app.
    pub(crate) async fn revoke(&self, token: &RefreshToken) -> Result<(), ExchangeError> {
        let form = [
            ("client_id", self.config.client_id.as_str()),
            ("client_secret", self.config.client_secret.secret()),
            ("token", token.secret()),
        ];
        let post = self.http.post(http::endpoint(&self.config.auth_url, "/oauth/revoke"), &form);
        self.metrics.asked(ProviderRequest::Revoke, &self.http.clock).time(post).await
    }

    /// Verifies signature and claims of an id_token. `nonce` is the one in the authorize URL, if there was one.
    pub async fn verify_id_token(&self, token: &IdToken, nonce: Option<&Nonce>) -> Result<IdClaims, IdTokenError> {
        self.verifier.verify(token, nonce).await
    }

    /// Whether to reject a login without an id_token. With PKCE off, only the nonce in the id_token proves that the
    /// code was issued to the browser that started this login. Without it, an attacker could use a stolen code in a
    /// login of their own.
    pub(crate) fn requires_id_token(&self) -> bool {
        self.config.pkce == Pkce::Off
    }

    /// The token endpoint. Together with the client id, it identifies whose refresh tokens these are.
    #[must_use]
    pub fn token_endpoint(&self) -> &Url {
        self.oauth.token_uri().url()
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.config.client_id
    }

    /// Whether the scopes ask for an id_token.
    pub(crate) fn asks_openid(&self) -> bool {
        self.config.scopes.iter().any(|scope| scope == "openid")
    }
}

/// Every error comes from [`HttpClient`], which returns only token sets that `oauth2` can read. Other errors of
/// `oauth2` cannot occur. They would contain the raw body, so they are dropped.
fn exchange_error(error: OauthError) -> ExchangeError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(_) | RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ExchangeError::MalformedResponse { status: 200, problem: ResponseProblem::NoToken, partial: None }
        }
    }
}
