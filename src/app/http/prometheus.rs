//! Asks a Prometheus: one instant query at a time, in clear text.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::page::Answer;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How large it may be: a row is some 300 bytes.
const SIZE: usize = 32 << 20;

/// Asks several queries at once.
///
/// # Errors
/// A sentence that says why there is no answer.
pub(super) async fn ask<const N: usize>(address: &str, queries: [&str; N]) -> Result<[Answer; N], String> {
    let mut asked = Vec::with_capacity(N);
    for query in queries {
        asked.push(tokio::spawn(one(url(address, query))));
    }
    let mut answers = Vec::with_capacity(N);
    for answer in asked {
        answers.push(answer.await.map_err(|e| e.to_string())??);
    }
    answers.try_into().map_err(|_| "as many answers as queries".to_owned())
}

async fn one(url: String) -> Result<Answer, String> {
    let asked = async {
        let request =
            Request::get(&url).body(Empty::<Bytes>::new()).map_err(|e| format!("{url} is no address: {e}"))?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await.map_err(|e| format!("it cannot be reached: {}", causes(&e)))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), SIZE).collect().await;
        let body = body.map_err(|e| format!("its answer broke off: {e}"))?.to_bytes();
        match serde_json::from_slice::<Answer>(&body) {
            Ok(Answer { error: Some(error), .. }) => Err(format!("it says: {error}")),
            Ok(answer) if status.is_success() => Ok(answer),
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

/// An error with what it came from: the last cause is what a person can mend.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What is answered, or why not, by a server that says `reply` to everything.
    async fn asked(reply: &'static str) -> Result<[Answer; 1], String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(reply.as_bytes()).await.unwrap();
        });
        ask(&address.to_string(), ["up"]).await
    }

    #[test]
    fn an_address_may_be_short_or_have_a_path() {
        assert_eq!(url("p:9090", "a{b=\"c\"}"), "http://p:9090/api/v1/query?query=a%7Bb%3D%22c%22%7D");
        assert_eq!(url("http://p/prom/", "up"), "http://p/prom/api/v1/query?query=up");
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_plainly() {
        assert!(asked("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.is_ok());
        let wrong =
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 42\r\n\r\n{\"status\":\"error\",\"error\":\"no such query\"}";
        assert_eq!(asked(wrong).await.unwrap_err(), "it says: no such query");
        let other = "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\noops";
        assert_eq!(asked(other).await.unwrap_err(), "it answered 404 Not Found, and not as Prometheus does");
        let nobody = ask("127.0.0.1:1", ["up"]).await.unwrap_err();
        assert!(nobody.starts_with("it cannot be reached: ") && nobody.contains("refused"), "{nobody}");
    }
}
