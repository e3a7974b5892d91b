//! The URL of a request: the given path on the API's origin, which it cannot leave.

use url::Url;

use crate::http;

/// Servers could read the path differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Self::RULE)]
pub(crate) struct AmbiguousPath;

impl AmbiguousPath {
    /// The rule for paths, in sentences.
    pub(crate) const RULE: &str = "The path is passed on as it is, so it can have no empty segment but the last one, no `.` or `..`, \
         no backslash or control character, and none of these percent-encoded, nor a slash. Without its \
         `;` parameters, a segment may not be empty or made of dots either; nor may a parameter be made of dots.";
}

/// The URL of `path`, which begins with a slash, at the API that `base` is the root of. The path is the raw one: a
/// decoded one can no longer be told from one that means something else.
pub(crate) fn target(base: &Url, path: &str, query: Option<&str>) -> Result<Url, AmbiguousPath> {
    if !is_plain(path) {
        return Err(AmbiguousPath);
    }
    let mut url = http::endpoint(base, path);
    url.set_query(query);
    // Besides the check above, the parsed URL has to be below the root.
    if url.origin() == base.origin() && below(base, &url).is_some() { Ok(url) } else { Err(AmbiguousPath) }
}

/// The path of a URL below `base`, which has the same origin; it begins with a slash.
pub(crate) fn below<'a>(base: &Url, url: &'a Url) -> Option<&'a str> {
    url.path().strip_prefix(base.path().trim_end_matches('/')).filter(|path| path.starts_with('/'))
}

/// Whether all servers read this path in the same way.
fn is_plain(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else { return false };
    let (before, last) = segments.rsplit_once('/').unwrap_or(("", segments));
    let has_empty = segments.contains('/') && before.split('/').any(str::is_empty);
    !has_empty
        && !before.split('/').any(is_ambiguous)
        && !is_ambiguous(last)
        && !path.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control())
        && !path.match_indices('%').any(|(at, _)| is_refused_escape(&path.as_bytes()[at + 1..]))
}

/// Whether some server reads this segment differently: Java servers drop what follows a `;`, so that `..;x` becomes `..`,
/// and `;x` becomes empty.
fn is_ambiguous(segment: &str) -> bool {
    // Some proxies decode a path before they forward it.
    let segment = segment.replace("%3b", ";").replace("%3B", ";");
    let mut parts = segment.split(';');
    let name = parts.next().unwrap_or_default();
    let has_parameters = segment.contains(';');
    matches!(name, "." | "..") || (has_parameters && name.is_empty()) || parts.any(is_dots)
}

fn is_dots(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'.')
}

/// Whether a dot, a slash, a backslash or a control character is encoded by what follows a percent sign.
fn is_refused_escape(following: &[u8]) -> bool {
    let digit = |at: usize| following.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (Some(high), Some(low)) = (digit(0), digit(1)) else { return false };
    u8::try_from(high * 16 + low).is_ok_and(|byte| byte.is_ascii_control() || b"./\\".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent_to(base: &str, path: &str) -> Option<String> {
        let base = Url::parse(base).expect("a base");
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        target(&base, path, query).ok().map(String::from)
    }

    #[test]
    fn the_path_and_the_query_arrive_as_they_came() {
        for path in [
            "/",
            "/forms",
            "/forms/",
            "/forms/a-b_c~d",
            "/a/b/c?limit=2&x=..%2f//%00",
            "/%C3%A4%20b",
            "/@host/x",
            "/a;b=c,d:e",
            "/a;b=..;c/.a/a../..a",
            "/a;",
        ] {
            let sent = sent_to("https://api.example", path);
            assert_eq!(sent, Some(format!("https://api.example{path}")));
            let sent = sent_to("https://api.example/base", path);
            assert_eq!(sent, Some(format!("https://api.example/base{path}")));
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_refused() {
        for path in [
            "",
            "forms",
            "//",
            "//evil.example/",
            "//evil.example/forms",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/../",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/a/.",
            "/%2e",
            "/%2E%2e/x",
            "/.%2e/x",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a%00",
            "/a%0d%0aX:y",
            "/a%1F",
            "/a%7f",
            "/..;/",
            "/..;/x",
            "/a/..;x=1/b",
            "/..;",
            "/.;a/b",
            "/..%3b/",
            "/..%3Bx/",
            "/a;../b",
            "/a;.",
            "/a;b;..;/c",
            "/;/a",
            "/;..",
            "/a/;x",
        ] {
            assert_eq!(sent_to("https://api.example", path), None, "{path}");
        }
        // No request that a server takes has these, but an argument may.
        for path in ["/a\\b", "/\\evil.example", "/a\nb", "/a\u{7f}"] {
            assert!(!is_plain(path), "{path:?}");
        }
    }

    /// What a server that decodes a path makes of it.
    fn decoded(path: &str) -> Vec<u8> {
        let (mut decoded, mut rest) = (Vec::new(), path.as_bytes());
        while let [first, after @ ..] = rest {
            let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
            let byte = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
            decoded.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { &after[2..] } else { after };
        }
        decoded
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_root_of_the_api(path in "(/|\\.|;|%3[bB]|%2[eEfF]|%5[cC]|%[0-9a-f]{2}|[!-~&&[^?#]]|é){0,12}") {
            let base = Url::parse("https://api.example:8443/base").expect("a base");
            let Ok(url) = target(&base, &format!("/{path}"), None) else { return Ok(()) };
            prop_assert_eq!(url.origin(), base.origin());
            let path = url.path().strip_prefix("/base/");
            let path = path.ok_or_else(|| TestCaseError::fail(url.to_string()))?;
            for path in [path.to_owned(), path.replace("%3b", ";").replace("%3B", ";")] {
                let names: Vec<_> = path.split('/').filter_map(|segment| segment.split_once(';')).collect();
                prop_assert!(!names.iter().any(|(name, _)| matches!(*name, "" | "." | "..")), "{url}");
            }
            let path = decoded(path);
            let segments: Vec<_> = path.split(|byte| *byte == b'/').collect();
            prop_assert!(!segments.iter().any(|segment| matches!(segment, [b'.'] | [b'.', b'.'])), "{url}");
            prop_assert!(!segments[..segments.len() - 1].iter().any(|segment| segment.is_empty()), "{url}");
            prop_assert!(!path.iter().any(|byte| *byte == b'\\' || byte.is_ascii_control()), "{url}");
            prop_assert_eq!(segments.len(), url.path().matches('/').count() - 1, "{} has hidden slashes", url);
        }
    }

    #[test]
    fn a_percent_sign_that_encodes_nothing_refused_passes() {
        for path in ["/100%", "/%zz", "/%2", "/%252e%252e", "/%20"] {
            assert!(is_plain(path), "{path}");
        }
    }
}
