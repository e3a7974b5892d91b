//! The demo in a real browser: what a person sees, and what a browser would complain of.

mod accessibility;
#[expect(dead_code, reason = "the tests of the program use more of it")]
#[path = "../../../support/documents.rs"]
mod documents;
mod language;
mod layout;
mod login;
mod refreshing;
mod scripts;
mod snippets;
mod without_scripts;
