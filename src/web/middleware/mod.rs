//! What a request passes on its way to a handler, and its response on the way back.

pub(crate) mod compression;
pub(crate) mod cookie_header;
pub(crate) mod panic;
pub(crate) mod same_origin;
pub(crate) mod security_headers;
pub(crate) mod trace;
