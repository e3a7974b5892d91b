//! The provider and the API as they really answer, and as they should not: each test is a small server on
//! port 0 that gives one odd answer.

mod api;
mod arbitrary;
mod authorize;
mod check;
mod exchange;
mod id_token;
#[path = "../support/ports.rs"]
mod ports;
mod stub;
