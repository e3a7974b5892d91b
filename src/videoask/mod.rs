//! Calls of VideoAsk's API with a given access token.
//!
//! * [`Me`] – whose token it is
//! * [`Forms`], [`Form`], [`Page`] – the account's forms, a page at a time
//! * [`ApiError`] – why there is no answer; a 401 is told by its status, never by its words

mod error;
mod forms;
mod me;

use oauth2::AccessToken;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;

pub use self::{
    error::ApiError,
    forms::{Form, Forms, Page},
    me::Me,
};
use crate::{
    clock::Clock,
    config::ApiConfig,
    http::{self, BODY_LIMIT, BuildError, ReadError},
    telemetry::{Endpoint, Metrics},
};

/// VideoAsk's API.
#[derive(Debug)]
pub struct Api {
    client: Client,
    config: ApiConfig,
    clock: Clock,
    metrics: Metrics,
}

impl Api {
    /// Prepares the client; nothing is asked yet.
    pub fn new(config: &ApiConfig, clock: Clock, metrics: Metrics) -> Result<Self, BuildError> {
        Ok(Self { client: http::api_client(&config.url)?, config: config.clone(), clock, metrics })
    }

    /// Whose token this is.
    pub async fn me(&self, token: &AccessToken) -> Result<Me, ApiError> {
        self.get(Endpoint::Me, "/me", &[], token).await
    }

    /// A page of the account's forms.
    pub async fn forms(&self, token: &AccessToken, page: Page) -> Result<Forms, ApiError> {
        let query = [("limit", page.limit), ("offset", page.offset)];
        self.get(Endpoint::Forms, "/forms", &query, token).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        path: &str,
        query: &[(&str, u32)],
        token: &AccessToken,
    ) -> Result<T, ApiError> {
        let mut url = http::endpoint(&self.config.url, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (name, value.to_string())));
        }
        let request = self.for_organization(self.client.get(url)).bearer_auth(token.secret());
        let stopwatch = self.metrics.upstream(endpoint, &self.clock);
        let response = stopwatch.time(request.send()).await.map_err(ApiError::sending)?;
        let status = response.status();
        let body = match http::read_capped(response, BODY_LIMIT).await {
            Err(ReadError::Cut(source)) => return Err(ApiError::cut(source)),
            body => body,
        };
        if !status.is_success() {
            return Err(ApiError::answered(status.as_u16(), &body.unwrap_or_default(), token));
        }
        serde_json::from_slice(&body.map_err(|_| ApiError::Nonsense)?).map_err(|_| ApiError::Nonsense)
    }

    fn for_organization(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.config.organization_id {
            Some(id) => request.header("organization-id", id),
            None => request,
        }
    }
}
