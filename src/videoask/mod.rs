//! Calls to VideoAsk's API: with a given access token, or as the user of a connection with the vault's.
//!
//! * [`Api`] – single calls with a given token
//! * `Account` – the same as the user of a connection; after a 401 one forced refresh and one retry
//! * `Gateway` – any request as such a user, streamed both ways, by the same rule
//! * `replacement_token` – the token for the retry after a 401, for both
//! * `path` – which paths of the API other programs may ask for
//! * [`Me`] – whose token it is
//! * `Forms`, `Form` – the account's forms, a page at a time
//! * `Pages`, [`Page`] – any list to its end, even if its links are wrong
//! * [`ApiError`], `AccountError`, `GatewayError` – why a call failed; a 401 is recognised by its status, never by its
//!   text

mod account;
mod api;
mod error;
mod forms;
mod gateway;
mod me;
mod pages;
pub(crate) mod path;
mod replacement_token;

pub(crate) use self::{
    account::{Account, AccountError},
    forms::{Form, Forms},
    gateway::{Broken, Download, Gateway, GatewayError, RequestBody, UpstreamRequest, UpstreamResponse},
    pages::{Pages, PagesError},
    path::AmbiguousPath,
};
pub use self::{api::Api, error::ApiError, me::Me, pages::Page};
