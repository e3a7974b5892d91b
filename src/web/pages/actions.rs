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

/// The token set that the page showed. If it is no longer the current one, nothing is done to the newer one.
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

/// Exchanges the refresh token, in either mode, unless the token set that the page showed has been replaced.
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

/// Revokes the connection at VideoAsk, deletes its tokens here, and ends the session. A connection that is already
/// being revoked is not shown, but can be revoked again.
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
        // The connection is revoked even so, and that is what the page should say.
        tracing::warn!(cause = telemetry::chain(&error), "a session without a connection was left behind");
    }
    Ok(done.redirect())
}

/// The key of the row to revoke. If no connection can be shown, this is the first of the keys under which it may be
/// stored, since a connection that is being revoked is not shown.
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
