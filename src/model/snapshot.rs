//! One revision of all facts.

use std::collections::{BTreeMap, BTreeSet};

use imbl::OrdMap;

use crate::api::{Key, Kind};
use crate::base::{Host, Namespace, Str};

use super::facts::{
    Authenticators, Authn, Authz, Credential, Distinctions, EdgeGateways, Egress, Endpoints, Filter, Gateways, Handle,
    HostRoutes, Identities, Instance, Mesh, Networks, PortMembers, Rule, Service, Sidecar, Telemetry, VirtualService,
};

/// What a planner may read, as a key: hits, misses and whole groups alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKey {
    /// The mesh's settings.
    Mesh,
    /// All definitions of a host.
    Service(Host),
    /// The endpoints of all definitions of a host.
    Endpoints(Host),
    /// Who the endpoints of all definitions of a host are.
    Identities(Host),
    /// How networks are entered.
    Networks,
    /// What a Secret or a ConfigMap has for gateways.
    Credential(Key),
    /// What about proxies makes a difference.
    Distinctions,
    /// All definitions with a port of this number.
    Port(u16),
    /// Those with any port.
    AnyPort,
    /// The DestinationRules of a namespace for exactly this host.
    Rule(Namespace, Host),
    /// The DestinationRules of a namespace for wildcards.
    WildRules(Namespace),
    /// The VirtualServices for exactly this host.
    Routes(Host),
    /// The VirtualServices for wildcards.
    WildRoutes,
    /// Those for any exact host.
    AnyRoutes,
    /// The VirtualServices that lead to a host.
    Leading(Host),
    /// Which hosts are defined in a namespace.
    Home(Namespace),
    /// The Sidecars of a namespace.
    Sidecars(Namespace),
    /// All Gateways.
    Gateways,
    /// The VirtualServices bound to a Gateway, `namespace/name`.
    Bound(Str),
    /// The PeerAuthentications of a namespace.
    Authn(Namespace),
    /// The AuthorizationPolicies of a namespace.
    Authz(Namespace),
    /// The RequestAuthentications of a namespace.
    Authenticators(Namespace),
    /// The EnvoyFilters of a namespace.
    Filters(Namespace),
    /// The Telemetries of a namespace.
    Telemetry(Namespace),
    /// What is known about an address.
    Address(Str),
    /// Which services of a namespace select workloads, and by which labels.
    Selectors(Namespace),
    /// Which services and rules a namespace sees that others do not.
    Scope(Namespace),
}

/// From where the mesh is seen. Namespaces that see nothing of their own share [`Scope::Public`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// What is exported to everybody.
    Public,
    /// What a namespace sees.
    Namespace(Namespace),
    /// What a Sidecar lets workloads of a namespace see of that.
    Sidecar(Namespace, Handle<Egress>),
}

/// What changed from one snapshot to the next.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Keys of facts whose content differs.
    pub keys: BTreeSet<FactKey>,
}

/// DestinationRules of one namespace for one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct HostRules {
    /// For callers of that namespace; of the root namespace only those that nobody else sees.
    pub local: Vec<Handle<Rule>>,
    /// For callers of other namespaces.
    pub exported: Vec<Handle<Rule>>,
}

/// All facts of one revision. Cheap to clone: the maps share their nodes.
#[derive(Clone)]
pub struct Snapshot {
    /// Counts up with every batch.
    pub revision: u64,
    /// Settings of the whole mesh.
    pub mesh: Handle<Mesh>,
    /// All definitions of each host, by (creation time, name, namespace).
    pub(super) services: OrdMap<Host, Handle<Vec<Handle<Service>>>>,
    /// By host and the namespace of the definition.
    pub(super) endpoints: OrdMap<(Host, Namespace), Handle<Endpoints>>,
    /// By host and the namespace of the definition.
    pub(super) identities: OrdMap<(Host, Namespace), Handle<Identities>>,
    /// What about proxies makes a difference.
    pub(super) distinctions: Handle<Distinctions>,
    /// What Secrets and ConfigMaps have for gateways.
    pub(super) credentials: OrdMap<Key, Handle<Credential>>,
    /// How networks are entered.
    pub(super) networks: Handle<Networks>,
    /// Definitions with a port of that number.
    pub(super) ports: OrdMap<u16, Handle<PortMembers>>,
    /// Rules for exact hosts.
    pub(super) rules: OrdMap<(Namespace, Host), Handle<HostRules>>,
    /// Rules for wildcard hosts.
    pub(super) wild_rules: OrdMap<Namespace, Handle<BTreeMap<Host, HostRules>>>,
    /// VirtualServices by exact host.
    pub(super) routes: OrdMap<Host, Handle<HostRoutes>>,
    /// VirtualServices with a wildcard host, by (creation time, name, namespace).
    pub(super) wild_routes: Handle<Vec<Handle<VirtualService>>>,
    /// The VirtualServices of sidecars that lead to a host, in the same order.
    pub(super) leading: OrdMap<Host, Handle<Vec<Handle<VirtualService>>>>,
    /// The hosts that are defined in a namespace.
    pub(super) homes: OrdMap<Namespace, Handle<BTreeSet<Host>>>,
    /// Sidecars by namespace, in the order in which they apply.
    pub(super) sidecars: OrdMap<Namespace, Handle<Vec<Handle<Sidecar>>>>,
    /// All Gateways, oldest first.
    pub(super) gateways: Handle<EdgeGateways>,
    /// VirtualServices by the Gateway they are bound to, `namespace/name`, oldest first.
    pub(super) bound: OrdMap<Str, Handle<Vec<Handle<VirtualService>>>>,
    /// PeerAuthentications by namespace, oldest first.
    pub(super) authn: OrdMap<Namespace, Handle<Authn>>,
    /// AuthorizationPolicies by namespace, oldest first.
    pub(super) authz: OrdMap<Namespace, Handle<Authz>>,
    /// RequestAuthentications by namespace, oldest first.
    pub(super) authenticators: OrdMap<Namespace, Handle<Authenticators>>,
    /// EnvoyFilters by namespace, in the order in which they are applied.
    pub(super) filters: OrdMap<Namespace, Handle<Vec<Filter>>>,
    /// Telemetries by namespace, oldest first.
    pub(super) telemetry: OrdMap<Namespace, Handle<Vec<Telemetry>>>,
    /// What is known about each IP.
    pub(super) addresses: OrdMap<Str, Handle<Instance>>,
    /// Services with a selector, by namespace.
    pub(super) selectors: OrdMap<Namespace, Handle<BTreeSet<Host>>>,
    /// For each namespace the hosts it sees in a way of its own.
    pub(super) private: OrdMap<Namespace, Handle<BTreeSet<Host>>>,
}

