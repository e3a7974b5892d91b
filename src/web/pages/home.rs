//! `GET /` and `POST /logout`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::Redirect,
    routing::{get, post},
};
use tower_sessions::Session;

use crate::{
    vault::VaultError,
    web::{
        pages::{
            banner::{Confirmation, DoneQuery},
            error::PageError,
            outside_text,
            templates::{CurrentPage, HomePage, Layout, NavVisitor, TokenOwner, VisitorLine},
        },
        state::AppState,
        visitor::Visitor,
    },
};

pub(crate) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/", get(home)).route("/logout", post(logout))
}

async fn home(
    State(app): State<Arc<AppState>>,
    visitor: Visitor,
    done: Result<Query<DoneQuery>, QueryRejection>,
) -> Result<HomePage, PageError> {
    let visitor = match visitor {
        Visitor::LoggedOut => VisitorLine::LoggedOut,
        Visitor::LoggedIn(login) => match login.connection(&app).await {
            Ok((_, shown)) => match shown.record().body.identity.label() {
                Some(name) => VisitorLine::Named(outside_text::shown(name)),
                None => VisitorLine::Unnamed,
            },
            Err(PageError::LoggedOut) => VisitorLine::LoggedOut,
            Err(PageError::Vault(VaultError::NotConnected)) => VisitorLine::Disconnected,
            // The token page says what is wrong. It must not hide the way to a new login.
            Err(_) => VisitorLine::Unavailable,
        },
    };
    Ok(HomePage {
        layout: Layout::new(&app.assets, NavVisitor::from(&visitor), CurrentPage::Other),
        owner: TokenOwner::of(&app.mode),
        login_url: app.app_url.login().into(),
        callback_url: app.app_url.callback().into(),
        confirmation: Confirmation::of(done).filter(|_| !visitor.has_connection()),
        visitor,
    })
}

/// Ends the session, in mint mode with its record. Revokes nothing: tokens that were copied keep working.
async fn logout(session: Session) -> Result<Redirect, PageError> {
    if session.id().is_some() {
        session.flush().await?;
    }
    Ok(Confirmation::LoggedOut.redirect())
}
