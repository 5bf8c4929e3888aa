//! Asks a Prometheus: one instant query at a time, in clear text or over TLS.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use tokio::sync::OnceCell;

use crate::page::Answer;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How large it may be: a row is some 300 bytes.
const SIZE: usize = 32 << 20;

/// Where a Prometheus is, and how it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `--prometheusAddr`: with `https://` over TLS, in clear text otherwise.
    pub address: String,
    /// `--prometheusCA`: who has to vouch for it; those that the system trusts if absent.
    pub ca: Option<PathBuf>,
    /// `--prometheusTokenFile`: what is sent as a bearer token.
    pub token: Option<PathBuf>,
}

/// A Prometheus.
pub(super) struct Prometheus {
    place: Place,
    /// Made when it is needed first, and tried again where a file was missing.
    client: OnceCell<Http>,
}

type Http = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

impl Prometheus {
    pub(super) fn new(place: Place) -> Self {
        Self { place, client: OnceCell::new() }
    }

    /// Where it is.
    pub(super) fn address(&self) -> &str {
        &self.place.address
    }

    /// Asks several queries at once.
    ///
    /// # Errors
    /// A sentence that says why there is no answer.
    pub(super) async fn ask<const N: usize>(&self, queries: [&str; N]) -> Result<[Answer; N], String> {
        let client = self.client.get_or_try_init(async || connect(&self.place)).await?;
        let token = self.token().await?;
        let mut asked = Vec::with_capacity(N);
        for query in queries {
            asked.push(tokio::spawn(one(client.clone(), url(&self.place.address, query), token.clone())));
        }
        let mut answers = Vec::with_capacity(N);
        for answer in asked {
            answers.push(answer.await.map_err(|e| e.to_string())??);
        }
        answers.try_into().map_err(|_| "as many answers as queries".to_owned())
    }

    /// The header for the token, which may have been replaced in its file.
    async fn token(&self) -> Result<Option<HeaderValue>, String> {
        let Some(path) = &self.place.token else { return Ok(None) };
        let wrong = |why: &dyn std::fmt::Display| format!("--prometheusTokenFile {}: {why}", path.display());
        let token = tokio::fs::read_to_string(path).await.map_err(|e| wrong(&e))?;
        let header = HeaderValue::try_from(format!("Bearer {}", token.trim()));
        let mut header = header.map_err(|_| wrong(&"the token has bytes that none has"))?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

/// A way there. TLS is `kube`'s, which reads the CA's file again when that is replaced.
fn connect(place: &Place) -> Result<Http, String> {
    let mut config = kube::Config::new(Uri::default());
    config.root_cert_file.clone_from(&place.ca);
    // With a CA of its own, whether the system trusts anybody does not matter.
    config.root_cert = place.ca.is_some().then(Vec::new);
    let tls = config.rustls_client_config().map_err(|e| match &place.ca {
        Some(ca) => format!("--prometheusCA {}: {}", ca.display(), causes(&e)),
        None => format!("this system trusts nobody ({}): give --prometheusCA FILE", causes(&e)),
    })?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

async fn one(client: Http, url: String, token: Option<HeaderValue>) -> Result<Answer, String> {
    let asked = async {
        let mut request =
            Request::get(&url).body(Empty::<Bytes>::new()).map_err(|e| format!("{url} is no address: {e}"))?;
        request.headers_mut().extend(token.map(|token| (AUTHORIZATION, token)));
        let answer = client.request(request).await.map_err(|e| format!("it cannot be reached: {}", causes(&e)))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), SIZE).collect().await;
        let body = body.map_err(|e| format!("its answer broke off: {e}"))?.to_bytes();
        match serde_json::from_slice::<Answer>(&body) {
            Ok(Answer { error: Some(error), .. }) => Err(format!("it says: {error}")),
            Ok(answer) if status.is_success() => Ok(answer),
            _ if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Err(format!("it answered {status}: it wants to know who asks; give --prometheusTokenFile FILE"))
            }
            _ => Err(format!("it answered {status}, and not as Prometheus does")),
        }
    };
    let late = |_| format!("it did not answer in {} s", TIMEOUT.as_secs());
    tokio::time::timeout(TIMEOUT, asked).await.map_err(late)?
}

