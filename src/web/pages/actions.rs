//! The buttons of the token page that change the connection: refresh now, and revoke.

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{State, rejection::FormRejection},
    response::Redirect,
    routing::post,
};
use serde::Deserialize;
use tower_sessions::Session;

use crate::{
    store::{RowKey, records::Version},
    telemetry,
    vault::{Ended, Ending, Refreshed, VaultError},
    web::{
        pages::{
            confirmation::Confirmation,
            error::{PageError, RequestError},
        },
        state::AppState,
        visitor::LoggedIn,
    },
};

pub(crate) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/tokens/refresh", post(refresh)).route("/tokens/revoke", post(revoke))
}

/// Which token set the page showed. Where it is no longer the current one, nothing is done to the newer one.
#[derive(Deserialize)]
struct ShownForm {
    connection: String,
    generation: u64,
}

type Submitted = Result<Form<ShownForm>, FormRejection>;

fn version(form: Submitted) -> Result<Version, PageError> {
    let Form(ShownForm { connection, generation }) = form.map_err(|_| PageError::Request(RequestError::BadQuery))?;
    Ok(Version { connection_id: connection, generation })
}

/// Exchanges the refresh token that was shown, in either mode: the vault's one refresh.
async fn refresh(State(app): State<Arc<AppState>>, login: LoggedIn, form: Submitted) -> Result<Redirect, PageError> {
    let shown = version(form)?;
    let (key, _) = login.connection(&app).await?;
    let done = match app.vault.refresh_now(&key, &shown).await? {
        Refreshed::Exchanged => Confirmation::Refreshed,
        Refreshed::ExchangedForShort => Confirmation::RefreshedForShort,
        Refreshed::AlreadyNewer => Confirmation::NotRefreshed,
    };
    tracing::info!(?done, "the refresh button was pressed");
    Ok(done.redirect())
}

/// Ends the connection at VideoAsk, and here, and with it the session that showed it. One that is on its way out already
/// is tried again, so this does not ask for what may be shown.
async fn revoke(
    State(app): State<Arc<AppState>>,
    session: Session,
    login: LoggedIn,
    form: Submitted,
) -> Result<Redirect, PageError> {
    let shown = version(form)?;
    let key = key_of(&app, &login).await?;
    let done = match app.vault.end(&key, Some(&shown), Ending::Revoke).await.map_err(PageError::NotRevoked)? {
        Ended::Yes => Confirmation::Revoked,
        Ended::Moved => Confirmation::NotRevoked,
    };
    tracing::info!(?done, "the revoke button was pressed");
    if done == Confirmation::Revoked
        && let Err(error) = session.flush().await
    {
        // The connection is revoked all the same, and that is what the person should read.
        tracing::warn!(cause = telemetry::chain(&error), "a session without a connection was left behind");
    }
    Ok(done.redirect())
}

/// The row to revoke. In mint mode it lies under one of several keys; in keep mode there is one, whatever lies there.
async fn key_of(app: &AppState, login: &LoggedIn) -> Result<RowKey, PageError> {
    match login.connection(app).await {
        Ok((key, _)) => Ok(key),
        Err(PageError::Vault(VaultError::NotConnected)) => {
            login.row_keys(app).into_iter().next().ok_or(PageError::Request(RequestError::LoggedOut))
        }
        Err(PageError::Vault(error)) => Err(PageError::NotRevoked(error)),
        Err(error) => Err(error),
    }
}
