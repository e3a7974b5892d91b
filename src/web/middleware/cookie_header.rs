//! Passes only our own cookies to the handlers, recognised by the raw bytes of their names.
//!
//! A browser lets no other host set a cookie whose name starts with the exact bytes `__Host-`. The cookie library
//! decodes
//! `%5F%5FHost-…` and trims Unicode spaces, so a cookie that a sibling host set could pass for ours. This layer therefore
//! runs before the library, and drops every cookie whose name is not ours, byte by byte.
//!
//! With an http `APP_URL` no prefix protects the names. Another site that serves pages on the same host name (another
//! program on another port of this machine) can read and set these cookies, and so replace a session or a started login
//! by its own. Only https prevents that.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue, header};
use tower_sessions::session::Id;

use crate::web::cookies::{CookiePolicy, is_plain};

/// The value of one cookie name.
enum Value<'a> {
    One(&'a [u8]),
    /// Two different ones. A browser does not say which of them this host has set, so neither is used.
    Conflicting,
}

/// Removes all but our own cookies from a request.
pub(super) fn keep_own(policy: &CookiePolicy, headers: &mut HeaderMap) {
    let ours = own_cookies(policy, headers);
    headers.remove(header::COOKIE);
    headers.extend(ours.map(|ours| (header::COOKIE, ours)));
}

/// Gives each cookie of ours in a response all of its attributes; the session layer leaves some out where it expires
/// one.
pub(super) fn complete_all(policy: &CookiePolicy, headers: &mut HeaderMap) {
    if let header::Entry::Occupied(mut cookies) = headers.entry(header::SET_COOKIE) {
        cookies.iter_mut().for_each(|cookie| complete(policy, cookie));
    }
}

/// The session of a request, by its Cookie headers as they arrived.
pub(crate) fn session_id(policy: &CookiePolicy, headers: &HeaderMap) -> Option<Id> {
    session_id_in(policy, &own_cookies(policy, headers)?)
}

/// The session of a request to a page, in which [`keep_own`] has left only our own cookies.
pub(crate) fn kept_session_id(policy: &CookiePolicy, headers: &HeaderMap) -> Option<Id> {
    session_id_in(policy, headers.get(header::COOKIE)?)
}

fn session_id_in(policy: &CookiePolicy, ours: &HeaderValue) -> Option<Id> {
    let name = policy.session_name().as_bytes();
    let (_, value) = pairs(ours.as_bytes()).find(|(of, _)| *of == name)?;
    str::from_utf8(value).ok()?.parse().ok()
}

fn own_cookies(policy: &CookiePolicy, headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = BTreeMap::new();
    for (name, value) in headers.get_all(header::COOKIE).iter().flat_map(|header| pairs(header.as_bytes())) {
        if policy.is_ours(name) && is_plain(value) {
            let known = values.entry(name).or_insert(Value::One(value));
            if !matches!(known, Value::One(known) if *known == value) {
                *known = Value::Conflicting;
            }
        }
    }
    let pairs = values.into_iter().filter_map(|(name, value)| match value {
        Value::One(value) => Some([name, b"=", value].concat()),
        Value::Conflicting => None,
    });
    let header = pairs.collect::<Vec<_>>().join(&b"; "[..]);
    if header.is_empty() { None } else { HeaderValue::from_bytes(&header).ok() }
}

/// The session layer expires its cookie without the attributes, and a browser ignores a `__Host-` cookie that is
/// not `Secure`: the old one would stay.
fn complete(policy: &CookiePolicy, cookie: &mut HeaderValue) {
    let parsed = cookie.to_str().ok().and_then(|text| tower_cookies::Cookie::parse(text).ok());
    if let Some(parsed) = parsed.filter(|parsed| policy.is_ours(parsed.name().as_bytes())) {
        let completed = policy.with_attributes(parsed.into_owned());
        *cookie = HeaderValue::try_from(completed.to_string()).unwrap_or_else(|_| cookie.clone());
    }
}

/// Names and values, without the spaces and tabs around a pair that RFC 6265 allows; nothing is decoded.
fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    header.split(|byte| *byte == b';').filter_map(|pair| {
        let pair = trim(pair);
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        Some((&pair[..equals], &pair[equals + 1..]))
    })
}

