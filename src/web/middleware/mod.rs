//! The layers between the server and the handlers.

pub(crate) mod browser;
pub(crate) mod compression;
pub(crate) mod cookie_header;
pub(crate) mod panic;
pub(crate) mod same_origin;
pub(crate) mod security_headers;
pub(crate) mod trace;
