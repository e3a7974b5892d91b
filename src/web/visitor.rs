//! Who sent a request, by its session.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use tower_sessions::session::{self, Id};

use crate::{
    store::RowKey,
    telemetry,
    vault::{VaultError, VisibleRecord},
    web::{
        middleware::cookie_header,
        pages::{
            error::{PageError, RequestError},
            layout::NavVisitor,
        },
        session::Login,
        state::AppState,
    },
};

#[derive(Debug)]
pub(super) enum Visitor {
    /// A browser that is logged in, in the mode the program runs in.
    LoggedIn(LoggedIn),
    LoggedOut,
}

/// A browser that is logged in. As an extractor, it rejects every other request.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(crate) id: Id,
    /// In which mode, and as whom.
    pub(crate) login: Login,
}

impl LoggedIn {
    /// The row keys that the connection may be stored under: one in keep mode, one for each secret in mint mode.
    pub(super) fn row_keys(&self, app: &AppState) -> Vec<RowKey> {
        match &self.login {
            Login::Mint => app.sessions.keys(self.id).collect(),
            Login::Keep { user_id, .. } => vec![RowKey::of_user(user_id)],
        }
    }

    pub(super) async fn connection(&self, app: &AppState) -> Result<(RowKey, VisibleRecord), PageError> {
        for key in self.row_keys(app) {
            match app.vault.show(&key).await {
                Ok(record) if self.login.is_bound_to(&record) => return Ok((key, record)),
                // It was revoked or forgotten, and another login has connected the user again.
                Ok(_) => return Err(PageError::Request(RequestError::LoggedOut)),
                Err(VaultError::NotConnected) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(VaultError::NotConnected.into())
    }
}

impl Visitor {
    /// The visitor whose browser sent this session's id, if it sent one.
    async fn of(id: Option<Id>, app: &AppState) -> Result<Self, session::Error> {
        let Some(id) = id else { return Ok(Self::LoggedOut) };
        let login = app.sessions.login(id).await?.filter(|login| login.is_of(&app.mode));
        Ok(login.map_or(Self::LoggedOut, |login| Self::LoggedIn(LoggedIn { id, login })))
    }
}

impl FromRequestParts<Arc<AppState>> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, PageError> {
        let id = cookie_header::kept_session_id(&app.cookie_policy, &parts.headers);
        Ok(Self::of(id, app).await?)
    }
}

/// Whom the navigation of an error page is for, by the Cookie headers of the request. The page must not fail over it, so
/// this is a task of its own: whatever has panicked may panic once more.
pub(super) async fn nav_visitor(app: &Arc<AppState>, cookies: &HeaderMap) -> NavVisitor {
    let Some(id) = cookie_header::session_id(&app.cookie_policy, cookies) else { return NavVisitor::LoggedOut };
    let app = Arc::clone(app);
    let asked = tokio::spawn(telemetry::in_current_request(async move { nav_visitor_of(&app, id).await }));
    asked.await.unwrap_or(NavVisitor::LoggedOut)
}

async fn nav_visitor_of(app: &AppState, id: Id) -> NavVisitor {
    let Ok(Visitor::LoggedIn(login)) = Visitor::of(Some(id), app).await else { return NavVisitor::LoggedOut };
    match login.connection(app).await {
        Ok((_, shown)) => NavVisitor::named(&shown.record().body.identity),
        Err(PageError::Request(RequestError::LoggedOut)) => NavVisitor::LoggedOut,
        Err(_) => NavVisitor::LoggedIn(None),
    }
}

impl FromRequestParts<Arc<AppState>> for LoggedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, PageError> {
        match Visitor::from_request_parts(parts, app).await? {
            Visitor::LoggedIn(login) => Ok(login),
            Visitor::LoggedOut => Err(PageError::Request(RequestError::LoggedOut)),
        }
    }
}
