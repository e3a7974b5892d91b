//! Which page of a list comes next, even if the server's links are wrong.
//!
//! VideoAsk has lists of two shapes: `{"results": […], "next": link}`, and a bare array, which is paged by `offset`.
//! A link is followed by its query alone, and no page is asked for twice, so that reading ends and the token goes to no
//! other host. `count` is not read: it can change from page to page.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use url::{Url, form_urlencoded};

/// After this many pages in a row without a new object, the list counts as endless.
const MAX_REPEATED_PAGES: u32 = 20;
const OFFSET: &str = "offset";

/// Which part of a list: the query that asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page(String);

/// A list that is read page by page.
#[derive(Debug)]
pub(crate) struct Pages {
    next: Option<Page>,
    /// The page after the objects that were read last, by its offset.
    rest: Option<Page>,
    /// Hashes of the queries that were asked for.
    asked: HashSet<u64>,
    /// Hashes of the pages that had something.
    read: HashSet<u64>,
    repeated: u32,
}

/// Why the rest of a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PagesError {
    #[error("the response is not a list")]
    NotAList,
    /// Every page has a next one, but no new object.
    #[error("{MAX_REPEATED_PAGES} pages in a row had nothing new, and the list goes on")]
    Endless,
}

/// A response, in either shape.
struct List<'a> {
    objects: Vec<&'a RawValue>,
    link: Link,
}

enum Link {
    /// The list is a bare array, which has none.
    Unsupported,
    /// The list says that this is its last page.
    Last,
    /// It says that there is another one; nothing where the link has no query.
    Next(Option<Page>),
}

#[derive(Deserialize)]
struct LinkedList<'a> {
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
    #[serde(default)]
    next: Value,
}

impl Page {
    /// At most `limit`, after `offset`.
    #[must_use]
    pub fn new(limit: u32, offset: u32) -> Self {
        Self(format!("limit={limit}&offset={offset}"))
    }

    pub(crate) fn of_query(query: &str) -> Self {
        Self(query.to_owned())
    }

    /// The page that a link of VideoAsk's points at. Only its query is read: following the link itself
    /// would send the token wherever it points.
    pub(super) fn of_link(link: &Value) -> Option<Self> {
        let url = Url::parse(link.as_str()?).ok()?;
        url.query().map(Self::of_query)
    }

    /// The number of this name in the query.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        let mut pairs = form_urlencoded::parse(self.0.as_bytes());
        pairs.find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok())
    }

    /// The query; nothing where the first page is asked for without one.
    pub(crate) fn query(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|query| !query.is_empty())
    }

    /// The page that begins so many objects later. The rest of the query stays as it is.
    fn later_by(&self, objects: usize) -> Self {
        let is_other = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(OFFSET);
        let offset = u64::from(self.number(OFFSET).unwrap_or(0)).saturating_add(objects as u64);
        let pairs = self.0.split('&').filter(is_other).map(str::to_owned);
        Self(pairs.chain([format!("{OFFSET}={offset}")]).collect::<Vec<_>>().join("&"))
    }
}

impl Pages {
    /// The list from this page on.
    pub(crate) fn starting_at(first: Page) -> Self {
        Self { next: Some(first), rest: None, asked: HashSet::new(), read: HashSet::new(), repeated: 0 }
    }

    /// The page to ask for next; nothing when the list has been read.
    pub(crate) fn next_page(&self) -> Option<&Page> {
        self.next.as_ref()
    }

    /// Reads the body of that page. Returns its objects, each as JSON on one line.
    pub(crate) fn take(&mut self, body: &[u8]) -> Result<Vec<String>, PagesError> {
        let Some(page) = self.next.take() else { return Ok(Vec::new()) };
        let List { objects, link } = List::read(body).ok_or(PagesError::NotAList)?;
        self.asked.insert(hash(&page));
        let lines: Vec<String> = objects.into_iter().map(|object| on_one_line(object.get())).collect();
        // A server that ignores `offset` returns the same page again.
        let is_new = !lines.is_empty() && self.read.insert(hash(&lines));
        if is_new {
            (self.repeated, self.rest) = (0, Some(page.later_by(lines.len())));
        } else {
            self.repeated += 1;
        }
        self.next = match link {
            Link::Last => None,
            Link::Unsupported => self.rest.take().filter(|_| is_new),
            // A link to a page that was read already is not followed; the page at the next offset may still exist.
            Link::Next(linked) => linked.filter(|linked| self.is_unasked(linked)).or_else(|| self.rest.take()),
        }
        .filter(|next| self.is_unasked(next));
        match self.next {
            Some(_) if self.repeated >= MAX_REPEATED_PAGES => Err(PagesError::Endless),
            _ if is_new => Ok(lines),
            _ => Ok(Vec::new()),
        }
    }

    fn is_unasked(&self, page: &Page) -> bool {
        !self.asked.contains(&hash(page))
    }
}

