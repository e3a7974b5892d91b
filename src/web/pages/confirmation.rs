//! What a page says after a person has pressed a button.

use axum::{
    extract::{Query, rejection::QueryRejection},
    response::Redirect,
};
use serde::{Deserialize, Serialize};

use crate::web::pages::token_owner::TokenOwner;

/// What the button did. It is in the query of the page to which the browser is redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Confirmation {
    Refreshed,
    /// The tokens were refreshed, but the new access token expires too soon to be useful.
    RefreshedForShort,
    /// The tokens that the page showed were no longer current, so nothing was exchanged.
    NotRefreshed,
    Revoked,
    /// The tokens that the page showed were no longer current, so nothing was revoked.
    NotRevoked,
    LoggedOut,
    /// This browser forgot its session, but the store did not respond, so the session is still there.
    LoggedOutHere,
}

/// The query with the confirmation.
#[derive(Deserialize)]
pub(crate) struct DoneQuery {
    done: Option<Confirmation>,
}

impl Confirmation {
    pub(crate) fn sentence(self, owner: TokenOwner) -> &'static str {
        match (self, owner) {
            (Self::Refreshed, TokenOwner::Person) => "Refreshed. These are your new tokens. Copy both again.",
            (Self::Refreshed, TokenOwner::App) => {
                "Refreshed. These are your new tokens. Your programs get them by themselves."
            }
            (Self::RefreshedForShort, TokenOwner::Person) => {
                "VideoAsk issued new tokens, but the access token expires at once. Copy the refresh token again."
            }
            (Self::RefreshedForShort, TokenOwner::App) => {
                "VideoAsk issued new tokens, but the access token expires at once."
            }
            (Self::NotRefreshed, _) => "These tokens are newer than the ones you saw, so nothing was refreshed.",
            (Self::Revoked, _) => {
                "Revoked. VideoAsk no longer accepts the refresh token, and this app has deleted both tokens. Access \
                 tokens that were already copied keep working until they expire."
            }
            (Self::NotRevoked, _) => "These tokens are newer than the ones you saw, so nothing was revoked.",
            (Self::LoggedOut, TokenOwner::Person) => {
                "Logged out, and the tokens are deleted here. Those you copied keep working."
            }
            (Self::LoggedOut, TokenOwner::App) => {
                "Logged out. This app keeps the connection, and your programs keep working."
            }
            (Self::LoggedOutHere, TokenOwner::Person) => {
                "Logged out in this browser. The storage did not respond, so the session and its tokens are not deleted \
                 there yet. They end after an hour without use. Tokens you copied keep working."
            }
            (Self::LoggedOutHere, TokenOwner::App) => {
                "Logged out in this browser. The storage did not respond, so the session is not deleted there yet. It \
                 ends after an hour without use. This app keeps the connection, and your programs keep working."
            }
        }
    }

    /// The CSS class; empty if the action did all that was asked.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Refreshed | Self::Revoked | Self::LoggedOut => "",
            Self::RefreshedForShort | Self::NotRefreshed | Self::NotRevoked | Self::LoggedOutHere => "warning",
        }
    }

    /// Redirects to the page that shows this confirmation.
    pub(crate) fn redirect(self) -> Redirect {
        Redirect::to(match self {
            Self::Refreshed => "/tokens?done=refreshed",
            Self::RefreshedForShort => "/tokens?done=refreshed-for-short",
            Self::NotRefreshed => "/tokens?done=not-refreshed",
            Self::Revoked => "/?done=revoked",
            Self::NotRevoked => "/tokens?done=not-revoked",
            Self::LoggedOut => "/?done=logged-out",
            Self::LoggedOutHere => "/?done=logged-out-here",
        })
    }

    /// Reads the confirmation from a query. `None` if there is none, or if it is not one of this app.
    pub(crate) fn of(query: Result<Query<DoneQuery>, QueryRejection>) -> Option<Self> {
        query.ok().and_then(|Query(query)| query.done)
    }
}

#[cfg(test)]
mod tests {
    use axum::{http::Uri, response::IntoResponse};

    use super::*;

    #[test]
    fn what_a_redirect_says_is_read_back() {
        use Confirmation as C;
        for done in [
            C::Refreshed,
            C::RefreshedForShort,
            C::NotRefreshed,
            C::Revoked,
            C::NotRevoked,
            C::LoggedOut,
            C::LoggedOutHere,
        ] {
            let response = done.redirect().into_response();
            let uri: Uri = response.headers()["location"].to_str().expect("ASCII").parse().expect("a path");
            assert_eq!(Confirmation::of(Query::try_from_uri(&uri)), Some(done));
        }
        assert_eq!(Confirmation::of(Query::try_from_uri(&Uri::from_static("/?done=other"))), None);
    }
}
