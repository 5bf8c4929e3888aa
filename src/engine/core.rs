//! Store, model and plan, one after the other.

use std::sync::Arc;

use crate::api::Key;
use crate::api::mesh::MeshConfig;
use crate::base::{Finding, Str};
use crate::model::index::{Allocations, Index, Options};
use crate::plan::{Plan, ProxyId};
use crate::proxy::Proxy;
use crate::store::{Event, Store, Tally};
use crate::wire::{Cache, Publication, ResourceType};

use super::inspection::Inspection;

/// Everything that is known and what follows from it.
pub struct Core {
    store: Store,
    mesh: Option<MeshConfig>,
    index: Index,
    plan: Plan,
    findings: Arc<[Finding]>,
}

/// What taking in events led to.
#[derive(Default)]
pub struct Settled {
    /// The proxies whose resources changed, and what they should hold now.
    pub publications: Vec<(ProxyId, Arc<Publication>)>,
    /// The objects that changed, by key; the mesh's settings under the name of their ConfigMap.
    pub changed: Vec<Changed>,
    /// Whether virtual addresses were given that were not before.
    pub allocated: bool,
    /// How long taking them in and planning took; told by the thread, which has a clock.
    pub took: std::time::Duration,
}

/// An object that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which one.
    pub key: Key,
    /// Whether it is gone.
    pub gone: bool,
    /// When the first event of the change came, as far as that was noted; told by the thread.
    pub at: Option<std::time::Instant>,
}

impl Core {
    /// Nothing but the mesh's settings, and addresses that were given before.
    pub fn new(options: Options, mesh: MeshConfig, allocations: Allocations, cache: Arc<Cache>) -> Self {
        Self {
            store: Store::default(),
            mesh: None,
            index: Index::new(options, mesh, allocations),
            plan: Plan::new(cache),
            findings: Arc::default(),
        }
    }

    /// Takes note of events; nothing follows from them before [`Core::settle`].
    pub fn note(&mut self, events: Vec<Event>, mesh: Option<MeshConfig>, findings: Arc<[Finding]>) {
        self.store.apply(events);
        self.mesh = mesh.or_else(|| self.mesh.take());
        self.findings = findings;
    }

    /// Whether the source has delivered everything once.
    pub fn synced(&self) -> bool {
        self.store.synced()
    }

    /// What happened to objects so far.
    pub fn tally(&self) -> &Tally {
        self.store.tally()
    }

    /// Takes in what was noted, as one revision.
    pub fn settle(&mut self) -> Settled {
        let batch = self.store.take_batch();
        let mesh = self.mesh.take();
        if batch.is_none() && mesh.is_none() {
            return Settled::default();
        }
        let before = self.index.allocations().clone();
        let changed = batch.map(|b| b.changed).unwrap_or_default();
        let settings = mesh.is_some();
        let changes = self.index.apply(&changed, mesh);
        let publications = self.plan.update(self.index.snapshot(), &changes.keys);
        let allocated = !self.index.allocations().is_same(&before);
        let objects = changed.into_iter().map(|(key, object)| (key, object.is_none()));
        let settings = settings.then(|| (self.index.mesh_key(), false));
        let changed = objects.chain(settings).map(|(key, gone)| Changed { key, gone, at: None }).collect();
        Settled { publications, changed, allocated, ..Settled::default() }
    }

    /// A proxy joins: what it should hold.
    pub fn join(&mut self, proxy: Proxy) -> (ProxyId, Arc<Publication>) {
        self.plan.join(self.index.snapshot(), proxy)
    }

    /// A proxy is gone.
    pub fn leave(&mut self, proxy: ProxyId) {
        self.plan.leave(proxy);
    }

    /// The facts and the objects behind them.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The classes and what they hold.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The objects that a resource of a proxy follows from, in the order of their keys: those that had a say, not all that
    /// were looked at. Empty if the proxy should hold no such resource. The mesh's settings are the ConfigMap `istio`.
    ///
    /// Made when it is asked for, at the cost of planning one unit; see [`Plan::origins`].
    pub fn origins(&self, proxy: ProxyId, kind: ResourceType, name: &Str) -> Vec<Key> {
        self.index.origins(&self.plan.origins(self.index.snapshot(), proxy, kind, name))
    }

    /// What findings are made of, to be looked at where there is time for it. O(classes), not O(objects).
    pub fn inspection(&self) -> Inspection {
        let built = self.plan.findings().map(|finding| self.index.located(finding));
        Inspection {
            said: self.findings.clone(),
            built: built.chain(self.plan.withheld(self.index.snapshot())).collect(),
            survey: self.index.survey(),
            revision: self.index.snapshot().revision,
            anonymous: self.plan.proxies().any(|(_, proxy)| !proxy.capabilities.has_identity()),
            unguarded: self.plan.proxies().any(|(_, proxy)| !proxy.capabilities.has_guards()),
        }
    }

    /// All findings of now, for programs without a thread to spare. Looks at every object.
    pub fn findings(&self) -> Vec<Finding> {
        self.inspection().findings()
    }
}
