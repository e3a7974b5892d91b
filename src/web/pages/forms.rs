//! `GET /tokens/forms`: lists the account's forms with the token, which shows that the token works.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use crate::{
    html::sanitize,
    videoask::{Account, Form, Forms, Page},
    web::{
        pages::{
            error::{PageError, RequestError},
            layout::{CurrentPage, Layout, NavVisitor, html},
        },
        state::AppState,
        visitor::LoggedIn,
    },
};

/// How many forms a page has, unless the query asks for another number, of at most `MOST`.
const LIMIT: u32 = 20;
const MOST: u32 = 100;

#[derive(Template)]
#[template(path = "forms.html")]
pub(crate) struct FormsPage {
    pub(crate) layout: Layout,
    pub(crate) count: u64,
    /// The numbers of the first and the last form on this page, counted from 1.
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) forms: Vec<FormLine>,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

#[derive(Debug)]
pub(crate) struct FormLine {
    pub(crate) title: String,
    pub(crate) id: String,
    /// Where people answer the form, if VideoAsk names an https URL.
    pub(crate) share_url: Option<String>,
}

impl IntoResponse for FormsPage {
    fn into_response(self) -> Response {
        html(&self)
    }
}

pub(crate) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/tokens/forms", get(forms))
}

#[derive(Deserialize)]
struct FormsQuery {
    limit: Option<u32>,
    offset: Option<u32>,
}

async fn forms(
    State(app): State<Arc<AppState>>,
    login: LoggedIn,
    query: Result<Query<FormsQuery>, QueryRejection>,
) -> Result<FormsPage, PageError> {
    let Query(query) = query.map_err(|_| PageError::Request(RequestError::BadQuery))?;
    let (limit, offset) = (query.limit.unwrap_or(LIMIT).clamp(1, MOST), query.offset.unwrap_or(0));
    let (key, found) = login.connection(&app).await?;
    let account = Account::new(&app.api, &app.vault, &key);
    let Forms { count, results: forms, next, previous } = account.forms(&Page::new(limit, offset)).await?;
    let (before, shown) = (u64::from(offset), forms.len() as u64);
    Ok(FormsPage {
        layout: Layout::new(NavVisitor::named(&found.record().body.identity), CurrentPage::TryIt),
        count,
        range: (shown > 0).then_some((before + 1, before + shown)),
        forms: forms.into_iter().map(line).collect(),
        previous: previous.as_ref().and_then(href),
        next: next.as_ref().and_then(href),
    })
}

/// The link to a page of forms. VideoAsk may leave out the offset of the first page.
fn href(page: &Page) -> Option<String> {
    let offset = page.number("offset").unwrap_or(0);
    Some(format!("/tokens/forms?limit={}&offset={offset}", page.number("limit")?))
}

fn line(form: Form) -> FormLine {
    let title = if form.title.is_empty() { "(no title)".to_owned() } else { sanitize::short(&form.title) };
    FormLine { title, id: sanitize::short(&form.id), share_url: form.share_url.map(String::from) }
}
