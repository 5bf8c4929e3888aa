//! `mizzen request`: asks a control plane that is running on this machine.
//!
//! istioctl's bug report runs exactly this inside the pod, as `pilot-discovery request GET /debug/syncz`.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::config::RequestArgs;

/// How long an answer may take, as in istiod: a dump of a large mesh takes a while.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The body of the answer.
///
/// # Errors
/// When there is no answer, or one that says that the request failed. A page that is not found is an answer, as in
/// istiod: its text tells what is missing.
pub async fn run(args: &RequestArgs) -> anyhow::Result<Bytes> {
    let method: Method = args.method.parse().with_context(|| format!("{:?} is no method of HTTP", args.method))?;
    let uri = format!("http://{}/{}", host(&args.address), args.path.trim_start_matches('/'));
    let request = Request::builder().method(method).uri(&uri).body(Empty::<Bytes>::new());
    let request = request.with_context(|| format!("{uri:?} is no address"))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let ask = async {
        let answer = client.request(request).await?;
        let status = answer.status();
        anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
    };
    let answered = tokio::time::timeout(TIMEOUT, ask).await;
    let answered = answered.with_context(|| format!("no answer from {uri} in {} s", TIMEOUT.as_secs()))?;
    let (status, body) = answered.with_context(|| format!("no answer from {uri}; is mizzen running there?"))?;
    if status.as_u16() >= 400 && status != StatusCode::NOT_FOUND {
        bail!("{uri} answered {status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(body)
}

/// An address that is listened on, as one to call: `:15014` is this machine.
fn host(address: &str) -> String {
    if address.starts_with(':') { format!("127.0.0.1{address}") } else { address.to_owned() }
}
