//! Single calls, with a token of the caller.

use oauth2::AccessToken;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;

use crate::{
    clock::Clock,
    config::ApiConfig,
    http::{self, BODY_LIMIT, BuildError, ReadError},
    telemetry::{Endpoint, Metrics},
    videoask::{ApiError, Forms, Me, Page},
};

/// VideoAsk's header that selects one of the user's organizations.
pub(super) const ORGANIZATION: &str = "organization-id";

/// VideoAsk's API.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    config: ApiConfig,
    clock: Clock,
    metrics: Metrics,
}

impl Api {
    /// Builds the client. It sends nothing yet.
    pub fn new(config: &ApiConfig, clock: Clock, metrics: Metrics) -> Result<Self, BuildError> {
        Ok(Self { client: http::api_client(&config.url)?, config: config.clone(), clock, metrics })
    }

    /// The status of the API's root without a token. Any status proves that the API can be reached.
    pub(crate) async fn reach(&self) -> Result<u16, ApiError> {
        let response = self.client.get(self.config.url.clone()).send().await.map_err(ApiError::sending)?;
        Ok(response.status().as_u16())
    }

    /// Whose token this is.
    pub async fn me(&self, token: &AccessToken) -> Result<Me, ApiError> {
        self.get(Endpoint::Me, "/me", None, token).await
    }

    /// A page of the account's forms.
    pub async fn forms(&self, token: &AccessToken, page: &Page) -> Result<Forms, ApiError> {
        self.get(Endpoint::Forms, "/forms", Some(page), token).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        path: &str,
        page: Option<&Page>,
        token: &AccessToken,
    ) -> Result<T, ApiError> {
        let mut url = http::endpoint(&self.config.url, path);
        url.set_query(page.and_then(Page::query));
        let request = self.for_organization(self.client.get(url)).bearer_auth(token.secret());
        let stopwatch = self.metrics.upstream(endpoint, &self.clock);
        let response = stopwatch.time(request.send()).await.map_err(ApiError::sending)?;
        let status = response.status();
        let body = match http::read_body(response, BODY_LIMIT).await {
            Err(ReadError::Interrupted(source)) => return Err(ApiError::cut(source)),
            body => body,
        };
        if !status.is_success() {
            return Err(ApiError::answered(status.as_u16(), &body.unwrap_or_default(), token));
        }
        serde_json::from_slice(&body.map_err(|_| ApiError::MalformedResponse)?).map_err(|_| ApiError::MalformedResponse)
    }

    fn for_organization(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.config.organization_id {
            Some(id) => request.header(ORGANIZATION, id),
            None => request,
        }
    }
}
