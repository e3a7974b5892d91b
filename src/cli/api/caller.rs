use std::time::Duration;

use http_body::Body as _;
use time::OffsetDateTime;

use crate::{
    cli::{
        api::{input::InputBody, request::Request},
        context::Context,
        error::{CallError, CliError},
        response::Response,
        server::Server,
        spinner,
    },
    clock::Clock,
    store::RowKey,
    vault::MinLife,
    videoask::{GatewayError, UpstreamRequest},
};

/// The user as whom VideoAsk's API is called, and who calls it.
pub(super) enum Caller<'a> {
    /// This process, with a token from the store.
    Store { context: &'a Context, user: &'a str, key: RowKey },
    /// A server on another machine, by its proxy.
    Server { server: &'a Server, user: Option<&'a str> },
}

impl<'a> Caller<'a> {
    /// The connection of this user, or of the default one.
    pub(super) async fn find(context: &'a Context, user: Option<&'a str>) -> Result<Self, CliError> {
        let user = context.user_or_default(user);
        let key = context.app.vault.find(user).await.map_err(|error| context.error(user, error))?;
        Ok(Self::Store { context, user, key })
    }

    /// Sends the request; after a 401 once more, as the proxy does.
    pub(super) async fn send(&self, request: &Request, body: InputBody) -> Result<Response, CliError> {
        self.send_to(request, request.path.query.as_deref(), body).await
    }

    /// The same with another query.
    pub(super) async fn send_to(
        &self,
        request: &Request,
        query: Option<&str>,
        body: InputBody,
    ) -> Result<Response, CliError> {
        let base = match self {
            Self::Store { context, .. } => &context.app.api_url,
            Self::Server { server, .. } => server.api_url(),
        };
        let url = request.path.at(base, query).map_err(CallError::Path)?;
        let with = |body| {
            let (method, url, headers) = (request.method.clone(), url.clone(), request.headers.clone());
            UpstreamRequest { method, url, headers, body }
        };
        match self {
            Self::Store { context, user, key } => forward(context, user, key, with(body)).await,
            Self::Server { server, user } => {
                let is_repeatable = body.is_end_stream();
                let answer = async {
                    if is_repeatable {
                        server.until_refreshed(|| server.forward(*user, with(InputBody::none()))).await
                    } else {
                        server.forward(*user, with(body)).await
                    }
                };
                spinner::during("Waiting for the server", answer).await
            }
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        match self {
            Self::Store { context, .. } => &context.app.clock,
            Self::Server { server, .. } => server.clock(),
        }
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock().now()
    }
}

async fn forward(
    context: &Context,
    user: &str,
    key: &RowKey,
    request: UpstreamRequest<InputBody>,
) -> Result<Response, CliError> {
    let app = &context.app;
    let token = spinner::during("Getting a token", app.vault.hand_out(key, MinLife::BestEffort)).await;
    let token = token.map_err(|error| context.error(user, error))?;
    // The vault itself limits how long a command waits for a second token.
    let answer = app.gateway.forward(request, &token, &app.vault, key, Duration::MAX);
    match spinner::during("Waiting for VideoAsk", answer).await {
        Ok(answer) => Ok(answer.into()),
        Err(GatewayError::NoToken(error)) => Err(context.error(user, error)),
        Err(error) => Err(CallError::Gateway(error).into()),
    }
}
