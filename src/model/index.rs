//! From objects to facts, again only what a change touches.
//!
//! Comes in: changed objects. Goes out: the next [`Snapshot`] and its [`Changes`]. For each changed object, old and
//! new, the index marks what may follow from it (a host's definitions, its endpoints, its rules, an address), and
//! derives each of those once; a fact that comes out equal is no change.
//!
//! Invariant: after any sequence of batches the snapshot equals the one that a new index makes of the objects left.

mod addresses;
mod allocate;
mod authz;
mod credentials;
mod delegate;
mod discovery;
mod distinctions;
mod endpoints;
mod filters;
mod gateways;
pub(in crate::model) mod ingress;
mod lookup;
mod maps;
mod marks;
mod networks;
mod origins;
mod ports;
mod routes;
mod rules;
mod scopes;
mod services;
mod sidecars;
mod telemetry;
mod visibility;
mod workloads;

#[cfg(test)]
mod tests;

pub use allocate::{Allocations, is_eligible};
pub(super) use delegate::{Dropped, gateway, resolve};
pub(super) use lookup::at;
pub(super) use routes::Name;
pub(super) use services::kubernetes_host;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;

use crate::api::mesh::MeshConfig;
use crate::api::{Key, Kind, Object};
use crate::base::{Features, Finding, Host, Namespace, Str};

use super::facts::{ClusterDefaults, ClusterLocal, Handle, Mesh, Observers};
use super::reads::Readers;
use super::snapshot::{Changes, FactKey, Snapshot};
use super::survey::Survey;
use maps::{put, update};
use marks::{Dirty, Source};

/// Settings of the index that do not change while it lives.
#[derive(Clone, Debug)]
pub struct Options {
    /// The suffix of Kubernetes' names, `cluster.local`.
    pub domain: Str,
    /// The name of this cluster, `Kubernetes`.
    pub cluster: Str,
    /// The control plane's own namespace, `istio-system`.
    pub system: Str,
    /// istiod's variables that change what proxies are sent.
    pub features: Features,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            domain: "cluster.local".into(),
            cluster: "Kubernetes".into(),
            system: "istio-system".into(),
            features: Features::default(),
        }
    }
}

/// All objects that matter and everything derived from them.
pub struct Index {
    options: Options,
    objects: OrdMap<Key, Arc<Object>>,
    /// Objects of namespaces that do not belong to the mesh.
    hidden: OrdMap<Key, Arc<Object>>,
    /// How many objects there are of each cluster but the own one.
    clusters: BTreeMap<Str, usize>,
    snapshot: Snapshot,
    allocations: Allocations,
    /// Which objects define a host.
    defining: BTreeMap<Host, BTreeSet<Key>>,
    /// Which slices belong to a Kubernetes Service.
    slices: BTreeMap<(Namespace, Str), BTreeSet<Key>>,
    /// Which pods and WorkloadEntries have an address.
    at_address: BTreeMap<Str, BTreeSet<Key>>,
    /// Which definitions of ServiceEntries have an endpoint at an address.
    entry_addresses: BTreeMap<Str, BTreeSet<(Host, Namespace)>>,
    /// The same the other way round.
    entries_of: BTreeMap<(Host, Namespace), BTreeSet<Str>>,
    /// Who depends on which pods and nodes.
    endpoint_readers: Readers<Source, Host>,
    /// How often an endpoint was derived whose pod was not there.
    met_without_pods: u64,
    networks: networks::Networks,
    ports: ports::Ports,
    routes: routes::Routes,
    rules: rules::Rules,
    aliases: services::Aliases,
    scopes: scopes::Scopes,
    ingresses: ingress::Ingresses,
}

impl Index {
    /// An index of nothing, with the mesh's settings and the addresses given before.
    pub fn new(options: Options, mesh: MeshConfig, allocations: Allocations) -> Self {
        let snapshot = Snapshot::empty(mesh_fact(&options, mesh));
        let allocations = allocations.within(&options.features);
        Self {
            options,
            objects: OrdMap::new(),
            hidden: OrdMap::new(),
            clusters: BTreeMap::new(),
            snapshot,
            allocations,
            defining: BTreeMap::new(),
            slices: BTreeMap::new(),
            at_address: BTreeMap::new(),
            entry_addresses: BTreeMap::new(),
            entries_of: BTreeMap::new(),
            endpoint_readers: Readers::default(),
            met_without_pods: 0,
            networks: networks::Networks::default(),
            ports: ports::Ports::default(),
            routes: routes::Routes::default(),
            rules: rules::Rules::default(),
            aliases: services::Aliases::default(),
            scopes: scopes::Scopes::default(),
            ingresses: ingress::Ingresses::default(),
        }
    }

