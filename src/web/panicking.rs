//! Pages for a test of what a visitor sees after a panic, which no page of the app can be brought to.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use tower_sessions::Session;

use crate::web::{
    AppService,
    session::{self as login_session, Login},
    state::AppState,
    with_pages, with_sessions,
};

/// The app with two pages: one that logs the browser in, and one that panics.
pub(crate) fn service(app: Arc<AppState>) -> impl AppService {
    let pages = with_sessions(Router::new().route("/log-in", get(log_in)), &app).route("/panic", get(panics));
    with_pages(app, pages)
}

async fn log_in(State(app): State<Arc<AppState>>, session: Session) {
    let id = login_session::renew(&session).await.expect("it had no session");
    let row = app.sessions.row(id, &Login::Mint, app.sessions.limits());
    app.sessions.insert(&row).await.expect("the store works");
}

async fn panics() {
    panic!("a bug");
}
