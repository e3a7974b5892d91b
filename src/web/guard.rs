//! What a request to a page must pass before its handler.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use url::Url;

use crate::config::{AppUrl, is_loopback};

use super::{Site, error::PageError};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses an unsafe request that another site's page sent: by `Sec-Fetch-Site`, or by `Origin` where a browser does
/// not send that. `null` is nobody's origin.
pub(super) async fn same_origin(State(site): State<Site>, request: Request, next: Next) -> Result<Response, PageError> {
    if request.method().is_safe() || from_ourselves(&site.app_url, request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(PageError::CrossSite)
}

fn from_ourselves(app_url: &AppUrl, headers: &HeaderMap) -> bool {
    match headers.get(SEC_FETCH_SITE) {
        Some(site) => site == "same-origin",
        None => headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes() == app_url.origin().as_bytes()),
    }
}

/// Sends a page asked for by another loopback name to `APP_URL`: cookies set under one name are not sent to another,
/// so the login would lose its way.
pub(super) async fn one_loopback_name(State(site): State<Site>, request: Request, next: Next) -> Response {
    match canonical(&site.app_url, request.method(), request.headers(), request.uri()) {
        Some(url) => Redirect::temporary(url.as_str()).into_response(),
        None => next.run(request).await,
    }
}

fn canonical(app_url: &AppUrl, method: &Method, headers: &HeaderMap, uri: &Uri) -> Option<Url> {
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let asked = Url::parse(&format!("http://{}/", asked?)).ok()?;
    let ours = app_url.as_url();
    if !method.is_safe() || !is_loopback(ours) || !is_loopback(&asked) || asked.host() == ours.host() {
        return None;
    }
    let mut url = app_url.join(uri.path());
    url.set_query(uri.query());
    Some(url)
}
