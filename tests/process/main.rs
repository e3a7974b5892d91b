//! The real program as its operator meets it: commands, exit codes, signals, logs, and what none of them may tell.

mod api;
mod backup;
mod canary;
mod checking;
mod command_line;
mod demo;
mod documents;
mod exec;
mod import;
mod keep;
mod keys;
mod login;
mod memory;
mod notifications;
mod oauth_clients;
mod proxy;
mod reference;
mod refusing_to_start;
mod remote;
mod reverse_proxies;
mod serving;
mod slow_requests;
mod stopping;
mod support;
mod systemd;
mod tls;
