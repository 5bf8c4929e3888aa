//! ADS as an HTTP service.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderValue, Method, Request, Response, header};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::base::Str;

use super::address::Address;
use super::body::Body;
use super::connections::Connections;
use super::directory::{Directory, Metrics};
use super::incoming::{Incoming, Requests};
use super::limit::{Limiter, Rate};
use super::request::Face;
use super::stream::{self, Ends};

/// How many chunks of a response wait for the transport: with 32 kB each, what a slow reader holds back.
const CHUNKS_AHEAD: usize = 2;

/// Settings of delivery.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest request in bytes (`ISTIO_GPRC_MAXRECVMSGSIZE`, 4 MiB).
    pub max_request: usize,
    /// How long responses wait for an answer that they should come after. Envoy answers for clusters when all of them
    /// are warm, which one of them may never be.
    pub patience: Duration,
    /// How long a client may take no bytes of a response.
    pub write_timeout: Duration,
    /// How many streams begin per second.
    pub rate: Rate,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_request: 4 * 1024 * 1024,
            patience: Duration::from_secs(1),
            write_timeout: Duration::from_secs(60),
            rate: Rate::automatic(1),
        }
    }
}

/// What all streams share.
pub(super) struct Shared<D> {
    pub(super) directory: D,
    pub(super) metrics: Arc<dyn Metrics>,
    pub(super) connections: Arc<Connections>,
    pub(super) options: Options,
    pub(super) limiter: Limiter,
    /// Tells the runs of the control plane apart.
    pub(super) epoch: Str,
}

/// `envoy.service.discovery.v3.AggregatedDiscoveryService`.
pub struct Service<D> {
    shared: Arc<Shared<D>>,
}

impl<D> Clone for Service<D> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<D: Directory> Service<D> {
    /// The service over a directory.
    pub fn new(directory: D, metrics: Arc<dyn Metrics>, options: Options) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let shared = Shared {
            directory,
            metrics,
            connections: Arc::default(),
            limiter: Limiter::new(options.rate),
            options,
            epoch: format!("{:x}", since.as_millis()).into(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The streams that are open.
    pub fn connections(&self) -> Arc<Connections> {
        self.shared.connections.clone()
    }

    /// Answers a request of gRPC over HTTP/2. A stream ends when `closing` is cancelled, its client leaves, or the
    /// directory drops its publications.
    pub fn call<B>(&self, request: Request<B>, address: Address, closing: CancellationToken) -> Response<Body>
    where
        B: Incoming,
    {
        let face = match request.uri().path() {
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources" => Face::Delta,
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources" => Face::Sotw,
            path => return Status::unimplemented(format!("no such method: {path}")).into_http(),
        };
        let content = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        if request.method() != Method::POST || !content.starts_with(b"application/grpc") {
            let mut refusal = Response::new(Body::default());
            *refusal.status_mut() = http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return refusal;
        }
        let requests = Requests::new(face, request.into_body(), self.shared.options.max_request);
        let (pieces, received) = mpsc::channel(CHUNKS_AHEAD);
        let ends = Ends { face, address, requests, pieces, closing };
        tokio::spawn(Box::pin(stream::serve(self.shared.clone(), ends)));
        let mut response = Response::new(Body::new(received));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        response
    }
}
