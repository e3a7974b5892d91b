//! The app as browsers and programs use it. App and stand-in run in this process, on real sockets.

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
