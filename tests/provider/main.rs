//! The clients of the provider and the API, with usual and unusual responses. They come from a small server of each
//! test.

mod api;
mod arbitrary;
mod authorize;
mod check;
mod exchange;
mod id_token;
#[path = "../support/ports.rs"]
mod ports;
mod stub;
