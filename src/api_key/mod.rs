//! API keys: what a key looks like, what it may do, and which key a request carries.
//!
//! A key is an element of `API_KEY`, with all rights, or made by `key add` and stored: its SHA-256, and its rights in a
//! blob that is encrypted by a key from `EXPRESS_SESSION`. So neither reading nor writing the store gives a key.

mod authenticator;
mod format;
mod name;
mod rights;
mod stored;

pub use self::{
    authenticator::{AuthenticationError, Authenticator, Caller},
    format::KeyHash,
    name::{KeyName, NameError},
    rights::{Access, Decision, Method, MethodError, PathError, PathPrefix, Request, Rights, TokenAccess, Uncovered},
    stored::{Contents, KeyCount, ListedKey, NewKey, StoredKeys, Unreadable},
};