    /// The facts as they are.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The virtual addresses given so far.
    pub fn allocations(&self) -> &Allocations {
        &self.allocations
    }

    /// Everything as it is, to be looked at elsewhere. O(1).
    pub fn survey(&self) -> Survey {
        Survey {
            objects: self.objects.clone(),
            hidden: self.hidden.clone(),
            snapshot: self.snapshot.clone(),
            dropped: self.routes.dropped().clone(),
            allocations: self.allocations.clone(),
        }
    }

    /// All objects of the mesh, by key.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// How often an endpoint was met that names a pod which was not there (yet).
    pub fn met_without_pods(&self) -> u64 {
        self.met_without_pods
    }

    /// An object of the mesh.
    pub fn object(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// A finding with the file in which its object was read, if it is about an object that is there.
    pub fn located(&self, mut finding: Finding) -> Finding {
        let about = &finding.object;
        let kind = Kind::all().find(|kind| kind.as_str() == about.kind.as_str());
        let object = kind.and_then(|kind| self.get(kind, &Namespace::new(about.namespace.clone()), &about.name));
        if let Some(object) = object {
            finding.object.file.clone_from(&object.file);
        }
        finding
    }

    /// Takes in changed objects, `None` for those that are gone, and perhaps new settings of the mesh.
    pub fn apply(&mut self, changed: &BTreeMap<Key, Option<Arc<Object>>>, mesh: Option<MeshConfig>) -> Changes {
        let mut dirty = Dirty::default();
        let mut changes = Changes::default();
        // The settings that the index began with may have networks.
        dirty.networks = self.snapshot.revision == 0;
        let mut doubtful = BTreeSet::new();
        if let Some(mesh) = mesh {
            let mesh = mesh_fact(&self.options, mesh);
            if mesh != self.snapshot.mesh {
                if mesh.config.discovery_selectors != self.snapshot.mesh.config.discovery_selectors {
                    doubtful = self.namespaces();
                }
                self.snapshot.mesh = mesh;
                changes.keys.insert(FactKey::Mesh);
                self.mark_everything(&mut dirty);
            }
        }
        // Whether other objects count depends on their namespaces.
        let described = |key: &Key| key.kind == Kind::Namespace;
        for (key, new) in changed.iter().filter(|(key, _)| described(key)) {
            self.replace(key, new.as_ref(), &mut dirty);
            doubtful.insert((key.cluster.clone(), Namespace::new(key.name.clone())));
        }
        self.rediscover(&doubtful, &mut dirty);
        for (key, new) in changed.iter().filter(|(key, _)| !described(key)) {
            self.replace(key, new.as_ref(), &mut dirty);
        }
        self.derive(dirty, &mut changes);
        self.snapshot.revision += 1;
        changes
    }

    fn derive(&mut self, mut dirty: Dirty, changes: &mut Changes) {
        for source in std::mem::take(&mut dirty.sources) {
            dirty.endpoints.extend(self.endpoint_readers.of(&source).cloned());
        }
        self.derive_networks(&mut dirty, changes);
        self.derive_aliases(&mut dirty);
        self.allocate(&mut dirty);
        self.derive_services(&mut dirty, changes);
        self.derive_endpoints(&mut dirty, changes);
        self.derive_rules(&mut dirty, changes);
        self.derive_ingresses(&mut dirty);
        self.derive_routes(&mut dirty, changes);
        self.derive_gateways(&dirty, changes);
        self.derive_authn(&dirty, changes);
        self.derive_authz(&dirty, changes);
        self.derive_sidecars(&dirty, changes);
        self.derive_credentials(&mut dirty, changes);
        self.derive_filters(&dirty, changes);
        self.derive_telemetry(&dirty, changes);
        self.derive_addresses(&dirty, changes);
        self.derive_selectors(&dirty, changes);
        self.derive_scopes(&dirty, changes);
        self.derive_distinctions(changes);
    }
}

fn mesh_fact(options: &Options, config: MeshConfig) -> Handle<Mesh> {
    let root = Namespace::new(config.root_namespace.clone());
    Handle::new(Mesh {
        observers: Handle::new(Observers::of(&config)),
        clusters: Handle::new(ClusterDefaults::new(&config, &options.features)),
        cluster_local: Handle::new(ClusterLocal::new(&config, &options.domain)),
        config: Handle::new(config),
        root,
        domain: options.domain.clone(),
        cluster: options.cluster.clone(),
        features: options.features.clone(),
    })
}
