//! An HTTP application that calls the greeter when it is asked to, and passes the headers of traces on.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use mizzen::demo::load::Target;
use tokio::sync::OnceCell;
use tonic::transport::Channel;

use super::greeter::hello;
use crate::support::backend::Backend;
use crate::support::netns::Namespace;

/// What applications pass on, as Istio's documentation asks of them.
const PASSED_ON: [&str; 7] =
    ["x-request-id", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "traceparent"];

struct Desk {
    greeter: Target,
    channel: OnceCell<Channel>,
}

/// Starts it on port 8000 of `namespace`: `/greet` answers with the trace that reached the greeter, `/code/N` with
/// that status, `/headers` with the names of the headers that came, and everything else with `ok`.
pub(crate) fn serve(namespace: &Namespace, greeter: Target) -> Backend {
    let routes = axum::Router::new()
        .route("/greet", get(greet))
        .route("/code/{code}", get(code))
        .route("/headers", get(headers))
        .fallback(async || "ok")
        .with_state(Arc::new(Desk { greeter, channel: OnceCell::new() }));
    Backend::of_routes(namespace, 8000, routes)
}

async fn greet(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> (StatusCode, String) {
    let passed: Vec<(String, String)> = PASSED_ON
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.to_owned())))
        .collect();
    let connect = || async { desk.greeter.connect(&Arc::default()).await };
    let channel = match desk.channel.get_or_try_init(connect).await {
        Ok(channel) => channel.clone(),
        Err(error) => return (StatusCode::BAD_GATEWAY, error),
    };
    match hello(channel, &passed).await {
        Ok(trace) => (StatusCode::OK, trace),
        Err(status) => (StatusCode::BAD_GATEWAY, status.to_string()),
    }
}

async fn code(Path(code): Path<u16>) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
}

async fn headers(headers: HeaderMap) -> String {
    headers.keys().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
