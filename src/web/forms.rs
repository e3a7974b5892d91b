//! `GET /tokens/forms`: proof that the token works, by listing the account's forms with it.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use serde::Deserialize;

use crate::videoask::{Form, Forms, Page};

use super::{
    Site,
    error::PageError,
    page::{FormLine, FormsPage, Frame},
    session::LoggedIn,
};

/// Forms a page, and the most that a query may ask for.
const LIMIT: u32 = 20;
const MOST: u32 = 100;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/tokens/forms", get(forms))
}

#[derive(Deserialize)]
struct FormsQuery {
    limit: Option<u32>,
    offset: Option<u32>,
}

async fn forms(
    State(site): State<Site>,
    login: LoggedIn,
    query: Result<Query<FormsQuery>, QueryRejection>,
) -> Result<FormsPage, PageError> {
    let Query(query) = query.map_err(|_| PageError::BadQuery)?;
    let page = Page { limit: query.limit.unwrap_or(LIMIT).clamp(1, MOST), offset: query.offset.unwrap_or(0) };
    let (_, shown) = site.connection_of(&login).await?;
    let token = &shown.record().contents.tokens.access_token;
    let Forms { count, forms, next, previous } = site.api.forms(token, page).await?;
    let shown = forms.len() as u64;
    Ok(FormsPage {
        frame: Frame::new(&site),
        count,
        range: (shown > 0).then_some((u64::from(page.offset) + 1, u64::from(page.offset) + shown)),
        forms: forms.into_iter().map(line).collect(),
        previous: previous.map(href),
        next: next.map(href),
    })
}

fn href(page: Page) -> String {
    format!("/tokens/forms?limit={}&offset={}", page.limit, page.offset)
}

/// Only an https link is made a link: what the API sends must not become a `javascript:` address.
fn line(form: Form) -> FormLine {
    let share_url = form.share_url.filter(|url| url.scheme() == "https").map(String::from);
    FormLine { title: if form.title.is_empty() { "(no title)".to_owned() } else { form.title }, id: form.id, share_url }
}
