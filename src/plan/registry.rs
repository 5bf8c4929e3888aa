//! Proxies in groups, groups in classes.
//!
//! A proxy's answers, one per sort of resource, tell its classes. Proxies with the same answers are a group and share
//! one publication; a change that moves a class makes new publications for the groups in it, and nobody else hears
//! of it.

mod origins;
mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::Str;
use crate::model::reads::Readers;
use crate::model::{FactKey, Origin, Snapshot, View};
use crate::proxy::Proxy;
use crate::wire::{Assembly, Cache, Failure, Layer, Publication, ResourceType};

use super::added::{self, AddedClusters, AddedExtensions, AddedListeners};
use super::class::Class;
use super::classes::{Classes, Seat};
use super::inbound::{self, InboundPlanner};
use super::listener::{self, ListenerPlanner, NameServers};
use super::patches::{Resolved, Side};

/// The number of a connected proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProxyId(pub u64);

macro_rules! sorts {
    ($($(#[$doc:meta])* $field:ident: $class:ty, $facets:path => $kind:ident $side:ident;)*) => {
        /// What holds for a proxy, per sort of resource.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        struct Answers {
            $($(#[$doc])* $field: Seat<<$class as super::classes::Planned>::Facets>,)*
        }

        impl Answers {
            fn of(snapshot: &Snapshot, proxy: &Proxy) -> (Self, Vec<FactKey>) {
                let (scope, mut reads) = super::sidecar::scope(snapshot, proxy);
                let view = View::new(snapshot, &scope);
                let resolved = Resolved::of(&view, proxy);
                let patches = |kind, side| resolved.as_ref().and_then(|r| r.of_sort(kind, side));
                let answers = Self {
                    $($field: Seat {
                        facets: $facets(&view, proxy),
                        patches: patches(ResourceType::$kind, Side::$side),
                    },)*
                };
                reads.extend(view.into_reads());
                (answers, reads)
            }
        }

        /// The classes of every sort.
        #[derive(Default)]
        struct Sorts {
            $($field: Classes<$class>,)*
        }

        impl Sorts {
            fn enter(&mut self, snapshot: &Snapshot, answers: &Answers, cache: &Cache) {
                $(self.$field.enter(snapshot, &answers.$field, cache);)*
            }

            fn leave(&mut self, answers: &Answers) {
                $(self.$field.leave(&answers.$field);)*
            }

            fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) -> bool {
                let mut moved = false;
                $(moved |= self.$field.update(snapshot, changed, cache);)*
                moved
            }

            fn assemble(&self, answers: &Answers) -> [Assembly; ResourceType::COUNT] {
                let mut layers: [Vec<Layer>; ResourceType::COUNT] = Default::default();
                $(stack(&mut layers[ResourceType::$kind as usize], self.$field.layer(&answers.$field), Side::$side);)*
                layers.map(Assembly::new)
            }

            /// Where a resource is from: what its unit and, for this proxy, the facets of its sort were made of.
            fn origins(
                &self,
                snapshot: &Snapshot,
                member: &Member,
                (kind, name): (ResourceType, &Str),
                cache: &Cache,
            ) -> BTreeSet<Origin> {
                let (scope, _) = super::sidecar::scope(snapshot, &member.proxy);
                $(if ResourceType::$kind == kind
                    && let Some(mut found) = self.$field.origins(snapshot, &member.answers.$field, name, cache)
                {
                    let view = View::traced(snapshot, &scope, name);
                    let _ = $facets(&view, &member.proxy);
                    found.extend(view.into_origins());
                    found.extend(origins::of_scope(snapshot, &member.proxy, (kind, Side::$side)));
                    return found;
                })*
                BTreeSet::new()
            }

            fn sizes(&self) -> Vec<ClassSize> {
                vec![$({
                    let (classes, resources) = self.$field.size();
                    ClassSize { sort: stringify!($field), classes, resources }
                },)*]
            }

            fn contested(&self, kind: ResourceType) -> BTreeSet<&Str> {
                let mut all = BTreeSet::new();
                $(if ResourceType::$kind == kind {
                    all.extend(self.$field.contested());
                })*
                all
            }

            fn failures(&self) -> Vec<&Failure> {
                let mut all = Vec::new();
                $(all.extend(self.$field.failures());)*
                all
            }
        }
    };
}

sorts! {
    /// Clusters for calls to services.
    clusters: Class<super::cluster::OutboundClusters>, super::cluster::outbound => Cluster Out;
    /// Clusters that hand inbound calls on.
    inbound_clusters: Class<super::cluster::InboundClusters>, super::cluster::inbound => Cluster In;
    /// Clusters that depend on no service.
    fixed_clusters: Class<super::cluster::FixedClusters>, super::cluster::fixed => Cluster Both;
    /// Endpoints.
    endpoints: Class<super::endpoint::Endpoints>, super::endpoint::facets => Endpoint Nothing;
    /// Listeners that pass on bytes.
    byte_listeners: Class<ListenerPlanner>, listener::byte_facets => Listener Out;
    /// Listeners that may read calls.
    call_listeners: Class<ListenerPlanner>, listener::call_facets => Listener Out;
    /// Listeners of single pods that pass on bytes.
    pod_byte_listeners: Class<ListenerPlanner>, listener::pod_byte_facets => Listener Out;
    /// Listeners of single pods that may read calls.
    pod_call_listeners: Class<ListenerPlanner>, listener::pod_call_facets => Listener Out;
    /// The listener for calls in.
    inbound_listeners: Class<InboundPlanner>, inbound::facets => Listener In;
    /// The listener that answers DNS.
    dns_listeners: Class<NameServers>, listener::dns_facets => Listener Nothing;
    /// Listeners of gateways.
    gateway_listeners: Class<super::gateway::GatewayListeners>, super::gateway::listener_facets => Listener Out;
    /// Routes of gateways.
    gateway_routes: Class<super::gateway::GatewayRoutes>, super::gateway::route_facets => Route Out;
    /// Routes of sidecars.
    routes: super::route::RouteClass, super::route::facets => Route Out;
    /// Secrets of gateways.
    secrets: Class<super::secret::Secrets>, super::secret::secret_facets => Secret Nothing;
    /// Roots of gateways out of ConfigMaps.
    config_maps: Class<super::secret::Secrets>, super::secret::config_map_facets => Secret Nothing;
    /// Name tables.
    names: super::name::Names, super::name::facets => NameTable Nothing;
    /// Clusters that patches add.
    added_clusters: Class<AddedClusters>, added::facets => Cluster Added;
    /// Listeners that patches add.
    added_listeners: Class<AddedListeners>, added::facets => Listener Added;
    /// Configurations of extensions.
    extensions: Class<AddedExtensions>, added::facets => Extension Added;
}

/// How many classes of a sort there are and what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassSize {
    /// The sort: `clusters`, `listeners`, …
    pub sort: &'static str,
    /// How many classes.
    pub classes: usize,
    /// Resources of all classes together; one that several hold is counted for each.
    pub resources: usize,
}

struct Group {
    proxies: BTreeSet<ProxyId>,
    publication: Arc<Publication>,
}

struct Member {
    proxy: Proxy,
    answers: Answers,
}

/// All connected proxies and everything planned for them.
pub struct Plan {
    cache: Arc<Cache>,
    sorts: Sorts,
    groups: BTreeMap<Answers, Group>,
    proxies: BTreeMap<ProxyId, Member>,
    readers: Readers<FactKey, ProxyId>,
    next: u64,
}

impl Plan {
    /// No proxies yet.
    pub fn new(cache: Arc<Cache>) -> Self {
        Self {
            cache,
            sorts: Sorts::default(),
            groups: BTreeMap::new(),
            proxies: BTreeMap::new(),
            readers: Readers::default(),
            next: 0,
        }
    }

    /// A proxy joins: what it should hold.
    pub fn join(&mut self, snapshot: &Snapshot, proxy: Proxy) -> (ProxyId, Arc<Publication>) {
        let id = ProxyId(self.next);
        self.next += 1;
        let (answers, reads) = Answers::of(snapshot, &proxy);
        self.readers.record(&id, reads);
        let publication = self.enter(snapshot, id, &answers);
        self.proxies.insert(id, Member { proxy, answers });
        (id, publication)
    }

    /// A proxy is gone.
    pub fn leave(&mut self, id: ProxyId) {
        if let Some(member) = self.proxies.remove(&id) {
            self.readers.forget(&id);
            self.exit(id, &member.answers);
        }
    }

    /// Plans again what a change touches. Returns the proxies whose resources changed, and what they should hold.
    pub fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>) -> Vec<(ProxyId, Arc<Publication>)> {
        let mut out = Vec::new();
        if self.sorts.update(snapshot, changed, &self.cache) {
            for (answers, group) in &mut self.groups {
                let assemblies = self.sorts.assemble(answers);
                let publication = Publication { revision: snapshot.revision, assemblies };
                if !publication.same(&group.publication) {
                    group.publication = Arc::new(publication);
                    out.extend(group.proxies.iter().map(|id| (*id, Arc::clone(&group.publication))));
                }
            }
        }
        self.regroup(snapshot, changed, &mut out);
        self.cache.sweep_sometimes();
        out
    }

    /// Proxies of which something holds now that did not before move to another group.
    fn regroup(
        &mut self,
        snapshot: &Snapshot,
        changed: &BTreeSet<FactKey>,
        out: &mut Vec<(ProxyId, Arc<Publication>)>,
    ) {
        let concerned: BTreeSet<ProxyId> = changed.iter().flat_map(|key| self.readers.of(key)).copied().collect();
        for id in concerned {
            let Some(member) = self.proxies.get(&id) else { continue };
            let (answers, reads) = Answers::of(snapshot, &member.proxy);
            self.readers.record(&id, reads);
            if answers == member.answers {
                continue;
            }
            let publication = self.enter(snapshot, id, &answers);
            out.retain(|(other, _)| *other != id);
            out.push((id, publication));
            let old = self.proxies.get_mut(&id).map(|m| std::mem::replace(&mut m.answers, answers));
            old.iter().for_each(|old| self.exit(id, old));
        }
    }

    fn enter(&mut self, snapshot: &Snapshot, id: ProxyId, answers: &Answers) -> Arc<Publication> {
        if let Some(group) = self.groups.get_mut(answers) {
            group.proxies.insert(id);
            return Arc::clone(&group.publication);
        }
        self.sorts.enter(snapshot, answers, &self.cache);
        let assemblies = self.sorts.assemble(answers);
        let publication = Arc::new(Publication { revision: snapshot.revision, assemblies });
        let group = Group { proxies: BTreeSet::from([id]), publication: Arc::clone(&publication) };
        self.groups.insert(answers.clone(), group);
        publication
    }

    fn exit(&mut self, id: ProxyId, answers: &Answers) {
        let Some(group) = self.groups.get_mut(answers) else { return };
        group.proxies.remove(&id);
        if group.proxies.is_empty() {
            self.groups.remove(answers);
            self.sorts.leave(answers);
        }
    }

    /// The connected proxies.
    pub fn proxies(&self) -> impl Iterator<Item = (ProxyId, &Proxy)> {
        self.proxies.iter().map(|(id, member)| (*id, &member.proxy))
    }

    /// What a connected proxy should hold.
    pub fn publication(&self, id: ProxyId) -> Option<&Arc<Publication>> {
        self.groups.get(&self.proxies.get(&id)?.answers).map(|g| &g.publication)
    }

    /// Listeners for calls out of which one service takes what another one wants. O(units of listeners).
    pub fn outbound_conflicts(&self) -> usize {
        self.sorts.contested(ResourceType::Listener).len()
    }

    /// Proxies to which several services want one port of the workload in different protocols. O(groups).
    pub fn inbound_conflicts(&self) -> usize {
        let contested = self.groups.iter().filter(|(answers, _)| answers.inbound_clusters.facets.is_contested());
        contested.map(|(_, group)| group.proxies.len()).sum()
    }

    /// What the connected proxies should hold, each publication once.
    pub fn publications(&self) -> impl Iterator<Item = &Arc<Publication>> {
        self.groups.values().map(|group| &group.publication)
    }

    /// Number and size of the classes of each sort. A number that grows with the proxies is a defect.
    pub fn sizes(&self) -> Vec<ClassSize> {
        self.sorts.sizes()
    }
}

/// Puts a layer on others. What patches add gives way to what is there under its name, as in istiod: Envoy would refuse
/// the two together.
fn stack(layers: &mut Vec<Layer>, mut layer: Layer, side: Side) {
    if side == Side::Added && !layer.is_empty() {
        let taken: Vec<_> = layer.keys().filter(|name| layers.iter().any(|l| l.contains_key(*name))).cloned().collect();
        taken.iter().for_each(|name| drop(layer.remove(name)));
    }
    layers.push(layer);
}
