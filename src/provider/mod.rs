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
    AuthUrl, AuthorizationCode, ClientId, EndpointSet, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    Scope, basic::BasicClient,
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

/// VideoAsk's authorization server, as this client sees it.
#[derive(Debug)]
pub struct Provider {
    /// Builds authorize URLs.
    oauth: BasicClient<EndpointSet>,
    token_endpoint: Url,
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
        let oauth = BasicClient::new(ClientId::new(config.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(http::endpoint(&config.auth_url, "/authorize")))
            .set_redirect_uri(RedirectUrl::from_url(config.callback.clone()));
        Ok(Self {
            oauth,
            token_endpoint: http::endpoint(&config.auth_url, "/oauth/token"),
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
        let verifier = verifier.filter(|_| self.config.pkce == Pkce::On);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.secret()),
            ("redirect_uri", self.config.callback.as_str()),
        ];
        form.extend(verifier.as_ref().map(|verifier| ("code_verifier", verifier.secret().as_str())));
        self.exchange(Grant::Code, &self.code_http, form).await
    }

    /// Exchanges a refresh token (RFC 6749, 6). Never retries: that is the caller's decision.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<TokenResponse, ExchangeError> {
        let form = vec![("grant_type", "refresh_token"), ("refresh_token", token.secret())];
        self.exchange(Grant::Refresh, &self.http, form).await
    }

    /// Posts this form and the client's credentials to the token endpoint. Counts and times the exchange, even if the
    /// caller drops the future.
    async fn exchange<'f>(
        &'f self,
        grant: Grant,
        http: &HttpClient,
        mut form: Vec<(&'f str, &'f str)>,
    ) -> Result<TokenResponse, ExchangeError> {
        form.extend(self.credentials());
        let started = self.metrics.exchange(grant, &http.clock);
        let result = http.tokens(self.token_endpoint.clone(), &form).await;
        started.ended(result.as_ref().map_or_else(ExchangeError::metric, |_| ExchangeResult::Tokens));
        result
    }

    /// The client authenticates in the body of a request (RFC 6749, 2.3.1).
    fn credentials(&self) -> [(&str, &str); 2] {
        [("client_id", &self.config.client_id), ("client_secret", self.config.client_secret.secret())]
    }

    /// Revokes a refresh token (RFC 7009). Depending on the tenant's settings, this may also end every other grant of
    /// that user for this app.
    pub(crate) async fn revoke(&self, token: &RefreshToken) -> Result<(), ExchangeError> {
        let [id, secret] = self.credentials();
        let form = [id, secret, ("token", token.secret())];
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
        &self.token_endpoint
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.config.client_id
    }

    /// Whether the scopes ask for an id_token.
    pub(crate) fn asks_openid(&self) -> bool {
        self.config.scopes.iter().any(|scope| scope == "openid")
    }
}
