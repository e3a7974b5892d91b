//! API keys: what a key looks like, what it may do, and which key a request carries.
//!
//! A key is an element of `API_KEY`, with all rights, or created by `key add` and stored: its SHA-256, and its rights,
//! encrypted by a key derived from `EXPRESS_SESSION`. So nobody gets a key by reading or writing the store.

mod authenticator;
mod format;
mod name;
mod rights;
mod stored;

pub(crate) use self::{
    authenticator::{AuthenticationError, Authenticator, Caller},
    format::KeyHash,
    rights::{Access, Decision, Request, Uncovered},
    stored::{KeyBody, KeyCount, ListedKey},
};
pub use self::{
    name::KeyName,
    rights::{Method, PathPrefix, Rights, TokenAccess},
    stored::{NewKey, StoredKeys},
};
