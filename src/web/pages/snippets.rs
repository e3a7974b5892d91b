//! Small programs that list the account's forms. They read the token or key from a variable or a file, and never
//! contain it.
//!
//! Each is a complete program in a file in `templates/snippets/`, with two placeholders to replace. `tests/browser`
//! runs what the page shows.

use url::Url;

use crate::web::{
    pages::{api_access::ApiAccess, escaped::Escaped},
    state::AppState,
};

/// The programs of the token page. They depend only on the configuration.
#[derive(Debug)]
pub(crate) struct Snippets {
    /// Programs that access the API.
    pub(crate) access: Vec<Snippet>,
    /// Complete programs that refresh by themselves.
    pub(crate) refreshing: Vec<Snippet>,
}

impl Snippets {
    pub(crate) fn of(app: &AppState, api_access: &ApiAccess) -> Self {
        Self {
            access: snippets(&api_access.base_url(app), api_access.variable()),
            refreshing: refreshing_programs(&app.api_url, &app.auth_url),
        }
    }
}

/// A program that takes the token, or an API key, from its environment or a file.
#[derive(Debug)]
pub(crate) struct Snippet {
    pub(crate) id: String,
    pub(crate) language: &'static str,
    pub(crate) code: Escaped,
}

const BASE_URL: &str = "__BASE_URL__";
const API_URL: &str = "__API_URL__";
const AUTH_URL: &str = "__AUTH_URL__";
const VARIABLE: &str = "__VARIABLE__";

const PROGRAMS: [(&str, &str); 4] = [
    ("Shell", include_str!("../../../templates/snippets/forms.sh")),
    ("Python", include_str!("../../../templates/snippets/forms.py")),
    ("Node", include_str!("../../../templates/snippets/forms.mjs")),
    ("Rust", include_str!("../../../templates/snippets/forms.rs")),
];

const REFRESHING: [(&str, &str); 2] = [
    ("Python", include_str!("../../../templates/snippets/refresh.py")),
    ("Node", include_str!("../../../templates/snippets/refresh.mjs")),
];

/// Programs for a person who has the refresh token. They refresh by themselves, and save the new tokens before they use
/// them.
fn refreshing_programs(api_url: &Url, auth_url: &Url) -> Vec<Snippet> {
    let text = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    let program = |(index, (language, code)): (usize, (&'static str, &str))| Snippet {
        id: format!("refreshing-{}", index + 1),
        language,
        code: Escaped::of(&code.replace(API_URL, &text(api_url)).replace(AUTH_URL, &text(auth_url))),
    };
    REFRESHING.into_iter().enumerate().map(program).collect()
}

/// One program for each language, which calls the API at `base_url` with the token or key in the environment variable.
fn snippets(base_url: &Url, variable: &str) -> Vec<Snippet> {
    let base_url = base_url.as_str().trim_end_matches('/');
    let program = |(index, (language, code)): (usize, (&'static str, &str))| Snippet {
        id: format!("snippet-{}", index + 1),
        language,
        code: Escaped::of(&code.replace(BASE_URL, base_url).replace(VARIABLE, variable)),
    };
    PROGRAMS.into_iter().enumerate().map(program).collect()
}