impl<'a> List<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        if body.trim_ascii_start().starts_with(b"[") {
            return Some(Self { objects: serde_json::from_slice(body).ok()?, link: Link::Unsupported });
        }
        let LinkedList { results, next } = serde_json::from_slice(body).ok()?;
        let link = match next {
            Value::Null => Link::Last,
            link => Link::Next(Page::of_link(&link)),
        };
        Some(Self { objects: results, link })
    }
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// JSON without the white space between its tokens. Numbers and the order of fields stay as VideoAsk wrote them.
fn on_one_line(json: &str) -> String {
    let (mut line, mut in_string, mut escaped) = (String::with_capacity(json.len()), false, false);
    for character in json.chars() {
        if in_string || !character.is_ascii_whitespace() {
            line.push(character);
        }
        in_string ^= character == '"' && !escaped;
        escaped = in_string && character == '\\' && !escaped;
    }
    line
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Reads a list to its end from a server that answers queries, in at most 1,000 requests.
    fn read(first: &str, server: impl Fn(&Page) -> Value) -> (Vec<String>, Result<(), PagesError>) {
        let (mut pages, mut objects) = (Pages::starting_at(Page::of_query(first)), Vec::new());
        for _ in 0..1000 {
            let Some(page) = pages.next_page() else { return (objects, Ok(())) };
            match pages.take(server(page).to_string().as_bytes()) {
                Ok(page) => objects.extend(page),
                Err(error) => return (objects, Err(error)),
            }
        }
        panic!("it does not end");
    }

    fn range(page: &Page, limit: u32, total: u32) -> std::ops::Range<u32> {
        let start = page.number(OFFSET).unwrap_or(0).min(total);
        start..(start + page.number("limit").unwrap_or(limit)).min(total)
    }

    fn link(query: &str) -> Value {
        json!(format!("https://evil.example/elsewhere?{query}"))
    }

    #[test]
    fn a_bare_array_is_read_by_offset_until_a_page_is_empty() {
        for (first, total) in [("", 45), ("limit=7&x=a%20b", 45), ("limit=5", 45), ("", 0)] {
            let (objects, end) = read(first, |page| {
                assert!(first.is_empty() || page.query().is_some_and(|query| query.contains(first)), "{page:?}");
                range(page, 20, total).collect()
            });
            assert!(end.is_ok());
            assert_eq!(objects, (0..total).map(|n| n.to_string()).collect::<Vec<_>>(), "{first}");
        }
        assert_eq!(read("offset=40", |page| range(page, 20, 45).collect()).0.len(), 5);
    }

    #[test]
    fn a_page_that_repeats_is_read_once() {
        assert_eq!(read("", |_| json!([1, 2, 3])).0, ["1", "2", "3"]);
        assert_eq!(read("", |_| json!({"results": [1, 2], "next": link("offset=2")})).0, ["1", "2"]);
    }

    #[test]
    fn what_always_has_a_next_page_with_nothing_new_is_an_error() {
        let endless = |results: Value| {
            let next = |page: &Page| link(&format!("offset={}", page.number(OFFSET).unwrap_or(0) + 20));
            read("", |page| json!({"results": results, "next": next(page)}))
        };
        for (results, objects) in [(json!([]), 0), (json!([1, 2]), 2)] {
            let (read, end) = endless(results);
            assert!(matches!(end, Err(PagesError::Endless)) && read.len() == objects, "{read:?}");
        }
    }

    #[test]
    fn an_object_keeps_its_numbers_its_order_and_its_strings() {
        let mut pages = Pages::starting_at(Page::of_query(""));
        let body = b" [ {\"z\": 1.50e+3,\r\n \"a\" : \" \\\" \\\\\", \"n\": 12345678901234567890123 } ]";
        let lines = pages.take(body).expect("a list");
        assert_eq!(lines, [r#"{"z":1.50e+3,"a":" \" \\","n":12345678901234567890123}"#]);
    }

    #[test]
    fn what_is_no_list_is_told() {
        for body in ["", "{}", "{\"results\": {}}", "{\"detail\": \"x\"}", "<html>", "[1,", "\"x\"", "null"] {
            let mut pages = Pages::starting_at(Page::of_query(""));
            assert!(matches!(pages.take(body.as_bytes()), Err(PagesError::NotAList)), "{body}");
        }
    }

    /// How a server gets the link of a page wrong.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        None,
        ToSecond,
        ToItself,
        OverEmpty,
        /// It has no query, or is no URL.
        Unusable(&'static str),
    }

    fn fault() -> impl Strategy<Value = Fault> {
        prop_oneof![
            Just(Fault::None),
            Just(Fault::ToSecond),
            Just(Fault::ToItself),
            Just(Fault::OverEmpty),
            Just(Fault::Unusable("https://api.example/forms")),
            Just(Fault::Unusable("?")),
        ]
    }

    proptest! {
        #[test]
        fn whatever_the_links_say_reading_ends_and_loses_nothing(
            total in 0_u32..60,
            limit in 1_u32..20,
            faults in prop::collection::vec(fault(), 1..8),
        ) {
            let (objects, end) = read("status=a", |page| {
                let range = range(page, limit, total);
                let (start, end) = (range.start, range.end);
                let next = format!("limit={limit}&offset={end}");
                if page.number("gap").is_some() {
                    return json!({"count": 0, "results": [], "next": link(&format!("limit={limit}&offset={start}"))});
                }
                let next = match faults[start as usize % faults.len()] {
                    Fault::None => link(&next),
                    Fault::ToSecond => link(&format!("limit={limit}&offset={limit}")),
                    Fault::ToItself => link(page.query().unwrap_or_default()),
                    Fault::OverEmpty => link(&format!("{next}&gap=1")),
                    Fault::Unusable(link) => json!(link),
                };
                let next = if end < total { next } else { Value::Null };
                json!({"count": start, "next": next, "results": range.collect::<Vec<_>>()})
            });
            prop_assert!(end.is_ok());
            // A page whose link is wrong may be asked for by two queries, but its objects are given once.
            let unique: BTreeSet<u32> = objects.iter().map(|object| object.parse().expect("a number")).collect();
            prop_assert_eq!(unique.len(), objects.len());
            prop_assert_eq!(unique.len(), total as usize);
        }
    }
}