impl Snapshot {
    /// The host of a service that a provider of the mesh config names, and whether it is there, whoever may see it: of
    /// `namespace/host` in that namespace, of `host` in one namespace alone (istio `pilot/pkg/model/telemetry_logging.go`,
    /// `LookupCluster`).
    pub(super) fn located(&self, service: &str) -> (Host, bool) {
        let (home, host) = service.split_once('/').map_or((None, service), |(home, host)| (Some(home), host));
        let host = Host::from(host);
        let all = self.services.get(&host).into_iter().flat_map(|all| all.iter());
        let homes: BTreeSet<&str> = all.map(|s| s.namespace.as_str()).collect();
        let there = home.map_or(homes.len() == 1, |home| homes.contains(home));
        (host, there)
    }

    /// No facts but the mesh's settings.
    pub(super) fn empty(mesh: Handle<Mesh>) -> Self {
        let none = || Handle::new(Gateways::default());
        Self {
            revision: 0,
            mesh,
            services: OrdMap::new(),
            endpoints: OrdMap::new(),
            identities: OrdMap::new(),
            distinctions: Handle::new(Distinctions::default()),
            credentials: OrdMap::new(),
            networks: Handle::new(Networks { at_addresses: none(), all: none() }),
            ports: OrdMap::new(),
            rules: OrdMap::new(),
            wild_rules: OrdMap::new(),
            routes: OrdMap::new(),
            wild_routes: Handle::new(Vec::new()),
            leading: OrdMap::new(),
            homes: OrdMap::new(),
            sidecars: OrdMap::new(),
            gateways: Handle::new(Vec::new()),
            bound: OrdMap::new(),
            authn: OrdMap::new(),
            authz: OrdMap::new(),
            authenticators: OrdMap::new(),
            filters: OrdMap::new(),
            telemetry: OrdMap::new(),
            addresses: OrdMap::new(),
            selectors: OrdMap::new(),
            private: OrdMap::new(),
        }
    }

    /// From where proxies of a namespace see the mesh.
    pub fn scope(&self, namespace: &Namespace) -> Scope {
        match self.private.get(namespace) {
            Some(_) => Scope::Namespace(namespace.clone()),
            None => Scope::Public,
        }
    }

    /// From where workloads of a namespace see the mesh that a Sidecar applies to. One that lets them see everything
    /// makes no scope of its own.
    pub fn scope_under(&self, namespace: &Namespace, sidecar: Option<&Sidecar>) -> Scope {
        match sidecar.and_then(|s| s.egress.clone()) {
            Some(egress) => Scope::Sidecar(namespace.clone(), egress),
            None => self.scope(namespace),
        }
    }

    /// Whether some Secret of a namespace of a cluster has a private key for gateways.
    pub fn has_keys(&self, cluster: &Str, namespace: &Namespace) -> bool {
        let from = Key { cluster: cluster.clone(), ..Key::new(Kind::Secret, namespace.clone(), Str::default()) };
        let there = |k: &Key| k.kind == Kind::Secret && k.cluster == *cluster && k.namespace == *namespace;
        let own = self.credentials.range(from..).take_while(|(k, _)| there(k));
        own.into_iter().any(|(_, credential)| credential.pair.is_some())
    }

    /// All definitions of all hosts, for debug pages and metrics.
    pub fn services(&self) -> impl Iterator<Item = &Handle<Service>> {
        self.services.values().flat_map(|definitions| definitions.iter())
    }

    /// All endpoints with their host and namespace, for debug pages.
    pub fn endpoints(&self) -> impl Iterator<Item = (&(Host, Namespace), &Handle<Endpoints>)> {
        self.endpoints.iter()
    }
}
