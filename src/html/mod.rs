//! Text in HTML: characters that could mislead a reader replaced, and markup escaped.

pub(crate) mod escaped;
pub(crate) mod sanitize;
