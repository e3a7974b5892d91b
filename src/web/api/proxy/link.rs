//! Links in the headers of an answer: those to the API lead through here, so that whoever follows them needs no token.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use super::{ROOM, path};

/// Rewrites `Location` and `Link` (RFC 8288) of an answer to `asked`, from the API that `base` is the root of.
pub(super) fn lead_through_here(headers: &mut HeaderMap, asked: &Url, base: &Url) {
    let ways = Ways { asked, base };
    rewrite(headers, &header::LOCATION, |location| ways.here(location));
    rewrite(headers, &header::LINK, |links| Some(ways.links(links)));
}

fn rewrite(headers: &mut HeaderMap, name: &HeaderName, new: impl Fn(&str) -> Option<String>) {
    let header::Entry::Occupied(mut values) = headers.entry(name) else { return };
    for value in values.iter_mut() {
        // Not only ASCII: a reference with another letter in it would else lead past here, and the key with it.
        let text = std::str::from_utf8(value.as_bytes()).ok();
        let rewritten = text.and_then(&new).and_then(|new| HeaderValue::try_from(new).ok());
        *value = rewritten.unwrap_or_else(|| value.clone());
    }
}

struct Ways<'a> {
    asked: &'a Url,
    base: &'a Url,
}

impl Ways<'_> {
    /// The way here to what `reference` means at VideoAsk; its whole URL where that is not below the API's root, since
    /// a relative one would mean something else here.
    fn here(&self, reference: &str) -> Option<String> {
        let url = self.asked.join(reference).ok()?;
        let below = path::below(self.base, &url).filter(|_| url.origin() == self.base.origin());
        let Some(below) = below else { return Some(url.into()) };
        let mut here = format!("{ROOM}{below}");
        for (mark, rest) in [('?', url.query()), ('#', url.fragment())] {
            if let Some(rest) = rest {
                here.push(mark);
                here.push_str(rest);
            }
        }
        Some(here)
    }

    /// A list such as `<https://…>; rel="next", <…>; title="<b>"`: what stands in angle brackets outside quotes is a
    /// reference.
    fn links(&self, list: &str) -> String {
        let (mut rewritten, mut rest, mut quoted) = (String::new(), list, false);
        while let Some(at) = rest.find(['<', '"', '\\']) {
            let (before, from) = rest.split_at(at);
            rewritten.push_str(before);
            let (taken, left) = match (from.as_bytes()[0], from.find('>')) {
                (b'<', Some(end)) if !quoted => {
                    let reference = &from[1..end];
                    let here = self.here(reference).unwrap_or_else(|| reference.to_owned());
                    rewritten.extend(["<", &here, ">"]);
                    ("", &from[end + 1..])
                }
                // Of a pair of which the second character is quoted, that one means nothing.
                (b'\\', _) if quoted => from.split_at(from.char_indices().nth(2).map_or(from.len(), |(at, _)| at)),
                (mark, _) => {
                    quoted ^= mark == b'"';
                    from.split_at(1)
                }
            };
            rewritten.push_str(taken);
            rest = left;
        }
        rewritten + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(base: &str, asked: &str, location: &'static str) -> String {
        let mut headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(location))]);
        let url = |text: &str| Url::parse(text).expect("a URL");
        lead_through_here(&mut headers, &url(asked), &url(base));
        headers[header::LOCATION].to_str().expect("text").to_owned()
    }

    fn link(links: &'static str) -> String {
        let mut headers = HeaderMap::from_iter([(header::LINK, HeaderValue::from_static(links))]);
        let url = |text: &str| Url::parse(text).expect("a URL");
        lead_through_here(&mut headers, &url("https://api.example/forms"), &url("https://api.example/"));
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
    fn a_location_with_other_letters_than_ascii_leads_through_here_too() {
        let value = HeaderValue::from_bytes("https://api.example/forms/ä".as_bytes()).expect("a header may have any");
        let mut headers = HeaderMap::from_iter([(header::LOCATION, value)]);
        let api = Url::parse("https://api.example/").expect("a URL");
        lead_through_here(&mut headers, &api, &api);
        assert_eq!(headers[header::LOCATION], "/proxy/forms/%C3%A4");
    }

    #[test]
    fn a_location_elsewhere_stays_what_it_means() {
        for elsewhere in ["https://www.example/x", "http://api.example/me", "https://api.example:8443/me"] {
            assert_eq!(location("https://api.example/", "https://api.example/forms", elsewhere), elsewhere);
        }
        assert_eq!(
            location("https://api.example/", "https://api.example/forms", "//evil.example/x"),
            "https://evil.example/x"
        );
    }

    #[test]
    fn below_a_base_path_only_what_is_below_it_leads_through_here() {
        let at = |came| location("https://api.example/base", "https://api.example/base/forms", came);
        assert_eq!(at("/base/forms/2"), "/proxy/forms/2");
        assert_eq!(at("/login"), "https://api.example/login");
        assert_eq!(at("/basement/x"), "https://api.example/basement/x");
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
}
