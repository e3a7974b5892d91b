//! `GET /` and `POST /logout`.

use axum::{
    Router,
    extract::State,
    response::Redirect,
    routing::{get, post},
};
use tower_sessions::Session;

use super::{
    Site,
    error::PageError,
    page::{Frame, Holder, HomePage, VisitorLine},
    session::Visitor,
};

pub(super) fn router() -> Router<Site> {
    Router::new().route("/", get(home)).route("/logout", post(logout))
}

async fn home(State(site): State<Site>, visitor: Visitor) -> Result<HomePage, PageError> {
    let visitor = match visitor {
        Visitor::Stranger => VisitorLine::Stranger,
        Visitor::LoggedIn(login) => match site.connection_of(&login).await {
            Ok((_, shown)) => match shown.record().contents.identity.label() {
                Some(name) => VisitorLine::Named(name.to_owned()),
                None => VisitorLine::Unnamed,
            },
            Err(PageError::LoggedOut) => VisitorLine::Stranger,
            // Whatever became of the connection must not hide the way to a new login.
            Err(_) => VisitorLine::Unnamed,
        },
    };
    Ok(HomePage {
        frame: Frame::new(&site),
        holder: Holder::of(&site.mode),
        login_url: site.app_url.login().into(),
        callback_url: site.app_url.callback().into(),
        visitor,
    })
}

/// Ends the session, with its record. Revokes nothing: whoever copied the pair may go on using it.
async fn logout(session: Session) -> Result<Redirect, PageError> {
    if session.id().is_some() {
        session.flush().await?;
    }
    Ok(Redirect::to("/"))
}