/// Not `trim_ascii`, which also takes line feeds and form feeds, and so would change a name that is not ours into ours.
fn trim(mut pair: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = pair {
        pair = rest;
    }
    pair
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};
    use tower_cookies::Cookie;

    use super::*;

    const SESSION: &str = "__Host-videoask-auth";
    const PENDING: &str = "__Host-videoask-auth-login-AAAAAAAAAAAAAAAA";

    fn policy(app_url: &str) -> CookiePolicy {
        CookiePolicy::new(&crate::config::Config::from_pairs(pairs_of(app_url)).expect("it is complete").config.app_url)
    }

    fn pairs_of(app_url: &str) -> [(&'static str, &str); 4] {
        [
            ("CLIENT_ID", "demo-client-id"),
            ("CLIENT_SECRET", "demo-client-secret"),
            ("EXPRESS_SESSION", "test-express-session-0123456789abcdef"),
            ("APP_URL", app_url),
        ]
    }

    /// What is left of these Cookie headers.
    fn left(headers: &[&[u8]]) -> String {
        let headers = headers.iter().map(|header| HeaderValue::from_bytes(header).expect("it fits a header"));
        let headers: HeaderMap = headers.map(|value| (header::COOKIE, value)).collect();
        let left = own_cookies(&policy("https://app.example.test"), &headers);
        left.map_or_else(String::new, |left| left.to_str().expect("it is ASCII").to_owned())
    }

    #[test]
    fn our_own_cookies_pass_whatever_is_around_them() {
        let own = format!("{SESSION}=one; {PENDING}=two");
        assert_eq!(left(&[own.as_bytes()]), own);
        assert_eq!(left(&[b"a=b;\t", format!("{PENDING}=two ;x; {SESSION}=one").as_bytes(), b"\xff=\xff"]), own);
        assert_eq!(left(&[b"\x80=\xff;__Host-videoask-auth=one"]), format!("{SESSION}=one"));
    }

    #[test]
    fn a_name_that_is_ours_only_once_decoded_or_trimmed_is_not_ours() {
        for name in [
            "%5F%5FHost-videoask-auth",
            "_%5fHost-videoask-auth",
            "__Host%2Dvideoask-auth",
            "__host-videoask-auth",
            "__HOST-videoask-auth",
            "\u{2000}__Host-videoask-auth",
            "\u{a0}__Host-videoask-auth",
            "\u{3000}__Host-videoask-auth\u{85}",
            "__Host-videoask-auth ",
            "__Host-videoask-auth\t",
            "\"__Host-videoask-auth\"",
            "__Host-videoask-auth-login-",
            "__Host-videoask-auth-login-AAAAAAAAAAAAAAA",
            "__Host-videoask-auth-login-AAAAAAAAAAAAAAAAA",
            "__Host-videoask-auth-login-AAAAAAAAAAAAAAA%41",
            "videoask-auth",
            "",
        ] {
            assert_eq!(left(&[format!("{name}=evil; {SESSION}=ours").as_bytes()]), format!("{SESSION}=ours"), "{name}");
        }
    }

    #[test]
    fn of_two_values_of_one_name_neither_passes_and_the_same_value_twice_is_one() {
        for (first, second) in [("ours", "evil"), ("evil", "ours")] {
            let header = format!("{SESSION}={first}; {PENDING}=two; {SESSION}={second}; {SESSION}={first}");
            assert_eq!(left(&[header.as_bytes()]), format!("{PENDING}=two"));
        }
        assert_eq!(left(&[b"__Host-videoask-auth=ours", b"__Host-videoask-auth=ours"]), format!("{SESSION}=ours"));
    }

    #[test]
    fn a_value_that_we_never_set_does_not_pass() {
        for value in ["%41", "\"ours\"", "a b", "a=b", "a,b", "\u{e9}"] {
            assert_eq!(left(&[format!("{SESSION}={value}").as_bytes()]), "", "{value}");
        }
    }

    #[test]
    fn a_cookie_that_expires_says_all_that_a_browser_asks_of_its_prefix() {
        let mut cookie = HeaderValue::from_static("__Host-videoask-auth=; Path=/; Max-Age=0");
        complete(&policy("https://app.example.test"), &mut cookie);
        let text = cookie.to_str().expect("it is ASCII");
        for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=0"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("Domain"), "{text}");
    }

    /// A name made of what a decoder or a trimmer might change into one of ours.
    fn odd_names() -> impl Strategy<Value = String> {
        let own = select(vec![SESSION, PENDING, "videoask-auth-3000"]).prop_map(str::to_owned);
        let piece =
            select(vec!["%5F", "_", "%5f", "__Host-", "videoask-auth", "-login-", "A", " ", "\u{2003}", "\"", "="]);
        prop_oneof![own, vec(piece, 0..6).prop_map(|pieces| pieces.concat())]
    }

    proptest! {
        /// Whatever the header, the library below sees a name of ours only if a browser sent these very bytes.
        #[test]
        fn no_header_makes_another_cookie_pass_for_ours(
            cookies in vec((odd_names(), "[A-Za-z0-9%\" =-]{0,6}", select(vec!["; ", ";", ",", " ;\t"])), 0..8),
        ) {
            let cookies = cookies.iter().map(|(name, value, end)| format!("{name}={value}{end}"));
            let header = cookies.collect::<Vec<_>>().concat();
            let left = left(&[header.as_bytes()]);
            for pair in left.split("; ").filter(|pair| !pair.is_empty()) {
                let (name, value) = pair.split_once('=').expect("a pair");
                prop_assert!(name == SESSION || name == PENDING, "{}", name);
                let raw = header.split(';').map(|pair| pair.trim_matches([' ', '\t']));
                let sent: Vec<_> = raw.filter(|raw| raw.starts_with(&format!("{name}="))).collect();
                prop_assert!(sent.contains(&pair), "{:?} was not sent in {:?}", pair, header);
                let decoded = Cookie::parse_encoded(pair.to_owned()).expect("it is a cookie");
                prop_assert_eq!((decoded.name(), decoded.value()), (name, value));
            }
        }
    }
}
