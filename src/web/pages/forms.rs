//! `GET /tokens/forms`: proof that the token works, by listing the account's forms with it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use serde::Deserialize;

use crate::{
    videoask::{Account, Form, Forms, Page},
    web::{
        pages::{
            error::PageError,
            outside_text,
            templates::{CurrentPage, FormLine, FormsPage, Layout, NavVisitor},
        },
        state::AppState,
        visitor::LoggedIn,
    },
};

/// Forms a page, and the most that a query may ask for.
const LIMIT: u32 = 20;
const MOST: u32 = 100;

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
    let Query(query) = query.map_err(|_| PageError::BadQuery)?;
    let (limit, offset) = (query.limit.unwrap_or(LIMIT).clamp(1, MOST), query.offset.unwrap_or(0));
    let (key, found) = login.connection(&app).await?;
    let account = Account::new(&app.api, &app.vault, &key);
    let Forms { count, forms, next, previous } = account.forms(&Page::new(limit, offset)).await?;
    let (before, shown) = (u64::from(offset), forms.len() as u64);
    Ok(FormsPage {
        layout: Layout::new(&app.assets, NavVisitor::named(&found.record().body.identity), CurrentPage::TryIt),
        count,
        range: (shown > 0).then_some((before + 1, before + shown)),
        forms: forms.into_iter().map(line).collect(),
        previous: previous.as_ref().and_then(href),
        next: next.as_ref().and_then(href),
    })
}

/// The link to the first page may leave the offset out.
fn href(page: &Page) -> Option<String> {
    let offset = page.number("offset").unwrap_or(0);
    Some(format!("/tokens/forms?limit={}&offset={offset}", page.number("limit")?))
}

fn line(form: Form) -> FormLine {
    let title = if form.title.is_empty() { "(no title)".to_owned() } else { outside_text::shown(&form.title) };
    FormLine { title, id: outside_text::shown(&form.id), share_url: form.share_url.map(String::from) }
}
