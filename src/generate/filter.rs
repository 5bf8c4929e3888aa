//! What happens on a connection or a call between a listener and a cluster: filters, access logs, traces.
//!
//! Comes in: plain values that a recipe holds. Goes out: Envoy's filters, in the order in which istiod puts them.
//! What is the same for all listeners of a class of proxies is gathered in one value ([`BytesSettings`],
//! [`CallSettings`]), so that a recipe holds it as a handle.
//!
//! Invariant: which filters a proxy lacks was decided before; everything in a value is built.
//! Absent: filters of users: those of EnvoyFilters (`patch`), and Wasm, which later issues add.

mod access;
mod access_log;
mod bytes;
mod calls;
mod http;
mod log_service;
mod manager;
mod messages;
mod peer;
mod standard;
mod stats;
mod tokens;
mod tracer;
mod tracing;
mod typed;

pub use access::{Access, Ask, Judge, Knowledge, Request, Statement, Verdict};
pub use access_log::{AccessLog, FileSink, LogFormat, LogSink};
pub use bytes::{Bytes, BytesSettings, Destination, Protocol, SniResolution, TcpProxy, Tunnel};
pub use calls::{CallSettings, Calls, ClientCertificate, Routes, ServerHeader};
pub use http::HttpFilter;
pub use log_service::{Backend, GrpcSink, OtelSink};
pub use messages::RUNTIME as WASM_RUNTIME;
pub use peer::Introduction;
pub use standard::{Called, Fact, Own, Standard};
pub use stats::{MetricChange, Stats};
pub use tokens::Tokens;
pub use tracer::{OtelExport, OtelTracer, Posts, Sampler, Tracer, ZipkinTracer};
pub use tracing::{Tag, TagValue, Tracing};

pub(crate) use bytes::exchange as metadata_exchange;
