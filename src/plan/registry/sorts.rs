//! The sorts of resources: for each, what tells the classes of proxies apart, and all its classes.

use std::collections::BTreeSet;

use crate::base::Str;
use crate::model::{FactKey, Origin, Snapshot, View};
use crate::plan::added::{self, AddedClusters, AddedExtensions, AddedListeners};
use crate::plan::class::Class;
use crate::plan::classes::{Classes, Planned, Seat};
use crate::plan::inbound::{self, InboundPlanner};
use crate::plan::listener::{self, ListenerPlanner, NameServers};
use crate::plan::patches::{Resolved, Side};
use crate::plan::{cluster, endpoint, gateway, name, route, secret, sidecar, telemetry};
use crate::proxy::Proxy;
use crate::wire::{Assembly, Cache, Failure, Layer, ResourceType};

use super::{Member, origins};

macro_rules! sorts {
    ($($(#[$doc:meta])* $field:ident: $class:ty, $facets:path => $kind:ident $side:ident;)*) => {
        /// What holds for a proxy, per sort of resource.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) struct Answers {
            $($(#[$doc])* pub(super) $field: Seat<<$class as Planned>::Facets>,)*
        }

        impl Answers {
            pub(super) fn of(snapshot: &Snapshot, proxy: &Proxy) -> (Self, Vec<FactKey>) {
                let (scope, mut reads) = sidecar::scope(snapshot, proxy);
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
        pub(super) struct Sorts {
            $($field: Classes<$class>,)*
        }

        impl Sorts {
            pub(super) fn enter(&mut self, snapshot: &Snapshot, answers: &Answers, cache: &Cache) {
                $(self.$field.enter(snapshot, &answers.$field, cache);)*
            }

            pub(super) fn leave(&mut self, answers: &Answers) {
                $(self.$field.leave(&answers.$field);)*
            }

            pub(super) fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) -> bool {
                let mut moved = false;
                $(moved |= self.$field.update(snapshot, changed, cache);)*
                moved
            }

            pub(super) fn assemble(&self, answers: &Answers) -> [Assembly; ResourceType::COUNT] {
                let mut layers: [Vec<Layer>; ResourceType::COUNT] = Default::default();
                $(stack(&mut layers[ResourceType::$kind as usize], self.$field.layer(&answers.$field), Side::$side);)*
                layers.map(Assembly::new)
            }

            /// Where a resource is from: what its unit and, for this proxy, the facets of its sort were made of.
            pub(super) fn origins(
                &self,
                snapshot: &Snapshot,
                member: &Member,
                (kind, name): (ResourceType, &Str),
                cache: &Cache,
            ) -> BTreeSet<Origin> {
                let (scope, _) = sidecar::scope(snapshot, &member.proxy);
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

            pub(super) fn sizes(&self) -> Vec<ClassSize> {
                vec![$({
                    let (classes, resources) = self.$field.size();
                    ClassSize { sort: stringify!($field), classes, resources }
                },)*]
            }

            pub(super) fn contested(&self, kind: ResourceType) -> BTreeSet<&Str> {
                let mut all = BTreeSet::new();
                $(if ResourceType::$kind == kind {
                    all.extend(self.$field.contested());
                })*
                all
            }

            pub(super) fn failures(&self) -> Vec<&Failure> {
                let mut all = Vec::new();
                $(all.extend(self.$field.failures());)*
                all
            }
        }
    };
}

sorts! {
    /// Clusters for calls to services.
    clusters: Class<cluster::OutboundClusters>, cluster::outbound => Cluster Out;
    /// Clusters that hand inbound calls on.
    inbound_clusters: Class<cluster::InboundClusters>, cluster::inbound => Cluster In;
    /// Clusters that depend on no service.
    fixed_clusters: Class<cluster::FixedClusters>, cluster::fixed => Cluster Both;
    /// Endpoints.
    endpoints: Class<endpoint::Endpoints>, endpoint::facets => Endpoint Nothing;
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
    gateway_listeners: Class<gateway::GatewayListeners>, gateway::listener_facets => Listener Out;
    /// Routes of gateways.
    gateway_routes: Class<gateway::GatewayRoutes>, gateway::route_facets => Route Out;
    /// Routes of sidecars.
    routes: route::RouteClass, route::facets => Route Out;
    /// Secrets of gateways.
    secrets: Class<secret::Secrets>, secret::secret_facets => Secret Nothing;
    /// Roots of gateways out of ConfigMaps.
    config_maps: Class<secret::Secrets>, secret::config_map_facets => Secret Nothing;
    /// Name tables.
    names: name::Names, name::facets => NameTable Nothing;
    /// Clusters that patches add.
    added_clusters: Class<AddedClusters>, added::facets => Cluster Added;
    /// Listeners that patches add.
    added_listeners: Class<AddedListeners>, added::facets => Listener Added;
    /// How proxies tell servers who calls.
    introductions: Class<telemetry::Introductions>, telemetry::introduction => Extension Nothing;
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

/// Puts a layer on others. What patches add gives way to what is there under its name, as in istiod: Envoy would refuse
/// the two together.
fn stack(layers: &mut Vec<Layer>, mut layer: Layer, side: Side) {
    if side == Side::Added && !layer.is_empty() {
        let taken: Vec<_> = layer.keys().filter(|name| layers.iter().any(|l| l.contains_key(*name))).cloned().collect();
        taken.iter().for_each(|name| drop(layer.remove(name)));
    }
    layers.push(layer);
}
