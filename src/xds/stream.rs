//! One stream from its first request to its end.

mod client;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tracing::{debug, warn};

use super::address::Address;
use super::body::Piece;
use super::directory::{Directory, Peer};
use super::incoming::{Incoming, Requests};
use super::node::Node;
use super::request::{Face, Request};
use super::service::Shared;

use client::Client;

/// Health reports of pilot-agent may come before the first request proper, without a node (istio `server.go`, `Receive`).
const HEALTH: &str = "type.googleapis.com/istio.v1.HealthInformation";

/// How long the end of a stream may take to be handed over.
const FAREWELL: Duration = Duration::from_secs(1);

/// Both ends of a stream.
pub(super) struct Ends<B> {
    pub(super) face: Face,
    pub(super) address: Address,
    pub(super) requests: Requests<B>,
    pub(super) pieces: mpsc::Sender<Piece>,
    /// The connection, or the server, is about to close.
    pub(super) closing: CancellationToken,
}

/// Serves a stream to its end.
pub(super) async fn serve<D: Directory, B: Incoming>(shared: Arc<Shared<D>>, mut ends: Ends<B>) {
    let status = match run(&shared, &mut ends).await {
        Ok(()) => Status::ok(""),
        Err(status) => status,
    };
    if !matches!(status.code(), Code::Ok | Code::Cancelled | Code::Unavailable) {
        shared.metrics.internal_error();
        warn!(peer = %ends.address, code = ?status.code(), "xDS stream ends: {}", status.message());
    }
    // A client that does not read is not told.
    let _ = tokio::time::timeout(FAREWELL, ends.pieces.send(Piece::End(status))).await;
}

async fn run<D: Directory, B: Incoming>(shared: &Arc<Shared<D>>, ends: &mut Ends<B>) -> Result<(), Status> {
    if !shared.limiter.turn().await {
        return Err(Status::resource_exhausted("too many streams begin at once; try again later"));
    }
    let Some(mut first) = first_request(ends).await? else { return Ok(()) };
    let node = Node::decode(first.node.take()).map_err(|e| Status::invalid_argument(e.to_string()))?;
    let entry = shared.connections.entry(ends.face, &node, ends.address, ends.closing.clone());
    let version = node.metadata.get("ISTIO_VERSION").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let subscription = tokio::select! {
        () = ends.closing.cancelled() => return Err(closing()),
        () = ends.pieces.closed() => return Ok(()),
        admitted = shared.directory.admit(Peer { address: ends.address }, node) => admitted?,
    };
    let connection = shared.connections.open(entry);
    debug!(id = %connection.id, peer = %ends.address, face = ?ends.face, "xDS client connected");
    shared.metrics.connected(&version, 1);
    let mut client = Client::new(shared, connection, subscription, ends.face);
    let result = match client.on_request(&first) {
        Ok(()) => client.pump(ends).await,
        Err(status) => Err(status),
    };
    shared.metrics.connected(&version, -1);
    debug!(id = %client.connection.id, peer = %ends.address, "xDS client left");
    result
}

/// The first request that is one; `None` if the client leaves without.
async fn first_request<B: Incoming>(ends: &mut Ends<B>) -> Result<Option<Request>, Status> {
    loop {
        let request = tokio::select! {
            () = ends.closing.cancelled() => return Err(closing()),
            () = ends.pieces.closed() => return Ok(None),
            request = ends.requests.next() => request?,
        };
        match request {
            Some(request) if *request.type_url == *HEALTH => {}
            request => return Ok(request),
        }
    }
}

fn closing() -> Status {
    Status::unavailable("the control plane closes this connection; connect again")
}