fn url(address: &str, query: &str) -> String {
    let base = address.trim_end_matches('/');
    let scheme = if base.contains("://") { "" } else { "http://" };
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
    format!("{scheme}{base}/api/v1/query?{query}")
}

/// An error with what it came from: the last cause is what a person can mend. Some errors say what theirs was themselves.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What is answered, or why not, by a server that says `reply` to everything; and what it was asked.
    async fn asked_of(reply: &'static str, mut place: Place) -> (Result<[Answer; 1], String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        place.address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (Prometheus::new(place).ask(["up"]).await, server.await.unwrap())
    }

    async fn asked(reply: &'static str) -> Result<[Answer; 1], String> {
        asked_of(reply, Place::default()).await.0
    }

    async fn wrong(place: Place) -> String {
        Prometheus::new(place).ask(["up"]).await.unwrap_err()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Failure {
        said: &'static str,
        source: io::Error,
    }

    #[test]
    fn a_cause_is_told_once() {
        let of = |said| causes(&Failure { said, source: io::Error::other("no file") });
        assert_eq!([of("no CA"), of("no CA: no file")], ["no CA: no file"; 2]);
    }

    #[test]
    fn an_address_may_be_short_or_have_a_path() {
        assert_eq!(url("p:9090", "a{b=\"c\"}"), "http://p:9090/api/v1/query?query=a%7Bb%3D%22c%22%7D");
        assert_eq!(url("http://p/prom/", "up"), "http://p/prom/api/v1/query?query=up");
        assert_eq!(url("https://p", "up"), "https://p/api/v1/query?query=up");
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_plainly() {
        assert!(asked("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.is_ok());
        let wrong_query =
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 42\r\n\r\n{\"status\":\"error\",\"error\":\"no such query\"}";
        assert_eq!(asked(wrong_query).await.unwrap_err(), "it says: no such query");
        let other = "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\noops";
        assert_eq!(asked(other).await.unwrap_err(), "it answered 404 Not Found, and not as Prometheus does");
        let shy = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 12\r\n\r\nUnauthorized";
        assert!(asked(shy).await.unwrap_err().ends_with("give --prometheusTokenFile FILE"));
        let nobody = wrong(Place { address: "127.0.0.1:1".to_owned(), ..Place::default() }).await;
        assert!(nobody.starts_with("it cannot be reached: ") && nobody.contains("refused"), "{nobody}");
    }

    #[tokio::test]
    async fn a_token_goes_along_as_its_file_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let token = Some(folder.path().join("token"));
        let place = Place { token, ..Place::default() };
        let none = wrong(place.clone()).await;
        assert!(none.starts_with("--prometheusTokenFile ") && none.contains("No such file"), "{none}");
        std::fs::write(folder.path().join("token"), "abc\n").unwrap();
        let (answer, request) = asked_of("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", place).await;
        assert!(answer.is_ok() && request.contains("authorization: Bearer abc\r\n"), "{request}");
    }

    #[tokio::test]
    async fn a_ca_that_is_none_is_named() {
        let place = |ca: &str| Place { address: "https://127.0.0.1:1".to_owned(), ca: Some(ca.into()), token: None };
        let missing = wrong(place("/nowhere/ca.crt")).await;
        assert!(
            missing.starts_with("--prometheusCA /nowhere/ca.crt: ") && missing.contains("No such file"),
            "{missing}"
        );
        let empty = wrong(place("/dev/null")).await;
        assert!(empty.starts_with("--prometheusCA /dev/null: "), "{empty}");
    }
}
