//! Small programs that list the account's forms. They read the token or key from a variable or a file, and never
//! contain it.
//!
//! Each is a complete program in a file in `templates/snippets/`, with two placeholders to replace. `tests/browser`
//! runs what the page shows.

use askama::Template;
use url::Url;

use crate::{
    html::escaped::Escaped,
    web::{pages::api_access::ApiAccess, state::AppState},
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
    /// Its code and the button that copies it, without the opening tag of the `<details>` that it is in.
    pub(crate) html: Escaped,
}

#[derive(Template)]
#[template(path = "tokens/program.html")]
struct Program<'a> {
    purpose: Purpose,
    id: &'a str,
    language: &'static str,
    code: &'a str,
}

/// What a program shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// How to access the API.
    Access,
    /// How to refresh.
    Refresh,
}

impl Snippet {
    pub(crate) fn new(purpose: Purpose, number: usize, language: &'static str, code: &str) -> Self {
        let id = match purpose {
            Purpose::Access => format!("snippet-{number}"),
            Purpose::Refresh => format!("refreshing-{number}"),
        };
        Self { html: Escaped::rendered(&Program { purpose, id: &id, language, code }) }
    }
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
    let (api_url, auth_url) = (without_slash(api_url), without_slash(auth_url));
    let fill = |code: &str| code.replace(API_URL, api_url).replace(AUTH_URL, auth_url);
    let programs = (1..).zip(REFRESHING);
    programs.map(|(number, (language, code))| Snippet::new(Purpose::Refresh, number, language, &fill(code))).collect()
}

/// One program for each language, which calls the API at `base_url` with the token or key in the environment variable.
fn snippets(base_url: &Url, variable: &str) -> Vec<Snippet> {
    let fill = |code: &str| code.replace(BASE_URL, without_slash(base_url)).replace(VARIABLE, variable);
    let programs = (1..).zip(PROGRAMS);
    programs.map(|(number, (language, code))| Snippet::new(Purpose::Access, number, language, &fill(code))).collect()
}

fn without_slash(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}
