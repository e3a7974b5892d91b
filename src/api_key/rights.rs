//! What a key may do, and the decision whether it covers a request: a pure function.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What a key may do. An empty or absent field does not restrict it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// The users whose tokens it may use, by the names of `--user`.
    pub users: Vec<String>,
    /// The methods that the proxy passes on for it.
    pub methods: Vec<Method>,
    /// The paths that the proxy passes on for it.
    pub paths: Vec<PathPrefix>,
    /// Whether a token may leave this app.
    pub tokens: TokenAccess,
    /// From when on it is refused.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
}

/// Whether a token may leave this app. A key that is restricted to methods or paths implies that none may, since a token
/// that has left cannot be restricted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenAccess {
    /// `/api/token` and `/oauth/token` hand them out.
    #[default]
    HandOut,
    /// Only the proxy uses them.
    ProxyOnly,
}

/// An HTTP method, in upper case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method(String);

/// A path below the API's root, and everything below it. It matches whole segments, in the same case, after
/// percent-encoded unreserved characters are decoded (RFC 3986, 6.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathPrefix(String);

/// Why a text is no method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a method has only letters, such as GET")]
pub struct MethodError;

/// Why a text is no path prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a path begins with a slash and has whole segments of VideoAsk's API, such as /forms: no ?, #, `.`, `..` or //, and no slash at its end"
)]
pub struct PathError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access<'a> {
    /// A token that leaves this app.
    Token,
    /// A request that is passed on to VideoAsk's API.
    Proxy {
        /// As the request has it.
        method: &'a str,
        /// The path below the API's root, as it is sent: raw, without a query.
        path: &'a str,
    },
    /// The list of connections, or the description of the API. Both are for every key.
    Read,
    /// The metrics, which are about all users.
    Metrics,
}

/// A request that carries a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) at: OffsetDateTime,
    pub(crate) access: Access<'a>,
    /// Every name by which [`Rights::users`] may mean the user that it is for. Not looked at for [`Access::Read`] and
    /// [`Access::Metrics`].
    pub(crate) user: &'a [&'a str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Permitted,
    Expired,
    Denied(Uncovered),
}

/// What of a request a key does not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncovered {
    User,
    Method,
    Path,
    /// A token that leaves this app.
    Token,
    Metrics,
}

impl Rights {
    /// Whether a key with these rights covers the request.
    pub(crate) fn permits(&self, request: &Request<'_>) -> Decision {
        if self.has_expired(request.at) {
            return Decision::Expired;
        }
        let uncovered = match request.access {
            Access::Metrics if !self.users.is_empty() => Uncovered::Metrics,
            Access::Token if self.token_access() == TokenAccess::ProxyOnly => Uncovered::Token,
            Access::Token | Access::Proxy { .. } if !self.covers_user(request.user) => Uncovered::User,
            Access::Proxy { method, .. } if !self.covers_method(method) => Uncovered::Method,
            Access::Proxy { path, .. } if !self.covers_path(path) => Uncovered::Path,
            Access::Read | Access::Metrics | Access::Token | Access::Proxy { .. } => return Decision::Permitted,
        };
        Decision::Denied(uncovered)
    }

    /// Whether the key is refused from now on.
    pub(crate) fn has_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }

    /// Whether a token may leave this app, methods and paths considered.
    #[must_use]
    pub fn token_access(&self) -> TokenAccess {
        if self.methods.is_empty() && self.paths.is_empty() { self.tokens } else { TokenAccess::ProxyOnly }
    }

    fn covers_user(&self, names: &[&str]) -> bool {
        self.users.is_empty() || self.users.iter().any(|user| names.contains(&user.as_str()))
    }

    fn covers_method(&self, method: &str) -> bool {
        let has = |method: &str| self.methods.iter().any(|own| own.0 == method);
        // HEAD is GET without the body (RFC 9110, 9.3.2).
        self.methods.is_empty() || has(method) || (method == "HEAD" && has("GET"))
    }

    fn covers_path(&self, path: &str) -> bool {
        let path = decode_unreserved(path);
        self.paths.is_empty() || self.paths.iter().any(|prefix| prefix.covers(&path))
    }
}

impl Method {
    /// Reads a method, in any case.
    pub fn parse(text: &str) -> Result<Self, MethodError> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(MethodError);
        }
        Ok(Self(text.to_ascii_uppercase()))
    }
}

