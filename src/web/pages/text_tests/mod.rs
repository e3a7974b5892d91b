//! Renders every error page and every state of the other pages, and checks that text and action fit.

mod connection;
mod errors;
mod others;

use time::{OffsetDateTime, macros::datetime};

use crate::{
    vault::{Cause, EmailProof, Identity, ProviderMessage, RefreshFailure},
    web::pages::layout::{CurrentPage, Layout, NavVisitor},
};

const NOW: OffsetDateTime = datetime!(2026-11-27 03:34 UTC);

/// Words that pages do not use.
const UNWANTED: [&str; 13] = [
    "mend",
    "shall",
    "begun",
    "lives",
    "lived",
    "any more",
    "no more",
    " pair",
    "If it stays",
    "start page",
    "in place of",
    "as whom",
    "makes no sense",
];

fn layout() -> Layout {
    let visitor = NavVisitor::LoggedIn(Some("ada@example.com".to_owned()));
    Layout::new(visitor, CurrentPage::Other)
}

fn failure(cause: Cause) -> RefreshFailure {
    let text = "Unknown or invalid refresh token.".to_owned();
    let message = ProviderMessage { status: Some(403), code: Some("invalid_grant".to_owned()), text };
    RefreshFailure { cause, since: NOW, failures: 1, retry_at: None, message, by: "process".to_owned() }
}

fn identity() -> Identity {
    Identity {
        user_id: Some("be32932f".to_owned()),
        sub: Some("auth0|1".to_owned()),
        iss: None,
        email: Some("eve@example.com".to_owned()),
        email_proof: EmailProof::No,
        name: Some("Eve <b>".to_owned()),
    }
}

/// Checks what every page must have: one heading, at most one primary action, and clean text.
fn check(name: &str, html: &str) {
    let (_, main) = html.split_once("<main>").expect("a page has a main part");
    assert_eq!(main.matches("<h1>").count(), 1, "{name}: one heading");
    // A page of a working connection in keep mode, or a page with a refresh button, needs no primary action.
    let least = usize::from(!html.contains("Connected</h2>") && !html.contains("Refresh now"));
    let primary = primary_actions(main);
    assert!((least..=1).contains(&primary), "{name}: {primary} primary actions in {main}");
    assert!(html.contains("VideoAsk"), "{name}");
    assert!(!html.contains('`') && !html.contains("&#96;"), "{name}: a literal backtick in {main}");
    assert_eq!(bare_code(main), [""; 0], "{name}: names of variables and commands are code");
    let text = text_of(main);
    for wrong in ["..", ".:", "  ", " . ", " .\n", " ,", "??", "()", "\"\""] {
        assert!(!text.contains(wrong), "{name}: {wrong:?} in {text}");
    }
    for unwanted in UNWANTED {
        assert!(!text.contains(unwanted), "{name}: {unwanted:?} in {text}");
    }
}

/// Names of variables and commands that are not marked as code. The labels of copy buttons for screen readers are left
/// out.
fn bare_code(main: &str) -> Vec<&str> {
    let mut code = false;
    let mut found = Vec::new();
    for piece in main.split('<') {
        let Some((tag, text)) = piece.split_once('>') else { continue };
        match tag.split(' ').next().unwrap_or_default() {
            "code" | "pre" | "button" => code = true,
            "/code" | "/pre" | "/button" => code = false,
            _ => {}
        }
        let is_variable = |word: &str| word.contains('_') && !word.contains(char::is_lowercase);
        let is_code = |word: &&str| is_variable(word) || *word == "videoask-auth";
        found.extend(text.split_whitespace().filter(|_| !code).filter(is_code));
    }
    found
}

/// The number of buttons and links that look like the primary action.
fn primary_actions(main: &str) -> usize {
    let classes = main.split("class=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    classes.filter(|(class, _)| class.split(' ').any(|name| name == "primary")).count()
}

/// The visible text, with each run of white space as one space.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    for (index, piece) in html.split('<').enumerate() {
        let inline = ["code>", "/code>", "em>", "/em>", "strong>", "/strong>", "a ", "/a>", "time ", "/time>"];
        let (tag, rest) = if index == 0 { ("", piece) } else { piece.split_once('>').unwrap_or(("", piece)) };
        if !inline.iter().any(|name| piece.starts_with(name)) && !tag.is_empty() {
            text.push('\n');
        }
        text.push_str(rest);
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").replace("&#39;", "'").replace("&#34;", "\"")
}
