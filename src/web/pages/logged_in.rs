//! The page after a login that a command waited for. It shows no tokens.

use askama::Template;

use crate::{
    vault::Identity,
    web::pages::{
        identity,
        layout::{CurrentPage, Layout, NavVisitor},
        token_owner::TokenOwner,
    },
    web::state::AppState,
};

#[derive(Template)]
#[template(path = "logged_in.html")]
pub(crate) struct LoggedInPage {
    pub(crate) layout: Layout,
    pub(crate) owner: TokenOwner,
    pub(crate) account: Option<String>,
}

impl LoggedInPage {
    pub(crate) fn new(app: &AppState, identity: &Identity) -> Self {
        Self {
            layout: Layout::new(NavVisitor::LoggedOut, CurrentPage::Other),
            owner: TokenOwner::of(&app.mode),
            account: identity::short(identity),
        }
    }
}
