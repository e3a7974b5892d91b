//! Pages for people.

pub(crate) mod actions;
pub(crate) mod api_access;
pub(crate) mod confirmation;
pub(crate) mod error;
pub(crate) mod error_page;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod forms;
pub(crate) mod home;
mod identity;
pub(crate) mod layout;
mod link;
pub(crate) mod logged_in;
pub(crate) mod logout;
mod markup;
mod rich_text;
pub(crate) mod snippets;
mod status_card;
#[cfg(test)]
mod text_tests;
mod timeline;
mod times;
mod token_owner;
pub(crate) mod tokens;
