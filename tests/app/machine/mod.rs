//! The routes for programs: tokens, connections, and VideoAsk's API through the proxy.

mod arbitrary_rights;
mod echo;
mod keys;
mod oauth;
mod odd_answers;
mod outage;
mod passing_on;
mod paths;
mod problems;
mod refusals;
mod refused_tokens;
mod rights;
mod streams;
mod tokens;
