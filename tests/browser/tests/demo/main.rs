//! The demo in a real browser.

mod accessibility;
#[expect(dead_code, reason = "the tests of the program use more of it")]
#[path = "../../../support/documents.rs"]
mod documents;
mod every_page;
mod journeys;
mod keyboard;
mod language;
mod layout;
mod login;
mod refreshing;
mod scripts;
mod snippets;
mod style_rules;
mod without_scripts;
