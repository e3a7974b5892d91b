//! Small programs that list the account's forms. They read the token from a variable and never contain it.

use url::Url;

use super::page::Snippet;

/// One program a language, for the API at `api`.
#[must_use]
pub fn snippets(api: &Url) -> Vec<Snippet> {
    let api = api.as_str().trim_end_matches('/');
    [("Shell", SHELL), ("Python", PYTHON), ("Node", NODE)]
        .map(|(language, code)| Snippet { language, code: code.replace("{api}", api) })
        .into()
}

const SHELL: &str = r#"curl --fail-with-body --silent --show-error \
  --header "Authorization: Bearer $VIDEOASK_ACCESS_TOKEN" \
  "{api}/forms?limit=20"
"#;

const PYTHON: &str = r#"import os
import requests

response = requests.get(
    "{api}/forms",
    headers={"Authorization": f"Bearer {os.environ['VIDEOASK_ACCESS_TOKEN']}"},
    params={"limit": 20},
    timeout=30,
)
response.raise_for_status()
for form in response.json()["results"]:
    print(form["title"])
"#;

const NODE: &str = r"const response = await fetch('{api}/forms?limit=20', {
  headers: { Authorization: `Bearer ${process.env.VIDEOASK_ACCESS_TOKEN}` },
  signal: AbortSignal.timeout(30_000),
});
if (!response.ok) throw new Error(`VideoAsk answered ${response.status}`);
const { results } = await response.json();
for (const form of results) console.log(form.title);
";
