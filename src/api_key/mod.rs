//! API keys: what a key looks like, what it may do, and which key a request carries.
//!
//! A key is an element of `API_KEY`, with all rights, or made by `key add` and stored: its SHA-256, and its rights in a
//! blob that is encrypted by a key from `EXPRESS_SESSION`. So neither reading nor writing the store gives a key.

mod authenticator;
mod format;
mod name;
mod rights;
mod stored;

pub(crate) use self::{
    authenticator::{AuthenticationError, Authenticator, Caller},
    format::KeyHash,
    rights::{Access, Decision, Request, Uncovered},
    stored::{Contents, KeyCount, ListedKey},
};
pub use self::{
    name::KeyName,
    rights::{Method, PathPrefix, Rights, TokenAccess},
    stored::{NewKey, StoredKeys},
};
