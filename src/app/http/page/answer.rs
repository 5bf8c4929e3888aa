//! Answers with the headers that all of them have.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::base::Digest;
use crate::debug::json as resource;
use crate::page::assets::asset;

/// Only what is served here may be loaded, run and asked, and nobody may show the page inside theirs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (HeaderName::from_static("content-security-policy"), POLICY),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Kept, and asked about each time: an answer that is the same is not sent again.
    (CACHE_CONTROL, "no-cache"),
];

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("this proxy is not connected to this replica")]
    NoProxy,
    #[error("type has to be one of cds, eds, lds, rds, sds, ecds and nds")]
    NoType,
    #[error("the proxy does not hold this resource")]
    NoResource,
    #[error("there is no such service")]
    NoService,
    #[error("there is no such page")]
    NoPage,
    #[error("mizzen was not told where Prometheus is: --prometheusAddr, or MIZZEN_PROMETHEUS_ADDR")]
    NoPrometheus,
    #[error("the engine has stopped")]
    Stopped,
    #[error("this cannot be printed: {0}")]
    Print(String),
}

impl From<resource::Error> for Error {
    fn from(error: resource::Error) -> Self {
        Self::Print(error.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoType => StatusCode::BAD_REQUEST,
            Self::NoProxy | Self::NoResource | Self::NoService | Self::NoPage | Self::NoPrometheus => {
                StatusCode::NOT_FOUND
            }
            Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            Self::Print(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let text = json!({ "error": self.to_string() }).to_string();
        (status, HEADERS, [(CONTENT_TYPE, "application/json")], text).into_response()
    }
}

/// Makes and prints a value where it may take its time.
pub(super) async fn json<T: Serialize>(
    headers: &HeaderMap,
    make: impl FnOnce() -> T + Send + 'static,
) -> Result<Response, Error> {
    fallible(headers, || Ok(make())).await
}

/// The same of a value that may not be there.
pub(super) async fn fallible<T: Serialize>(
    headers: &HeaderMap,
    make: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<Response, Error> {
    let printed = move || serde_json::to_vec(&make()?).map_err(|e| Error::Print(e.to_string()));
    let text = blocking(printed).await??;
    let tag = format!("\"{}\"", Digest::of_bytes(&text));
    Ok(tagged(headers, "application/json", &tag, text))
}

/// A file of the page.
pub(super) fn file(name: &str, headers: &HeaderMap) -> Response {
    match asset(name) {
        Some(asset) => tagged(headers, asset.kind, &asset.tag, asset.text),
        None => Error::NoPage.into_response(),
    }
}

/// Work that would hold up others.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::Print(e.to_string()))
}

/// What has not changed since it was asked for last is not sent again.
fn tagged(headers: &HeaderMap, kind: &'static str, tag: &str, body: impl Into<Body>) -> Response {
    let tags = [(ETAG, tag.to_owned())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, HEADERS, tags).into_response();
    }
    (HEADERS, tags, [(CONTENT_TYPE, kind)], body.into()).into_response()
}
