//! Where a request to a page comes from, and under which name of this host.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, Method, Uri, header},
    middleware::Next,
    response::Response,
};
use url::Url;

use crate::{
    config::{AppUrl, is_loopback},
    web::pages::error::{PageError, RequestError},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a page of ours sent this, by `Sec-Fetch-Site`, or by `Origin` if the browser does not send that. The origin
/// `null` is never ours.
pub(super) fn is_from_ourselves(app_url: &AppUrl, headers: &HeaderMap) -> bool {
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

/// The page's URL under `APP_URL`, if the request names another loopback host on `APP_URL`'s port: cookies set under one
/// name are not sent to another, so a login that starts there could not be finished. Another port is the app's own behind
/// a proxy, which forwards what browsers request at `APP_URL`.
pub(super) fn canonical(app_url: &AppUrl, method: &Method, headers: &HeaderMap, uri: &Uri) -> Option<Url> {
    let ours = app_url.as_url();
    let host = headers.get(header::HOST)?.to_str().ok()?;
    if host == ours.authority() {
        return None;
    }
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
