use std::str::FromStr;

use url::Url;

use crate::videoask::{AmbiguousPath, path};

/// A path below the API's root, with its query. It begins with a slash.
#[derive(Clone, Debug)]
pub(super) struct ApiPath {
    pub(super) path: String,
    pub(super) query: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum NotAPath {
    #[error("give the path alone, such as /forms: the token goes to VideoAsk's API and nowhere else")]
    Url,
    #[error("a path has no fragment: leave out the # and what follows, or write it as %23")]
    Fragment,
    #[error(
        "it could be read as another path: no segment may be `.`, `..` or empty (but the last one), and none may have a \
         backslash, a control character, or a dot or slash that is percent-encoded"
    )]
    Ambiguous(#[from] AmbiguousPath),
}

impl ApiPath {
    /// The URL at the API that `base` is the root of, with this query.
    pub(super) fn at(&self, base: &Url, query: Option<&str>) -> Result<Url, AmbiguousPath> {
        path::target(base, &self.path, query)
    }
}

impl FromStr for ApiPath {
    type Err = NotAPath;

    /// The slash at its start may be left out.
    fn from_str(text: &str) -> Result<Self, NotAPath> {
        if text.contains('#') {
            return Err(NotAPath::Fragment);
        }
        let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
        // What comes before a colon would be a scheme.
        if path.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err(NotAPath::Url);
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let path = Self { path, query: query.map(str::to_owned) };
        let any = Url::parse("https://api.videoask.com").map_err(|_| AmbiguousPath)?;
        path.at(&any, path.query.as_deref())?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_with_and_without_its_slash() {
        for text in ["/forms?limit=2", "forms?limit=2"] {
            let path: ApiPath = text.parse().expect("a path");
            assert_eq!((path.path.as_str(), path.query.as_deref()), ("/forms", Some("limit=2")));
        }
        for text in ["", "/", "?x=http://a/", "/a:b", "/forms/a b"] {
            assert!(text.parse::<ApiPath>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for text in [
            "https://api.videoask.com/forms",
            "http:forms",
            "//evil.example/",
            "/../x",
            "..",
            "a//b",
            "/%2e%2e/x",
            "/a\\b",
            "/a#b",
        ] {
            assert!(text.parse::<ApiPath>().is_err(), "{text}");
        }
    }
}
