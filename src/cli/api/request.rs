use reqwest::{Method, header::HeaderMap};

use crate::cli::api::path::ApiPath;

/// A request, but for its body and for who sends it.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: ApiPath,
    pub(super) headers: HeaderMap,
}
