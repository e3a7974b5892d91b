//! The demo in a real browser: what a person sees, and what a browser would complain of.

mod language;
mod layout;
mod login;
mod refreshing;
mod scripts;
mod snippets;
mod without_scripts;
