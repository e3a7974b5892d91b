//! The static files, embedded in the binary under names that change with their content, so browsers may keep them.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest;

use crate::{
    html::escaped::Escaped,
    web::{
        middleware::compression,
        pages::error::{PageError, RequestError},
    },
};

const YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// The hashed paths, as pages link them.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) style: Escaped,
    /// Reveal, copy and countdown.
    pub(crate) script: Escaped,
    pub(crate) icon: Escaped,
}

const STYLE: Asset = Asset {
    stem: "style",
    extension: "css",
    media_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../../static/style.css"),
};
const SCRIPT: Asset = Asset {
    stem: "app",
    extension: "js",
    media_type: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../../static/app.js"),
};
const ICON: Asset = Asset {
    stem: "icon",
    extension: "svg",
    media_type: "image/svg+xml",
    bytes: include_bytes!("../../static/icon.svg"),
};
const FAVICON: &[u8] = include_bytes!("../../static/favicon.ico");

struct Asset {
    stem: &'static str,
    extension: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn name(&self) -> String {
        let digest = digest::digest(&digest::SHA256, self.bytes);
        let hash = BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9]);
        format!("{}.{hash}.{}", self.stem, self.extension)
    }
}

/// Each file, by the name that it is served under.
static NAMED: LazyLock<[(String, Asset); 3]> =
    LazyLock::new(|| [STYLE, SCRIPT, ICON].map(|asset| (asset.name(), asset)));

impl Assets {
    pub(crate) fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Assets> = LazyLock::new(|| {
            let path = |asset: &Asset| Escaped::of(&format!("/static/{}", asset.name()));
            Assets { style: path(&STYLE), script: path(&SCRIPT), icon: path(&ICON) }
        });
        &EMBEDDED
    }
}

pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/static/{name}", get(asset))
        .route(
            "/favicon.ico",
            get(async || {
                (
                    [(header::CACHE_CONTROL, DAY), (header::CONTENT_TYPE, HeaderValue::from_static("image/x-icon"))],
                    FAVICON,
                )
            }),
        )
        .route("/robots.txt", get(async || ([(header::CACHE_CONTROL, DAY)], "User-agent: *\nDisallow: /\n")))
        .layer(compression::of_embedded_files())
}

async fn asset(Path(name): Path<String>) -> Result<Response, PageError> {
    let (_, asset) =
        NAMED.iter().find(|(known, _)| *known == name).ok_or(PageError::Request(RequestError::NotFound))?;
    let headers = [(header::CACHE_CONTROL, YEAR), (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type))];
    Ok((StatusCode::OK, headers, asset.bytes).into_response())
}
