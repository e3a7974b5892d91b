//! `GET /`.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    html::{escaped::Text, sanitize},
    vault::VaultError,
    web::{
        pages::{
            confirmation::{Confirmation, DoneQuery},
            error::{PageError, RequestError},
            layout::{CurrentPage, Layout, NavVisitor, html},
            token_owner::TokenOwner,
        },
        state::AppState,
        visitor::Visitor,
    },
};

#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage<'a> {
    pub(crate) layout: Layout,
    /// An absolute URL at `APP_URL`, so that a login that starts at another name of this host gets its cookies back.
    pub(crate) login_url: Text<'a>,
    /// The URL to register in VideoAsk's developer settings.
    pub(crate) callback_url: Text<'a>,
    pub(crate) owner: TokenOwner,
    pub(crate) visitor: VisitorLine,
    pub(crate) confirmation: Option<Confirmation>,
}

/// What the home page says about the visitor.
#[derive(Debug)]
pub(crate) enum VisitorLine {
    LoggedOut,
    Named(String),
    /// Logged in, but VideoAsk did not say who.
    Unnamed,
    Disconnected,
    /// Logged in, but the connection cannot be shown; the token page says why.
    Unavailable,
}

impl VisitorLine {
    pub(crate) fn has_connection(&self) -> bool {
        match self {
            Self::Named(_) | Self::Unnamed | Self::Unavailable => true,
            Self::LoggedOut | Self::Disconnected => false,
        }
    }

    fn is_logged_in(&self) -> bool {
        match self {
            Self::Named(_) | Self::Unnamed | Self::Unavailable | Self::Disconnected => true,
            Self::LoggedOut => false,
        }
    }
}

impl From<&VisitorLine> for NavVisitor {
    fn from(visitor: &VisitorLine) -> Self {
        match visitor {
            VisitorLine::LoggedOut => Self::LoggedOut,
            VisitorLine::Named(name) => Self::LoggedIn(Some(name.clone())),
            VisitorLine::Unnamed | VisitorLine::Disconnected | VisitorLine::Unavailable => Self::LoggedIn(None),
        }
    }
}

impl IntoResponse for HomePage<'_> {
    fn into_response(self) -> Response {
        html(&self)
    }
}

pub(crate) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/", get(home))
}

async fn home(
    State(app): State<Arc<AppState>>,
    visitor: Visitor,
    done: Result<Query<DoneQuery>, QueryRejection>,
) -> Response {
    let visitor = match visitor {
        Visitor::LoggedOut => VisitorLine::LoggedOut,
        Visitor::LoggedIn(login) => match login.connection(&app).await {
            Ok((_, shown)) => match shown.record().body.identity.label() {
                Some(name) => VisitorLine::Named(sanitize::short(name)),
                None => VisitorLine::Unnamed,
            },
            Err(PageError::Request(RequestError::LoggedOut)) => VisitorLine::LoggedOut,
            Err(PageError::Vault(VaultError::NotConnected)) => VisitorLine::Disconnected,
            // The token page says what is wrong. The home page must still offer a new login.
            Err(_) => VisitorLine::Unavailable,
        },
    };
    let page = HomePage {
        layout: Layout::new(NavVisitor::from(&visitor), CurrentPage::Other),
        owner: TokenOwner::of(&app.mode),
        login_url: Text(app.app_url.login().as_str()),
        callback_url: Text(app.app_url.callback().as_str()),
        confirmation: Confirmation::of(done).filter(|_| !visitor.has_connection()),
        visitor,
    };
    page.into_response()
}
