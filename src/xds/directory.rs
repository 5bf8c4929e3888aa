//! The port: what delivery needs to know of the mesh. `app` implements it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tonic::Status;

use crate::wire::{Cache, Publication, ResourceType};

use super::address::Address;
use super::node::Node;
use super::protocol::Rejection;

/// Where a stream comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The other end of the connection.
    pub address: Address,
}

/// Who may connect, and what each should hold.
pub trait Directory: Send + Sync + 'static {
    /// Lets a client in. Returns when there is a first publication for it.
    ///
    /// # Errors
    /// The status with which its stream ends: not ready, not allowed, not understood.
    fn admit(&self, peer: Peer, node: Node) -> impl Future<Output = Result<Subscription, Status>> + Send;

    /// When a revision came about, if that is not long ago.
    fn times(&self, revision: u64) -> Option<Times>;
}

/// When a revision came about.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When the first of its changes was seen.
    pub began: Instant,
    /// When it was published.
    pub published: Instant,
}

/// What one client should hold, now and from now on.
pub struct Subscription {
    /// The latest publication wins.
    pub publications: watch::Receiver<Arc<Publication>>,
    /// Where the resources of the publications are from.
    pub cache: Arc<Cache>,
    /// Told how the client gets on, and dropped when it is gone.
    pub guard: Box<dyn Guard>,
}

/// What is to be known of one client while it is there. Called by its stream, so that it must not take long.
pub trait Guard: Send {
    /// The client has been sent all of a revision, as far as it asks for it, and has answered every response. A refusal
    /// is an answer.
    fn answered(&self, _revision: u64) {}

    /// The client refused a response.
    fn refused(&self, _kind: ResourceType, _rejection: &Arc<Rejection>) {}
}

/// What delivery has to report as numbers. `metrics` implements it.
pub trait Metrics: Send + Sync + 'static {
    /// A client was admitted (+1) or left (-1); `version` is its `ISTIO_VERSION`. For `pilot_xds`.
    fn connected(&self, version: &str, change: i64);

    /// A response was handed to the transport in full, `bytes` long, `took` after it was begun.
    fn pushed(&self, kind: ResourceType, bytes: usize, took: Duration);

    /// A request came in.
    fn received(&self, bytes: usize);

    /// A response could not be handed to the transport in full.
    fn not_pushed(&self, kind: ResourceType);

    /// A client refused a response. `code` is the name of the gRPC status that it gave.
    fn rejected(&self, kind: ResourceType, node: &str, code: &str);

    /// A client answered a response that is not the latest.
    fn expired_nonce(&self, kind: ResourceType);

    /// A client was sent all of a revision, so long after the first of its changes was seen.
    fn converged(&self, took: Duration);

    /// A client's turn came, so long after a revision was published.
    fn queued(&self, took: Duration);

    /// A client did not read for too long.
    fn write_timeout(&self);

    /// A stream ended for another reason than its client's leave.
    fn internal_error(&self);
}
