//! What is asked of the API server to read it: the bytes of its answers, as they come.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use serde::Deserialize;

use super::connection::{Connection, PATIENCE, causes};

/// A page may not be larger.
const LARGEST: usize = 256 << 20;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    /// The server is not there, or breaks off: it may come back.
    #[error("{0}")]
    Unreachable(String),
    /// The server says no.
    #[error("{code}: {message}")]
    Refused {
        /// The status of HTTP.
        code: u16,
        /// Kubernetes' word for the reason.
        reason: String,
        /// Kubernetes' sentence.
        message: String,
    },
}

/// How the API server says no.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) code: u16,
    pub(super) reason: String,
    pub(super) message: String,
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Refused { code: status.code, reason: status.reason, message: status.message }
    }
}

impl Error {
    /// The status of HTTP, 0 without an answer.
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::Unreachable(_) => 0,
            Self::Refused { code, .. } => *code,
        }
    }
}

/// An answer as a whole.
pub(super) struct Answer {
    /// Its content type.
    pub(super) kind: Option<HeaderValue>,
    /// What it is told from others by, if it says so.
    pub(super) tag: Option<HeaderValue>,
    pub(super) body: Bytes,
}

/// The API server.
pub(super) struct Client(Connection);

impl Client {
    pub(super) fn new(connection: Connection) -> Self {
        Self(connection)
    }

    /// Where the server is.
    pub(super) fn server(&self) -> &Uri {
        self.0.server()
    }

    /// The answer to a GET of a path with its query, if it is a good one. Its body is still to come.
    pub(super) async fn get(&self, path: &str, accept: &'static str) -> Result<Response<Body>, Error> {
        self.get_unless(path, accept, None).await
    }

    /// The same; an answer that is still the one with this tag is refused, with 304.
    async fn get_unless(
        &self,
        path: &str,
        accept: &'static str,
        tag: Option<&HeaderValue>,
    ) -> Result<Response<Body>, Error> {
        let mut request = Request::get(path).header(ACCEPT, accept);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let request = request.body(Body::empty()).map_err(|e| Error::Unreachable(format!("{path}: {e}")))?;
        let answer = self.0.client().send(request).await.map_err(|error| match error {
            kube::Error::Service(error) => Error::Unreachable(causes(&*error)),
            error => Error::Unreachable(causes(&error)),
        })?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => Err(refusal(status, answer).await),
        }
    }

    /// The whole answer, unless it is still the one with this tag (304).
    pub(super) async fn read(
        &self,
        path: &str,
        accept: &'static str,
        tag: Option<&HeaderValue>,
    ) -> Result<Answer, Error> {
        let (parts, body) = self.get_unless(path, accept, tag).await?.into_parts();
        let body = Limited::new(body, LARGEST).collect();
        let body = tokio::time::timeout(PATIENCE, body).await;
        let body = body.map_err(|_| Error::Unreachable("the answer does not end".to_owned()))?;
        let body = body.map_err(|e| Error::Unreachable(e.to_string()))?.to_bytes();
        let header = |name| parts.headers.get(name).cloned();
        Ok(Answer { kind: header(CONTENT_TYPE), tag: header(ETAG), body })
    }
}

/// Kubernetes' own words, if the answer has them.
async fn refusal(status: StatusCode, answer: Response<Body>) -> Error {
    let body = Limited::new(answer.into_body(), 1 << 20).collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let said: Status = serde_json::from_slice(&body).unwrap_or_default();
    let message = if said.message.is_empty() { String::from_utf8_lossy(&body).trim().to_owned() } else { said.message };
    Error::Refused { code: status.as_u16(), reason: said.reason, message }
}
