//! Refuses requests to pages that come from another site, or under another loopback name.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use url::Url;

use crate::{
    config::{AppUrl, is_loopback},
    web::{
        pages::error::{PageError, RequestError},
        state::AppState,
    },
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses an unsafe request that a page of another site sent, by `Sec-Fetch-Site`, or by `Origin` if the browser does
/// not send that. The origin `null` is never ours.
pub(crate) async fn same_origin(
    State(app): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Result<Response, PageError> {
    if request.method().is_safe() || from_ourselves(&app.app_url, request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(PageError::Request(RequestError::CrossSite))
}

fn from_ourselves(app_url: &AppUrl, headers: &HeaderMap) -> bool {
    match headers.get(SEC_FETCH_SITE) {
        Some(site) => site == "same-origin",
        None => headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes() == app_url.origin().as_bytes()),
    }
}

/// Refuses a request that a page of another site started, even by a link. A client that does not send `Sec-Fetch-Site`
/// is accepted: it is an old browser, and no page can read a download of another site anyway.
pub(crate) async fn not_cross_site(request: Request, next: Next) -> Result<Response, PageError> {
    match request.headers().get(SEC_FETCH_SITE) {
        Some(site) if site != "same-origin" && site != "none" => Err(PageError::Request(RequestError::CrossSite)),
        _ => Ok(next.run(request).await),
    }
}

/// In the query of a page that was redirected once. A proxy on this machine may name the wrong host again.
const REDIRECTED: &str = "redirected";

/// Redirects a page that was requested under another loopback name to `APP_URL`: cookies set under one name are not sent to
/// another, so a login that starts there could not be finished.
pub(crate) async fn one_loopback_name(State(app): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    match canonical(&app.app_url, request.method(), request.headers(), request.uri()) {
        Some(url) => Redirect::temporary(url.as_str()).into_response(),
        None => next.run(request).await,
    }
}

/// The page's URL under `APP_URL`, if the request names another loopback host on `APP_URL`'s port. Another port is the
/// app's own behind a proxy, which forwards what browsers request at `APP_URL`.
fn canonical(app_url: &AppUrl, method: &Method, headers: &HeaderMap, uri: &Uri) -> Option<Url> {
    let ours = app_url.as_url();
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let requested = Url::parse(&format!("{}://{host}/", ours.scheme())).ok()?;
    let is_other_name = is_loopback(ours)
        && is_loopback(&requested)
        && requested.host() != ours.host()
        && requested.port_or_known_default() == ours.port_or_known_default();
    let query = uri.query().unwrap_or_default();
    if !method.is_safe() || !is_other_name || query.split('&').any(|pair| pair == REDIRECTED) {
        return None;
    }
    let mut url = app_url.join(uri.path());
    let separator = if query.is_empty() { "" } else { "&" };
    url.set_query(Some(&format!("{query}{separator}{REDIRECTED}")));
    Some(url)
}
