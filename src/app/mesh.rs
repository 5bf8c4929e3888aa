//! What delivery needs to know of the mesh: who may connect, and what each should hold.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::watch;
use tonic::Status;
use tracing::info;

use crate::engine::{Engine, Settled};
use crate::metrics::{Metrics, Presence};
use crate::plan::ProxyId;
use crate::wire::{Cache, Publication};
use crate::xds::{Directory, Node, Peer, Subscription, Times};

use super::http::Readiness;
use super::node;

/// How many revisions are remembered with their times: a proxy that is further behind is not asked how long it took.
const REVISIONS: usize = 64;

/// The way from the engine to the streams. Copies share their state.
#[derive(Clone, Default)]
pub(super) struct Outlets(Arc<Shared>);

#[derive(Default)]
struct Shared {
    watches: DashMap<ProxyId, watch::Sender<Arc<Publication>>>,
    times: Mutex<VecDeque<(u64, Times)>>,
}

impl Outlets {
    /// Passes on what a revision led to; `began` is when the first of its changes was seen.
    pub(super) fn publish(&self, revision: u64, settled: Settled, began: Instant) {
        if settled.publications.is_empty() {
            return;
        }
        let mut times = self.0.times.lock();
        times.push_back((revision, Times { began, published: Instant::now() }));
        if times.len() > REVISIONS {
            times.pop_front();
        }
        drop(times);
        for (id, publication) in settled.publications {
            if let Some(outlet) = self.0.watches.get(&id) {
                outlet.send_replace(publication);
            }
        }
    }
}

/// The mesh as delivery sees it.
pub(super) struct Mesh {
    /// The owner of everything.
    pub engine: Engine,
    /// Where the resources are from.
    pub cache: Arc<Cache>,
    /// Where publications arrive.
    pub outlets: Outlets,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether anybody may be served yet.
    pub readiness: Readiness,
}

/// A proxy that is connected. Dropped, it is gone.
struct Membership {
    id: ProxyId,
    engine: Engine,
    outlets: Outlets,
    name: String,
    _presence: Presence,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.outlets.0.watches.remove(&self.id);
        self.engine.leave(self.id);
        info!("{} left", self.name);
    }
}

impl Directory for Mesh {
    async fn admit(&self, peer: Peer, node: Node) -> Result<Subscription, Status> {
        let missing = self.readiness.missing();
        if !missing.is_empty() {
            return Err(Status::unavailable(format!("not ready: waiting for {}", missing.join(", "))));
        }
        let mut proxy = node::proxy(&node).map_err(|e| Status::invalid_argument(e.to_string()))?;
        // Until proxies prove who they are, only what stays on this machine is heard by nobody else.
        proxy.confidential = peer.address.is_local();
        let name = format!("{} at {}", proxy.name, peer.address);
        let presence = self.metrics.delivery.present(node.id.proxy());
        let (outlets, engine, log_name) = (self.outlets.clone(), self.engine.clone(), name.clone());
        // The outlet is opened on the engine's own thread, so that no publication falls between the first and the next.
        let joined = self.engine.with(move |core| {
            let (id, publication) = core.join(proxy);
            let (outlet, publications) = watch::channel(publication);
            outlets.0.watches.insert(id, outlet);
            (Membership { id, engine, outlets, name, _presence: presence }, publications)
        });
        let (membership, publications) = joined.await.ok_or_else(|| Status::unavailable("shutting down"))?;
        info!("{log_name} joined");
        Ok(Subscription { publications, cache: Arc::clone(&self.cache), guard: Box::new(membership) })
    }

    fn times(&self, revision: u64) -> Option<Times> {
        self.outlets.0.times.lock().iter().find(|(r, _)| *r == revision).map(|(_, times)| *times)
    }
}