impl PathPrefix {
    /// Reads a prefix that the proxy could pass on.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let path = decode_unreserved(text);
        let segments = path.strip_prefix('/').ok_or(PathError)?;
        let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>`{}".contains(&byte);
        if !(path == "/" || segments.split('/').all(is_plain)) || !path.bytes().all(fits) {
            return Err(PathError);
        }
        Ok(Self(path))
    }

    /// Whether this path, already decoded, is the prefix or below it.
    fn covers(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.0.trim_end_matches('/'));
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }
}

/// Decodes what never needs to be encoded: letters, digits, `-`, `.`, `_` and `~`. Nothing is decoded twice.
fn decode_unreserved(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        if let Some(character) = after.get(..2).and_then(unreserved) {
            decoded.push(character);
            rest = &after[2..];
        } else {
            decoded.push('%');
            rest = after;
        }
    }
    decoded + rest
}

/// The unreserved character that two hex digits encode.
fn unreserved(digits: &str) -> Option<char> {
    // `from_str_radix` would take a sign, too.
    let are_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = u8::from_str_radix(digits, 16).ok().filter(|_| are_hex)?;
    (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)).then_some(char::from(byte))
}

/// As the noun in `does not cover this …`.
impl fmt::Display for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Method => "method",
            Self::Path => "path",
            Self::Token => "route, which hands out a token",
            Self::Metrics => "route, which is about all users",
        })
    }
}

/// What the key covers, for people.
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.push(match self.users.as_slice() {
            [] => "every listed user".to_owned(),
            users => users.join(", "),
        });
        let methods: Vec<&str> = self.methods.iter().map(|method| method.0.as_str()).collect();
        let paths: Vec<&str> = self.paths.iter().map(|path| path.0.as_str()).collect();
        match self.token_access() {
            TokenAccess::HandOut => parts.push("tokens and the proxy".to_owned()),
            TokenAccess::ProxyOnly => parts.push("the proxy only".to_owned()),
        }
        parts.extend((!methods.is_empty()).then(|| format!("methods {}", methods.join(", "))));
        parts.extend((!paths.is_empty()).then(|| format!("paths {}", paths.join(", "))));
        f.write_str(&parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn rights(users: &[&str], methods: &[&str], paths: &[&str]) -> Rights {
        Rights {
            users: users.iter().map(|user| (*user).to_owned()).collect(),
            methods: methods.iter().map(|method| Method::parse(method).unwrap()).collect(),
            paths: paths.iter().map(|path| PathPrefix::parse(path).unwrap()).collect(),
            ..Rights::default()
        }
    }

    fn proxy<'a>(method: &'a str, path: &'a str) -> Request<'a> {
        Request { at: NOW, access: Access::Proxy { method, path }, user: &["ada"] }
    }

    fn for_access(access: Access<'_>) -> Request<'_> {
        Request { at: NOW, access, user: &["ada"] }
    }

    #[test]
    fn a_key_without_limits_covers_everything() {
        let all = Rights::default();
        for access in [Access::Token, Access::Read, Access::Metrics, Access::Proxy { method: "PURGE", path: "/" }] {
            assert_eq!(all.permits(&for_access(access)), Decision::Permitted, "{access:?}");
        }
    }

    #[test]
    fn a_limit_to_methods_or_paths_lets_no_token_out() {
        let proxy_only = Rights { tokens: TokenAccess::ProxyOnly, ..Rights::default() };
        for limited in [rights(&[], &["get"], &[]), rights(&[], &[], &["/forms"]), proxy_only] {
            assert_eq!(limited.permits(&for_access(Access::Token)), Decision::Denied(Uncovered::Token));
            assert_eq!(limited.permits(&for_access(Access::Read)), Decision::Permitted);
            assert_eq!(limited.permits(&for_access(Access::Metrics)), Decision::Permitted);
            assert_eq!(limited.permits(&proxy("GET", "/forms")), Decision::Permitted);
        }
    }

    #[test]
    fn a_limit_to_users_covers_them_alone_and_no_metrics() {
        let limited = rights(&["ada", "u-1"], &[], &[]);
        for (names, expected) in [
            (&["ada"][..], Decision::Permitted),
            (&["eve", "u-1"], Decision::Permitted),
            (&["eve"], Decision::Denied(Uncovered::User)),
            (&["Ada"], Decision::Denied(Uncovered::User)),
            (&[], Decision::Denied(Uncovered::User)),
        ] {
            let request = Request { at: NOW, access: Access::Token, user: names };
            assert_eq!(limited.permits(&request), expected, "{names:?}");
        }
        assert_eq!(limited.permits(&for_access(Access::Metrics)), Decision::Denied(Uncovered::Metrics));
    }

    #[test]
    fn head_counts_as_get_and_get_not_as_head() {
        let (get, head) = (rights(&[], &["GET"], &[]), rights(&[], &["head"], &[]));
        for (rights, method, expected) in [
            (&get, "GET", Decision::Permitted),
            (&get, "HEAD", Decision::Permitted),
            (&get, "get", Decision::Denied(Uncovered::Method)),
            (&get, "POST", Decision::Denied(Uncovered::Method)),
            (&head, "HEAD", Decision::Permitted),
            (&head, "GET", Decision::Denied(Uncovered::Method)),
        ] {
            assert_eq!(rights.permits(&proxy(method, "/")), expected, "{method}");
        }
    }

    #[test]
    fn a_path_covers_whole_segments_in_the_same_case_whatever_is_encoded_in_vain() {
        let limited = rights(&[], &[], &["/forms", "/a%7eb/c"]);
        for path in ["/forms", "/forms/", "/forms/1/x", "/%66orms", "/f%6Frms/%2F", "/a~b/c", "/a%7Eb/c/d", "/%61~b/c"]
        {
            assert_eq!(limited.permits(&proxy("GET", path)), Decision::Permitted, "{path}");
        }
        for path in
            ["/", "/form", "/formsx", "/forms-1", "/Forms", "/forms;x", "/%2566orms", "/x/forms", "/a~b", "forms"]
        {
            assert_eq!(limited.permits(&proxy("GET", path)), Decision::Denied(Uncovered::Path), "{path}");
        }
        for path in ["/", "/x", ""] {
            assert_eq!(rights(&[], &[], &["/"]).permits(&proxy("GET", path)), Decision::Permitted, "{path}");
        }
    }

    #[test]
    fn a_prefix_is_a_path_that_the_proxy_could_pass_on() {
        for path in ["/", "/forms", "/a/b;c=d", "/%C3%A4"] {
            assert!(PathPrefix::parse(path).is_ok(), "{path}");
        }
        for path in
            ["", "forms", "/forms/", "//", "/a//b", "/..", "/a/./b", "/%2e%2E/b", "/a?b", "/a#b", "/a b", "/ä", "/a\\b"]
        {
            assert_eq!(PathPrefix::parse(path), Err(PathError), "{path}");
        }
    }

    #[test]
    fn an_expired_key_covers_nothing_from_that_moment_on() {
        let expiring = Rights { expires_at: Some(NOW), ..Rights::default() };
        for access in [Access::Token, Access::Read, Access::Metrics] {
            assert_eq!(expiring.permits(&for_access(access)), Decision::Expired);
            let before = Request { at: NOW - time::Duration::NANOSECOND, ..for_access(access) };
            assert_eq!(expiring.permits(&before), Decision::Permitted);
        }
    }

    #[test]
    fn what_is_covered_is_named() {
        for (rights, expected) in [
            (Rights::default(), "every listed user; tokens and the proxy"),
            (rights(&["ada"], &[], &[]), "ada; tokens and the proxy"),
            (rights(&["a", "b"], &["get", "PUT"], &["/x"]), "a, b; the proxy only; methods GET, PUT; paths /x"),
        ] {
            assert_eq!(rights.to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn an_encoding_of_unreserved_characters_changes_no_decision(
            path in "/([a-z~._-]|%2[0-9a-f]|%[0-9a-zA-Z]?|/){0,12}", encoded in any::<u64>(),
        ) {
            let limited = rights(&[], &[], &["/a", "/b/c", "/%7e"]);
            let encode = |(place, character): (usize, char)| match character {
                'a'..='z' | '~' | '.' | '_' | '-' if encoded >> (place % 64) & 1 == 1 && !path[..place].ends_with('%')
                    && !path[..place.max(1) - 1].ends_with('%') => format!("%{:02X}", u32::from(character)),
                _ => character.to_string(),
            };
            let other: String = path.char_indices().map(encode).collect();
            prop_assert_eq!(limited.permits(&proxy("GET", &path)), limited.permits(&proxy("GET", &other)), "{}", other);
        }
    }
}
