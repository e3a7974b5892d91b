//! Who sent a request, by its session.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use tower_sessions::{Session, session::Id};

use crate::{
    store::RowKey,
    vault::{VaultError, VisibleRecord},
    web::{
        pages::{
            error::{PageError, RequestError},
            error_page::Failure,
            layout::NavVisitor,
        },
        session::{LOGIN, Login},
        state::AppState,
    },
};

/// Who sent a request.
#[derive(Debug)]
pub(super) enum Visitor {
    /// A browser that is logged in, in the mode the program runs in.
    LoggedIn(LoggedIn),
    /// Anyone else.
    LoggedOut,
}

/// A browser that is logged in. As an extractor, it rejects every other request.
#[derive(Debug)]
pub(super) struct LoggedIn {
    /// The session's id.
    pub id: Id,
    /// In which mode, and as whom.
    pub login: Login,
}

impl LoggedIn {
    /// The row keys that the connection may be stored under: one in keep mode, one for each secret in mint mode.
    pub(super) fn row_keys(&self, app: &AppState) -> Vec<RowKey> {
        match &self.login {
            Login::Mint => app.sessions.keys(self.id).collect(),
            Login::Keep { user_id, .. } => vec![RowKey::of_user(user_id)],
        }
    }

    /// The connection and its row key.
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
    async fn of(session: &Session, app: &AppState) -> Result<Self, PageError> {
        let login = session.get::<Login>(LOGIN).await?.filter(|login| login.is_of(&app.mode));
        Ok(match (login, session.id()) {
            (Some(login), Some(id)) => Self::LoggedIn(LoggedIn { id, login }),
            _ => Self::LoggedOut,
        })
    }
}

impl FromRequestParts<Arc<AppState>> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, PageError> {
        let session = parts.extensions.get::<Session>().ok_or(PageError::Internal)?;
        Self::of(session, app).await
    }
}

/// Tells an error page who is logged in. It is rendered outside of the layer that knows sessions, so the name travels
/// in the response's extensions.
pub(super) async fn name_visitor(State(app): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let session = request.extensions().get::<Session>().cloned();
    let mut response = next.run(request).await;
    let may_ask = response.extensions().get::<Failure>().is_some_and(Failure::may_ask_the_store);
    if let Some(session) = session.filter(|_| may_ask) {
        let visitor = nav_visitor(&session, &app).await;
        response.extensions_mut().insert(visitor);
    }
    response
}

/// Whom the navigation is for; an error page must not fail over it.
async fn nav_visitor(session: &Session, app: &AppState) -> NavVisitor {
    match Visitor::of(session, app).await {
        Ok(Visitor::LoggedIn(login)) => match login.connection(app).await {
            Ok((_, shown)) => NavVisitor::named(&shown.record().body.identity),
            Err(PageError::Request(RequestError::LoggedOut)) => NavVisitor::LoggedOut,
            Err(_) => NavVisitor::LoggedIn(None),
        },
        Ok(Visitor::LoggedOut) | Err(_) => NavVisitor::LoggedOut,
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
