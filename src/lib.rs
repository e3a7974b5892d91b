//! Mint a VideoAsk token pair in the browser, keep it fresh, use it from anywhere.
//!
//! The tree is the table of contents. Imports run one way, from the top of this list to the bottom;
//! `docs/architecture.md` draws the structure.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod keys;
pub mod provider;
pub mod store;
pub mod telemetry;
pub mod vault;
pub mod videoask;
pub mod web;
