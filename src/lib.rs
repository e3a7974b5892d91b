//! Mint a VideoAsk token pair in the browser, keep it fresh, use it from anywhere.
//!
//! A tour of the modules. Each one imports only from those below it; `tests/layers.rs` enforces that, and
//! `docs/architecture.md` draws it.
//!
//! - [`cli`]: the commands, one file each. Every command loads its configuration, does one job and ends with an exit
//!   code that a script can rely on.
//! - [`app`]: builds everything from a [`Config`](config::Config), once, and serves it until it is told to stop.
//! - [`web`]: the axum router: login, pages, the machine API and the proxy to VideoAsk.
//! - [`notify`]: tells `NOTIFY_URL` when a connection needs a person.
//! - [`login`]: the steps of a login, for the browser and for the terminal.
//! - [`videoask`]: calls VideoAsk's API with a token from the vault, and replaces a token that VideoAsk rejects.
//! - [`api_key`]: the keys of programs, and what each of them may do.
//! - [`vault`]: keeps each connection's tokens and sends each refresh token exactly once. `docs/vault.md` has its rules.
//! - [`store`]: rows in SQLite or Redis, changed by compare-and-swap. It never sees a plaintext token.
//! - [`keys`]: derives keys from `EXPRESS_SESSION`; encrypts, decrypts and authenticates with them.
//! - [`provider`]: the OAuth client of VideoAsk's authorization server, and the verification of its id_tokens.
//! - [`http`]: builds every HTTP client, so that timeouts, TLS and proxies are set in one place.
//! - [`telemetry`]: logs and metrics, and the rules for foreign text in them.
//! - [`config`]: reads the environment and the env file, and reports every problem at once.
//! - [`clock`]: the time, which tests advance by hand.
//! - `html`: text from outside as HTML.
//! - `times`: times and lengths of time in words, for pages and commands.

#![warn(unreachable_pub)]

pub mod api_key;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
mod html;
pub mod http;
pub mod keys;
pub mod login;
pub mod notify;
pub mod provider;
pub mod store;
pub mod telemetry;
mod times;
pub mod vault;
pub mod videoask;
pub mod web;
