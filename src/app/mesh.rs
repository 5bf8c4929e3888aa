//! What delivery needs to know of the mesh: who may connect, and what each should hold.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::watch;
use tonic::Status;
use tracing::info;

use crate::api::Kind;
use crate::base::Str;
use crate::engine::{Changed, Core, Engine, Settled};
use crate::metrics::{Metrics, Presence};
use crate::model::{Scope, View};
use crate::plan::{ProxyId, targets};
use crate::progress::{Kept, Object, Progress};
use crate::proxy::{Proxy, Role};
use crate::status::Witness;
use crate::wire::{Cache, Publication, ResourceType};
use crate::xds::{Directory, Guard, Node, Peer, Rejection, Subscription, Times};

use super::blame::Blame;
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
    progress: Arc<Progress>,
    blame: Blame,
}

impl Outlets {
    /// Passes on what a revision led to; `began` is when the first of its changes was seen.
    pub(super) fn publish(&self, revision: u64, settled: Settled, began: Instant) {
        let objects = settled.changed.iter().filter_map(|changed| object(changed, began)).collect();
        let proxies = settled.publications.iter().map(|(id, _)| id.0);
        self.0.progress.published(revision, objects, proxies);
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

impl Outlets {
    /// Says who tells the cluster of what proxies refuse.
    pub(super) fn tell(&self, witness: Witness) {
        // There is one.
        let _ = self.0.blame.witness.set(witness);
    }

    /// How far proxies are.
    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.0.progress)
    }
}

/// What is remembered of a change. Objects of the first state are none.
fn object(changed: &Changed, began: Instant) -> Option<Object> {
    let key = &changed.key;
    // When the mesh's settings came is known as that of their batch alone.
    let settings = (key.kind == Kind::ConfigMap && !changed.gone).then_some(began);
    Some(Object {
        kind: key.kind.as_str().into(),
        namespace: key.namespace.str().clone(),
        name: key.name.clone(),
        kept: if changed.gone { Kept::Deleted } else { Kept::Changed },
        changed: changed.at.or(settings)?,
    })
}

/// Why a sidecar answers for no service, in istiod's words; `None` if it does. A few look-ups.
fn without_targets(core: &Core, proxy: &Proxy) -> Option<&'static str> {
    let view = View::new(core.index().snapshot(), &Scope::Public);
    if proxy.role != Role::Sidecar || !targets(&view, proxy).is_empty() {
        return None;
    }
    let foreign = !proxy.cluster().is_empty() && proxy.cluster() != &*view.mesh().cluster;
    let known = || {
        proxy.addresses.first().and_then(|at| view.instance(proxy.cluster(), at)).is_some_and(|i| i.workload.is_some())
    };
    Some(match foreign {
        true => "incorrect_cluster",
        false if known() => "no_matching_services",
        false => "no_matching_metadata",
    })
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
    metrics: Arc<Metrics>,
    name: String,
    _presence: Presence,
}

impl Membership {
    /// Counts changes that nobody is waited for any more.
    fn count(&self, done: Vec<(Str, Duration)>) {
        done.iter().for_each(|(kind, took)| self.metrics.delivery.arrived(kind, *took));
    }
}

impl Guard for Membership {
    fn answered(&self, revision: u64) {
        self.count(self.outlets.0.progress.answered(self.id.0, revision));
    }

    fn refused(&self, kind: ResourceType, rejection: &Arc<Rejection>) {
        self.outlets.0.progress.refused(self.id.0);
        let (id, name, rejection) = (self.id, self.name.clone(), Arc::clone(rejection));
        let (metrics, outlets) = (Arc::clone(&self.metrics), self.outlets.clone());
        self.engine.tell(move |core| outlets.0.blame.lay(core, &metrics, (id, &name), kind, &rejection));
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.outlets.0.watches.remove(&self.id);
        self.count(self.outlets.0.progress.left(self.id.0));
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
        let (metrics, short_name) = (Arc::clone(&self.metrics), node.id.proxy().into());
        // The outlet is opened on the engine's own thread, so that no publication falls between the first and the next.
        let joined = self.engine.with(move |core| {
            if let Some(why) = without_targets(core, &proxy) {
                metrics.delivery.without_targets(why);
            }
            let (id, publication) = core.join(proxy);
            outlets.0.progress.joined(id.0, short_name, publication.revision);
            let (outlet, publications) = watch::channel(publication);
            outlets.0.watches.insert(id, outlet);
            (Membership { id, engine, outlets, metrics, name, _presence: presence }, publications)
        });
        let (membership, publications) = joined.await.ok_or_else(|| Status::unavailable("shutting down"))?;
        info!("{log_name} joined");
        Ok(Subscription { publications, cache: Arc::clone(&self.cache), guard: Box::new(membership) })
    }

    fn times(&self, revision: u64) -> Option<Times> {
        self.outlets.0.times.lock().iter().find(|(r, _)| *r == revision).map(|(_, times)| *times)
    }
}
