//! Which headers the proxy forwards: all that are meant neither for one hop nor for this app.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// The most that the headers of a response may have, in bytes.
pub(super) const HEADERS_LIMIT: usize = 64 * 1024;

/// The headers of a request that VideoAsk gets. Left out are credentials for this app, headers about the route and the
/// page that the request came from, and the framing, which is regenerated.
pub(super) fn for_videoask(headers: &HeaderMap) -> HeaderMap {
    kept(headers, |name| {
        matches!(
            name,
            "authorization"
                | "content-length"
                | "cookie"
                | "expect"
                | "forwarded"
                | "host"
                | "origin"
                | "referer"
                | "via"
        ) || name == super::USER
            || name.starts_with("sec-")
    })
}

/// The headers of a response that the caller gets. Left out are those that a browser, a cache or a reverse proxy would
/// apply to this app, and the framing, which is regenerated. No cache may store the response: the next caller may be
/// another user.
pub(super) fn for_the_caller(headers: &HeaderMap) -> HeaderMap {
    let mut kept = kept(headers, |name| {
        matches!(
            name,
            "alt-svc"
                | "clear-site-data"
                | "content-length"
                | "expires"
                | "set-cookie"
                | "strict-transport-security"
                | "surrogate-control"
                | "x-lighttpd-send-file"
                | "x-sendfile"
        ) || name.starts_with("access-control-")
            || name.starts_with("x-accel-")
            || name.ends_with("cdn-cache-control")
    });
    kept.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    kept
}

/// The headers that are dropped in both directions: what a reverse proxy tells about the caller, and where browsers
/// would send reports to.
fn is_caller_or_reporting_header(name: &str) -> bool {
    matches!(
        name,
        "fastly-client-ip"
            | "nel"
            | "report-to"
            | "reporting-endpoints"
            | "true-client-ip"
            | "x-client-ip"
            | "x-cluster-client-ip"
            | "x-forwarded"
            | "x-real-ip"
    ) || name.starts_with("cf-")
        || name.starts_with("x-forwarded-")
}

/// The size of the headers as they are on the wire.
pub(super) fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

/// The `Content-Length` of a response without a body: to a HEAD request, or a 304 (RFC 9110, 8.6). Every other response
/// gets its length from its body.
pub(super) fn length_of_no_body(method: &Method, status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    if method != Method::HEAD && status != StatusCode::NOT_MODIFIED {
        return None;
    }
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The headers without those that `is_left_behind` matches, and without those of one connection (RFC 9110, 7.6.1).
fn kept(headers: &HeaderMap, is_left_behind: impl Fn(&str) -> bool) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let read = as_servers_read(name);
        if !is_hop_by_hop(&read)
            && !is_caller_or_reporting_header(&read)
            && !is_left_behind(&read)
            && !is_named(name, headers)
        {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// Many servers cannot tell `X_Real_IP` from `X-Real-IP`: both become the variable `HTTP_X_REAL_IP` (RFC 3875, 4.1.18).
fn as_servers_read(name: &HeaderName) -> Cow<'_, str> {
    let name = name.as_str();
    if name.contains('_') { name.replace('_', "-").into() } else { name.into() }
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(name, "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade")
        || name.starts_with("proxy-")
}

/// Whether `Connection` says that this header is for one hop.
fn is_named(name: &HeaderName, headers: &HeaderMap) -> bool {
    listed(headers, &header::CONNECTION).any(|named| named.eq_ignore_ascii_case(name.as_str().as_bytes()))
}

/// What a header lists with commas, over all that there are of it (RFC 9110, 5.6.1).
pub(super) fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let all = headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    all.map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn what_connection_names_stays_in_any_case_and_place() {
        let mut sent =
            headers(&[("connection", "close, X-One ,x-two"), ("x-one", "1"), ("x-two", "2"), ("x-three", "3")]);
        sent.append("connection", HeaderValue::from_static("X-FOUR"));
        sent.insert("x-four", HeaderValue::from_static("4"));
        assert_eq!(names(&for_videoask(&sent)), ["x-three"]);
        assert_eq!(names(&for_the_caller(&sent)), ["x-three", "cache-control"]);
    }

    #[test]
    fn several_headers_of_one_name_cross_in_their_order() {
        let mut sent = headers(&[("accept", "a")]);
        sent.append("accept", HeaderValue::from_static("b"));
        let crossed = for_videoask(&sent);
        assert_eq!(crossed.get_all("accept").iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn only_an_answer_without_its_body_says_how_long_that_would_be() {
        let length = |method, status, length: &'static str| {
            length_of_no_body(&method, status, &headers(&[("content-length", length)]))
        };
        assert_eq!(length(Method::HEAD, StatusCode::OK, "7"), Some(7));
        assert_eq!(length(Method::GET, StatusCode::NOT_MODIFIED, "7"), Some(7));
        assert_eq!(length(Method::GET, StatusCode::OK, "7"), None);
        assert_eq!(length(Method::HEAD, StatusCode::OK, "7, 7"), None);
        assert_eq!(names(&for_the_caller(&headers(&[("content-length", "7, 7")]))), ["cache-control"]);
    }

    #[test]
    fn no_cache_stores_a_response_whatever_videoask_says() {
        let sent = headers(&[
            ("cache-control", "public, max-age=60"),
            ("cdn-cache-control", "max-age=60"),
            ("cloudflare-cdn-cache-control", "max-age=60"),
            ("surrogate-control", "max-age=60"),
            ("expires", "Thu, 01 Dec 2094 16:00:00 GMT"),
            ("x-accel-expires", "60"),
        ]);
        assert_eq!(for_the_caller(&sent), headers(&[("cache-control", "no-store")]));
    }
}
