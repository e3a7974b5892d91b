//! `POST /logout`.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, response::Redirect, routing::post};
use tower_cookies::Cookies;
use tower_sessions::{Session, SessionStore};

use crate::{
    telemetry,
    web::{pages::confirmation::Confirmation, state::AppState},
};

pub(crate) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/logout", post(logout))
}

/// Ends the session, and in mint mode deletes its record. Revokes nothing: tokens that were copied keep working.
///
/// If the store does not respond, at least this browser is logged out. The session layer would keep the cookie of a
/// session that it could not delete, so this handler removes both cookie and session itself.
async fn logout(State(app): State<Arc<AppState>>, session: Session, cookies: Cookies) -> Redirect {
    let Some(id) = session.id() else { return Confirmation::LoggedOut.redirect() };
    let policy = &app.cookie_policy;
    cookies.add(policy.cookie(policy.session_name().to_owned(), String::new(), Duration::ZERO));
    match app.sessions.delete(&id).await {
        Ok(()) => Confirmation::LoggedOut.redirect(),
        Err(error) => {
            tracing::warn!(cause = telemetry::chain(&error), "a session whose browser logged out was left behind");
            Confirmation::LoggedOutHere.redirect()
        }
    }
}
