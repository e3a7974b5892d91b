//! The home page, the forms and a revocation that is not confirmed.

use askama::Template;

use super::{check, layout};
use crate::{
    html::escaped::Text,
    store::records::Version,
    web::pages::{
        confirmation::Confirmation,
        forms::{FormLine, FormsPage},
        home::{HomePage, VisitorLine},
        token_owner::TokenOwner,
        tokens::RevokingPage,
    },
};

#[test]
fn every_other_page_has_a_text_and_an_action_that_fit() {
    for owner in [TokenOwner::Person, TokenOwner::App] {
        for confirmation in [None, Some(Confirmation::Revoked), Some(Confirmation::LoggedOutHere)] {
            let visitors = [
                VisitorLine::LoggedOut,
                VisitorLine::Named("Ada".to_owned()),
                VisitorLine::Unnamed,
                VisitorLine::Disconnected,
                VisitorLine::Unavailable,
            ];
            for visitor in visitors {
                let name = format!("{owner:?} {confirmation:?} {visitor:?}");
                let (login_url, callback_url) = (Text("http://localhost/auth"), Text("http://localhost/cb"));
                let page = HomePage { layout: layout(), login_url, callback_url, owner, visitor, confirmation };
                check(&name, &page.render().expect("it renders"));
            }
        }
    }
    let version = Version { connection_id: "id".to_owned(), generation: 1 };
    check("revoking", &RevokingPage { layout: layout(), version }.render().expect("it renders"));
    for (count, range) in [(0, None), (45, None)] {
        let (forms, previous, next) = (Vec::<FormLine>::new(), None, None);
        let page = FormsPage { layout: layout(), count, range, forms, previous, next };
        check("forms", &page.render().expect("it renders"));
    }
}
