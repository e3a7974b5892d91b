//! What crosses, in either direction: all that is not meant for the one hop it came over, or for this app.

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};

/// Of a request: credentials for this app, what is known of the way it came and of the page it came from, and the
/// framing, which is made anew.
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
            || name.starts_with("x-forwarded-")
            || name.starts_with("sec-")
    })
}

/// Of an answer: what a browser would take as said by this app's origin, and the framing, which is made anew.
pub(super) fn for_the_caller(headers: &HeaderMap) -> HeaderMap {
    kept(headers, |name| {
        matches!(name, "alt-svc" | "content-length" | "clear-site-data" | "set-cookie" | "strict-transport-security")
            || name.starts_with("access-control-")
    })
}

/// How long the body would be that an answer says it has and does not bring (RFC 9110, 8.6); of all others the length
/// is made anew.
pub(super) fn length_of_no_body(method: &Method, status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    if method != Method::HEAD && status != StatusCode::NOT_MODIFIED {
        return None;
    }
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The headers without those, and without what belongs to one connection (RFC 9110, 7.6.1).
fn kept(headers: &HeaderMap, is_left_behind: impl Fn(&str) -> bool) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if !is_hop_by_hop(name.as_str()) && !is_left_behind(name.as_str()) && !is_named(name, headers) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
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
        assert_eq!(names(&for_the_caller(&sent)), ["x-three"]);
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
        assert!(for_the_caller(&headers(&[("content-length", "7, 7")])).is_empty());
    }
}
