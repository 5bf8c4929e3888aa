//! Requests to the API server, all over one connection where it speaks HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;

use super::access::{Access, Credentials};
use super::pace::Pace;

/// How long the server may take to begin an answer; a list of a large kind takes it a while.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// After how long a silent connection is asked whether it is still there, and how long the answer may take: a
/// machine that vanished says nothing.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(10));
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
pub(super) struct Client {
    http: Http<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    server: Uri,
    credentials: Credentials,
    pace: Pace,
}

impl Client {
    pub(super) fn new(access: Access, pace: Pace) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(KEEPALIVE.0));
        let tls = HttpsConnectorBuilder::new().with_tls_config(access.tls).https_or_http();
        let connector = tls.enable_all_versions().wrap_connector(tcp);
        let mut http = Http::builder(TokioExecutor::new());
        http.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
        http.http2_keep_alive_interval(KEEPALIVE.0).http2_keep_alive_timeout(KEEPALIVE.1);
        http.http2_keep_alive_while_idle(true);
        // A list is read as it comes; one kind must not wait for another.
        http.http2_initial_stream_window_size(4 << 20).http2_initial_connection_window_size(64 << 20);
        let http = http.build(connector);
        Self { http, server: access.server, credentials: access.credentials, pace }
    }

    /// Where the server is.
    pub(super) fn server(&self) -> &Uri {
        &self.server
    }

    /// The answer to a GET of a path with its query, if it is a good one. Its body is still to come.
    pub(super) async fn get(&self, path: &str, accept: &'static str) -> Result<Response<Incoming>, Error> {
        self.get_unless(path, accept, None).await
    }

    /// The same; an answer that is still the one with this tag is refused, with 304.
    async fn get_unless(
        &self,
        path: &str,
        accept: &'static str,
        tag: Option<&HeaderValue>,
    ) -> Result<Response<Incoming>, Error> {
        self.pace.turn().await;
        let uri = format!("{}{path}", self.server.to_string().trim_end_matches('/'));
        let mut request = Request::get(&uri).header(ACCEPT, accept).header(USER_AGENT, "mizzen");
        if let Some(header) = self.credentials.header().await.map_err(Error::Unreachable)? {
            request = request.header(AUTHORIZATION, header);
        }
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let request = request.body(Empty::new()).map_err(|e| Error::Unreachable(format!("{uri}: {e}")))?;
        let answer = tokio::time::timeout(PATIENCE, self.http.request(request)).await;
        let answer = answer.map_err(|_| Error::Unreachable(format!("no answer in {} s", PATIENCE.as_secs())))?;
        let answer = answer.map_err(|e| Error::Unreachable(causes(&e)))?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => {
                if status == StatusCode::UNAUTHORIZED {
                    self.credentials.refused().await;
                }
                Err(refusal(status, answer).await)
            }
        }
    }

    /// The whole answer, unless it is still the one with this tag (304).
    pub(super) async fn read(
        &self,
        path: &str,
        accept: &'static str,
        tag: Option<&HeaderValue>,
    ) -> Result<Answer, Error> {
        let answer = self.get_unless(path, accept, tag).await?;
        let header = |name| answer.headers().get(name).cloned();
        let (kind, tag) = (header(CONTENT_TYPE), header(ETAG));
        let body = Limited::new(answer.into_body(), LARGEST).collect();
        let body = tokio::time::timeout(PATIENCE, body).await;
        let body = body.map_err(|_| Error::Unreachable("the answer does not end".to_owned()))?;
        let body = body.map_err(|e| Error::Unreachable(e.to_string()))?.to_bytes();
        Ok(Answer { kind, tag, body })
    }
}

/// Kubernetes' own words, if the answer has them.
async fn refusal(status: StatusCode, answer: Response<Incoming>) -> Error {
    let body = Limited::new(answer.into_body(), 1 << 20).collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let said: Status = serde_json::from_slice(&body).unwrap_or_default();
    let message = if said.message.is_empty() { String::from_utf8_lossy(&body).trim().to_owned() } else { said.message };
    Error::Refused { code: status.as_u16(), reason: said.reason, message }
}

/// An error and what is behind it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    text
}
