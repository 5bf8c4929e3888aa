//! A collector of OpenTelemetry, as much of one as is needed to see what arrives: spans over gRPC and over HTTP, and log
//! records over gRPC.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use envoy_types::pb::opentelemetry::proto::common::v1::any_value::Value;
use envoy_types::pb::opentelemetry::proto::common::v1::{AnyValue, KeyValue};
use prost::Message;
use tonic_prost::ProstCodec;

use crate::support::netns::Namespace;

/// A span that arrived.
#[derive(Clone, Debug)]
pub(crate) struct SeenSpan {
    /// The header `x-tenant` of the post that brought it; `None` for gRPC.
    pub(crate) tenant: Option<String>,
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) trace: Vec<u8>,
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// A log record that arrived.
#[derive(Clone, Debug)]
pub(crate) struct SeenRecord {
    pub(crate) body: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

#[derive(Default)]
struct Desk {
    spans: Mutex<Vec<SeenSpan>>,
    records: Mutex<Vec<SeenRecord>>,
}

/// A running collector, for as long as the process lives.
pub(crate) struct Collector {
    desk: Arc<Desk>,
}

impl Collector {
    /// Starts it at the usual ports, 4317 for gRPC and 4318 for HTTP.
    pub(crate) fn start(namespace: &Namespace, address: Ipv4Addr) -> Collector {
        let desk = Arc::<Desk>::default();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let (place, state) = (namespace.place(), Arc::clone(&desk));
        std::thread::spawn(move || {
            place.enter().expect("root may enter it");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listen = async |port| tokio::net::TcpListener::bind((address, port)).await.expect("a port of ours");
                let (grpc, http) = (listen(4317).await, listen(4318).await);
                ready.send(()).expect("somebody waits");
                let routes = axum::Router::new().fallback(take).with_state(state);
                let serve = async |listener, routes| axum::serve(listener, routes).await;
                let (one, other) = tokio::join!(serve(grpc, routes.clone()), serve(http, routes));
                one.and(other).expect("a server");
            });
        });
        is_ready.recv().expect("the collector starts");
        Collector { desk }
    }

    pub(crate) fn spans(&self) -> Vec<SeenSpan> {
        self.desk.spans.lock().unwrap().clone()
    }

    pub(crate) fn records(&self) -> Vec<SeenRecord> {
        self.desk.records.lock().unwrap().clone()
    }
}

async fn take(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    match request.uri().path() {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => {
            let codec = ProstCodec::<Nothing, Traces>::default();
            let export = tower::service_fn(move |request: tonic::Request<Traces>| {
                desk.keep_spans(request.into_inner(), None);
                std::future::ready(Ok::<_, tonic::Status>(tonic::Response::new(Nothing {})))
            });
            tonic::server::Grpc::new(codec).unary(export, request).await.into_response()
        }
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => {
            let codec = ProstCodec::<Nothing, Logs>::default();
            let export = tower::service_fn(move |request: tonic::Request<Logs>| {
                desk.keep_records(request.into_inner());
                std::future::ready(Ok::<_, tonic::Status>(tonic::Response::new(Nothing {})))
            });
            tonic::server::Grpc::new(codec).unary(export, request).await.into_response()
        }
        "/v1/traces" => {
            let tenant = request.headers().get("x-tenant").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.expect("the body comes");
            match Traces::decode(body) {
                Ok(traces) => desk.keep_spans(traces, Some(tenant)),
                Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
            }
            StatusCode::OK.into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Desk {
    fn keep_spans(&self, traces: Traces, tenant: Option<String>) {
        for of_resource in traces.resource_spans {
            let resource = texts(&of_resource.resource.unwrap_or_default().attributes);
            let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.spans.lock().unwrap().extend(spans.map(|span| SeenSpan {
                tenant: tenant.clone(),
                resource: resource.clone(),
                trace: span.trace_id,
                name: span.name,
                attributes: texts(&span.attributes),
            }));
        }
    }

    fn keep_records(&self, logs: Logs) {
        let scopes = logs.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        let records = scopes.flat_map(|scope| scope.log_records);
        self.records.lock().unwrap().extend(records.map(|record| SeenRecord {
            body: record.body.as_ref().map(text).unwrap_or_default(),
            attributes: texts(&record.attributes),
        }));
    }
}

fn texts(list: &[KeyValue]) -> BTreeMap<String, String> {
    list.iter().map(|pair| (pair.key.clone(), pair.value.as_ref().map(text).unwrap_or_default())).collect()
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    }
}

/// An answer without anything in it.
#[derive(Clone, PartialEq, prost::Message)]
struct Nothing {}

/// `ExportTraceServiceRequest`, as far as it is looked at.
#[derive(Clone, PartialEq, prost::Message)]
struct Traces {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

/// `ExportLogsServiceRequest`, as far as it is looked at.
#[derive(Clone, PartialEq, prost::Message)]
struct Logs {
    #[prost(message, repeated, tag = "1")]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceLogs {
    #[prost(message, repeated, tag = "2")]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeLogs {
    #[prost(message, repeated, tag = "2")]
    log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LogRecord {
    #[prost(message, optional, tag = "5")]
    body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    attributes: Vec<KeyValue>,
}
