//! Pages for people.

pub(crate) mod actions;
pub(crate) mod api_access;
pub(crate) mod banner;
pub(crate) mod claims;
pub(crate) mod error;
pub(crate) mod explain;
pub(crate) mod forms;
pub(crate) mod home;
pub(crate) mod line;
pub(crate) mod outside_text;
pub(crate) mod prose;
pub(crate) mod snippets;
pub(crate) mod status_card;
pub(crate) mod templates;
#[cfg(test)]
mod texts;
pub(crate) mod timeline;
pub(crate) mod times;
pub(crate) mod tokens;
