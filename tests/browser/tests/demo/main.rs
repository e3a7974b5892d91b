//! The demo in a real browser: what a person sees, and what a browser would complain of.

mod layout;
mod login;
mod scripts;
mod without_scripts;
