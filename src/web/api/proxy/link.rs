//! Links in the headers of a response: those to the API lead through `/proxy`, so that a client that follows them needs no
//! token.

use std::fmt::Write;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use crate::{
    videoask::path,
    web::api::{paths::PROXY_PREFIX, proxy::headers::HEADERS_LIMIT},
};

/// The rewritten links are longer than a response's headers may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Rewrites `Location` and `Link` (RFC 8288) of a response to `asked`, from the API that `base` is the root of.
pub(super) fn rewrite_links(headers: &mut HeaderMap, asked: &Url, base: &Url) -> Result<(), TooLong> {
    let rewriter = LinkRewriter { asked, base };
    rewrite(headers, &header::LOCATION, |location, _| Ok(rewriter.reference(location)))?;
    rewrite(headers, &header::LINK, |links, limit| rewriter.list(links, limit).map(Some))
}

fn rewrite(
    headers: &mut HeaderMap,
    name: &HeaderName,
    new: impl Fn(&[u8], usize) -> Result<Option<Vec<u8>>, TooLong>,
) -> Result<(), TooLong> {
    let header::Entry::Occupied(mut values) = headers.entry(name) else { return Ok(()) };
    // A short link can become a long one, so all of them share one limit.
    let mut left = HEADERS_LIMIT;
    for value in values.iter_mut() {
        let rewritten = new(value.as_bytes(), left)?.and_then(|new| HeaderValue::from_bytes(&new).ok());
        *value = rewritten.unwrap_or_else(|| value.clone());
        left = left.checked_sub(value.len()).ok_or(TooLong)?;
    }
    Ok(())
}

struct LinkRewriter<'a> {
    asked: &'a Url,
    base: &'a Url,
}

impl LinkRewriter<'_> {
    /// The path below `/proxy` for a reference of VideoAsk. If that is not below the API's root, its whole URL, since a
    /// relative one would have another meaning here. `None` if it is no URL reference.
    fn reference(&self, reference: &[u8]) -> Option<Vec<u8>> {
        let url = self.asked.join(&percent_encoded(reference)).ok()?;
        let below = path::below(self.base, &url).filter(|_| url.origin() == self.base.origin());
        let Some(below) = below else { return Some(String::from(url).into_bytes()) };
        let mut here = format!("{PROXY_PREFIX}{below}");
        for (mark, rest) in [('?', url.query()), ('#', url.fragment())] {
            if let Some(rest) = rest {
                here.push(mark);
                here.push_str(rest);
            }
        }
        Some(here.into_bytes())
    }

    /// A list such as `<https://…>; rel="next", <…>; title="<b>"`: what stands in angle brackets outside quotes is a
    /// reference. Takes time in proportion to the list and to `limit`, which bounds the result.
    fn list(&self, list: &[u8], limit: usize) -> Result<Vec<u8>, TooLong> {
        let (mut rewritten, mut rest, mut quoted) = (Vec::new(), list, false);
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'<' | b'"' | b'\\')) {
            let (before, from) = rest.split_at(at);
            rewritten.extend_from_slice(before);
            rest = match from[0] {
                b'<' if !quoted => {
                    // Without a closing bracket, no reference follows at all.
                    let Some(end) = from.iter().position(|byte| *byte == b'>') else {
                        rest = from;
                        break;
                    };
                    let reference = &from[1..end];
                    let here = self.reference(reference).unwrap_or_else(|| reference.to_owned());
                    rewritten.extend([b"<", &*here, b">"].concat());
                    &from[end + 1..]
                }
                mark => {
                    quoted ^= mark == b'"';
                    // In quotes, a backslash takes the meaning from the character after it.
                    let length = if mark == b'\\' && quoted { 2 } else { 1 };
                    let (taken, left) = from.split_at(length.min(from.len()));
                    rewritten.extend_from_slice(taken);
                    left
                }
            };
            if rewritten.len() > limit {
                return Err(TooLong);
            }
        }
        rewritten.extend_from_slice(rest);
        if rewritten.len() > limit { Err(TooLong) } else { Ok(rewritten) }
    }
}

