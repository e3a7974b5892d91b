//! The app as a browser meets it, before a stand-in, both in this process and on real sockets.

mod arbitrary;
mod canary;
mod cookies;
mod identity;
mod keep;
mod login;
mod login_limits;
mod machine;
mod metrics;
mod notifications;
mod pages;
mod support;
