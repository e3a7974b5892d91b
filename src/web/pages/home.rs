//! `GET /` and `POST /logout`.

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
        Site,
        pages::{
            banner::{Confirmation, DoneQuery},
            error::PageError,
            outside_text,
            templates::{CurrentPage, HomePage, Layout, NavVisitor, TokenOwner, VisitorLine},
        },
        session::Visitor,
    },
};

pub(crate) fn router() -> Router<Site> {
    Router::new().route("/", get(home)).route("/logout", post(logout))
}

async fn home(
    State(site): State<Site>,
    visitor: Visitor,
    done: Result<Query<DoneQuery>, QueryRejection>,
) -> Result<HomePage, PageError> {
    let visitor = match visitor {
        Visitor::Stranger => VisitorLine::Stranger,
        Visitor::LoggedIn(login) => match site.connection_of(&login).await {
            Ok((_, shown)) => match shown.record().body.identity.label() {
                Some(name) => VisitorLine::Named(outside_text::shown(name)),
                None => VisitorLine::Unnamed,
            },
            Err(PageError::LoggedOut) => VisitorLine::Stranger,
            Err(PageError::Vault(VaultError::NotConnected)) => VisitorLine::Disconnected,
            // The token page says what is wrong. It must not hide the way to a new login.
            Err(_) => VisitorLine::Hindered,
        },
    };
    Ok(HomePage {
        frame: Layout::new(&site, NavVisitor::from(&visitor), CurrentPage::Other),
        holder: TokenOwner::of(&site.mode),
        login_url: site.app_url.login().into(),
        callback_url: site.app_url.callback().into(),
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