/// A header's value may have any bytes. Those that are not ASCII are encoded, as browsers do with a `Location`.
fn percent_encoded(reference: &[u8]) -> String {
    let mut encoded = String::with_capacity(reference.len());
    for byte in reference {
        if byte.is_ascii() {
            encoded.push(char::from(*byte));
        } else {
            // A string takes whatever is written to it.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn location(base: &str, asked: &str, location: &'static str) -> String {
        let mut headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(location))]);
        assert_eq!(rewrite_links(&mut headers, &url(asked), &url(base)), Ok(()));
        headers[header::LOCATION].to_str().expect("text").to_owned()
    }

    fn link(links: &'static str) -> String {
        let mut headers = HeaderMap::from_iter([(header::LINK, HeaderValue::from_static(links))]);
        let (asked, base) = (url("https://api.example/forms"), url("https://api.example/"));
        assert_eq!(rewrite_links(&mut headers, &asked, &base), Ok(()));
        headers[header::LINK].to_str().expect("text").to_owned()
    }

    #[test]
    fn a_location_at_the_api_leads_through_here() {
        for (came, here) in [
            ("https://api.example/forms/2?x=1#y", "/proxy/forms/2?x=1#y"),
            ("/forms/2", "/proxy/forms/2"),
            ("2", "/proxy/forms/2"),
            ("?offset=20", "/proxy/forms/1?offset=20"),
            ("//api.example/me", "/proxy/me"),
            ("https://API.example:443/me", "/proxy/me"),
            ("/", "/proxy/"),
        ] {
            assert_eq!(location("https://api.example/", "https://api.example/forms/1", came), here, "{came}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_lead_past_here() {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).expect("a header may have any");
        let api = url("https://api.example/");
        let mut headers = HeaderMap::from_iter([
            (header::LOCATION, value(b"https://api.example/\xff")),
            (header::LINK, value(b"<https://api.example/\xff>; title=\"\xff\"")),
        ]);
        assert_eq!(rewrite_links(&mut headers, &api, &api), Ok(()));
        assert_eq!(headers[header::LOCATION], "/proxy/%FF");
        assert_eq!(headers[header::LINK].as_bytes(), b"</proxy/%FF>; title=\"\xff\"");
    }

    #[test]
    fn every_link_of_a_list_is_led_and_what_is_quoted_is_left() {
        assert_eq!(
            link(
                r#"<https://api.example/forms?offset=20>; rel="next", </forms>; rel=first, <https://www.example/>; rel=help"#
            ),
            r#"</proxy/forms?offset=20>; rel="next", </proxy/forms>; rel=first, <https://www.example/>; rel=help"#
        );
        assert_eq!(link(r#"</a>; title="</b> \" <c>", </d>"#), r#"</proxy/a>; title="</b> \" <c>", </proxy/d>"#);
        for odd in ["", "<", "no link", "<unclosed", "\"", "\\"] {
            assert_eq!(link(odd), odd);
        }
    }

    const APP: &str = "https://tokens.example/anything/there";

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    /// Pieces that confuse parsers of URLs and of lists.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "/",
                "//",
                "\\",
                "..",
                ".",
                ":",
                "@",
                "?",
                "#",
                ";",
                "%2e",
                "%2F",
                "%",
                "\t",
                " ",
                "http:",
                "https://",
                "api.example",
                "api.example:8443",
                "evil.example",
                "base",
                "basement",
                "[::1]",
                "javascript:",
                "data:",
            ])
            .prop_map(|piece| piece.as_bytes().to_vec()),
            prop::collection::vec(0x20_u8..=0xff, 1..3),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_location_means_the_same_here_and_there(location in pieces(), base in "https://api\\.example:8443/(base)?") {
            let Ok(value) = HeaderValue::from_bytes(&location) else { return Ok(()) };
            let (base, asked) = (url(&base), url("https://api.example:8443/base/forms?x=1"));
            let mut headers = HeaderMap::from_iter([(header::LOCATION, value)]);
            prop_assert_eq!(rewrite_links(&mut headers, &asked, &base), Ok(()));
            let rewritten = percent_encoded(headers[header::LOCATION].as_bytes());
            let Ok(meant) = asked.join(&percent_encoded(&location)) else {
                prop_assert_eq!(headers[header::LOCATION].as_bytes(), &location[..]);
                return Ok(());
            };
            let followed = url(APP).join(&rewritten);
            let followed = followed.map_err(|error| TestCaseError::fail(format!("{rewritten}: {error}")))?;
            if meant.origin() == base.origin() && path::below(&base, &meant).is_some() {
                prop_assert_eq!(followed.origin(), url(APP).origin(), "{} leaves this app", rewritten);
                prop_assert!(followed.path().starts_with("/proxy/"), "{} leaves the proxy", rewritten);
            } else {
                prop_assert_eq!(followed, meant);
            }
        }

        #[test]
        fn a_list_keeps_its_shape_and_its_references_lead_through_here(
            references in prop::collection::vec("[a-z/?&=]{0,9}", 0..9),
            titles in prop::collection::vec("([a-z<>,; ]|\\\\\"|\\\\\\\\){0,9}", 9),
        ) {
            let list = |open: &str| {
                let link = |(reference, title): (&String, &String)| format!("<{open}{reference}>; title=\"{title}\"");
                references.iter().zip(&titles).map(link).collect::<Vec<_>>().join(", ")
            };
            let (came, expected) = (list("https://api.example/x"), list("/proxy/x"));
            let value = HeaderValue::from_str(&came).expect("it fits");
            let mut headers = HeaderMap::from_iter([(header::LINK, value)]);
            let api = url("https://api.example/");
            prop_assert_eq!(rewrite_links(&mut headers, &api, &api), Ok(()));
            prop_assert_eq!(headers[header::LINK].to_str().expect("text"), expected);
        }

        #[test]
        fn no_list_causes_a_panic_or_outgrows_the_limit(list in "[<>\"\\\\,;a/ é]{0,60}", limit in 0_usize..100) {
            let api = url("https://api.example/");
            let rewriter = LinkRewriter { asked: &api, base: &api };
            if let Ok(rewritten) = rewriter.list(list.as_bytes(), limit) {
                prop_assert!(rewritten.len() <= limit);
            }
        }
    }

    #[test]
    fn a_short_list_cannot_become_a_long_one() {
        let asked = url(&format!("https://api.example/{}", "x".repeat(10_000)));
        let value = HeaderValue::from_str(&"<>".repeat(1000)).expect("it fits");
        let mut headers = HeaderMap::from_iter([(header::LINK, value)]);
        assert_eq!(rewrite_links(&mut headers, &asked, &url("https://api.example/")), Err(TooLong));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "it measures itself")]
    fn a_long_list_takes_time_in_proportion_to_its_length() {
        let api = url("https://api.example/");
        let rewriter = LinkRewriter { asked: &api, base: &api };
        for piece in ["<", "<\"", "\\", "\"<\"\\", ">"] {
            let began = std::time::Instant::now();
            let list = piece.repeat(4 << 20);
            assert!(rewriter.list(list.as_bytes(), usize::MAX).is_ok());
            // In quadratic time it would be hours.
            assert!(began.elapsed().as_secs() < 60, "{piece}: {:?}", began.elapsed());
        }
    }
}
