//! Pages for a test of what a visitor sees after a panic, which no page of the app can be brought to.

use std::sync::Arc;

use axum::{Router, routing::get};
use tower_sessions::{Session, session};

use crate::web::{
    session::{self as login_session, Login},
    state::AppState,
    with_pages,
};

/// The app with two pages: one that logs the browser in, and one that panics.
pub(crate) fn router(app: Arc<AppState>) -> Router {
    with_pages(app, Router::new().route("/log-in", get(log_in)).route("/panic", get(panics)))
}

async fn log_in(session: Session) {
    let login: Result<_, session::Error> = login_session::begin(&session, &Login::Mint).await;
    login.expect("the store works");
}

async fn panics() {
    panic!("a bug");
}
