//! Who may talk to whom, as far as the configuration says so.
//!
//! Without a Sidecar a workload may call everything, which is no news and no line: lines are what somebody wrote down.
//! That are Sidecars (from their workloads to what they let through), routes of VirtualServices (from the host that is
//! called to where the calls go), Gateways (to where their VirtualServices lead), and ServiceEntries for what is outside
//! the mesh (from any workload that no Sidecar restricts).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Ask, Edges, Party, Talk};
use crate::base::{Host, Labels, Namespace, Str};
use crate::model::facts::{Egress, ExportTo, Handle, Service, Sidecar, VirtualService};
use crate::model::{Scope, Snapshot, View};
use crate::page::services::kind;

/// How many lines are kept at most; what is more is counted.
const MOST: usize = 50_000;

/// Who may talk to whom, and who is who.
pub struct Mesh {
    snapshot: Snapshot,
    edges: Edges,
    /// The service behind which workloads stand, by their namespace and name.
    behind: BTreeMap<(Namespace, Str), Party>,
    restricted: usize,
    unrestricted: usize,
    left_out: usize,
}

/// `GET /ui/api/talk`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct May {
    /// The rows and the drawing.
    #[serde(flatten)]
    pub talk: Talk,
    /// How many workloads a Sidecar restricts.
    pub restricted: usize,
    /// How many workloads may call everything that is exported to them.
    pub unrestricted: usize,
    /// How many lines are too many to be shown.
    pub left_out: usize,
}

/// Who may talk to whom in one revision. O(what Sidecars let through, routes, addresses).
pub fn configured(snapshot: Snapshot) -> Mesh {
    let behind = behind(&snapshot);
    let (edges, restricted, unrestricted, left_out) = (Edges::new(), 0, 0, 0);
    let mut mesh = Mesh { snapshot, edges, behind, restricted, unrestricted, left_out };
    let snapshot = mesh.snapshot.clone();
    mesh.sidecars(&snapshot);
    for route in snapshot.virtual_services().values() {
        mesh.route(route);
    }
    if mesh.unrestricted > 0 {
        snapshot.services().filter(|s| s.external).for_each(|service| mesh.outside(service));
    }
    mesh
}

impl Mesh {
    /// The rows that are asked for, and the drawing.
    pub fn may(&self, ask: &Ask) -> May {
        let Self { restricted, unrestricted, left_out, .. } = *self;
        May { talk: Talk::of(&self.edges, ask), restricted, unrestricted, left_out }
    }

    /// Who answers to a host.
    pub(in crate::page) fn host(&self, host: &Host) -> Party {
        match self.snapshot.definitions(host).first() {
            Some(service) => party(service),
            None => Party::Unknown { name: host.str().clone() },
        }
    }

    /// Who workloads are: the service that they stand behind, if there is one.
    pub(in crate::page) fn workload(&self, namespace: &Namespace, name: &Str) -> Party {
        let key = (namespace.clone(), name.clone());
        let own = || Party::Workload { name: name.clone(), namespace: namespace.clone() };
        self.behind.get(&key).cloned().unwrap_or_else(own)
    }

    fn add(&mut self, from: Party, to: Party, why: String) {
        if from == to {
            return;
        }
        let key = (from, to);
        if self.edges.len() >= MOST && !self.edges.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        self.edges.entry(key).or_default().why.insert(why);
    }

    /// What Sidecars let their workloads reach.
    fn sidecars(&mut self, snapshot: &Snapshot) {
        let public = View::new(snapshot, &Scope::Public);
        let mut reach: BTreeMap<(Namespace, Handle<Egress>), BTreeSet<Host>> = BTreeMap::new();
        for ((namespace, name), labels) in workloads(snapshot) {
            let sidecar = public.sidecar(&namespace, || labels.clone());
            let Some((sidecar, egress)) = sidecar.as_ref().and_then(|s| Some((s, s.egress.clone()?))) else {
                self.unrestricted += 1;
                continue;
            };
            self.restricted += 1;
            let key = (namespace.clone(), egress);
            let reached = reach.entry(key).or_insert_with(|| reached(snapshot, &namespace, sidecar)).clone();
            let from = self.workload(&namespace, &name);
            for host in reached {
                let to = self.host(&host);
                self.add(from.clone(), to, format!("Sidecar {}/{} lets it through", sidecar.namespace, sidecar.name));
            }
        }
    }

    /// Where calls to the hosts of a VirtualService, or to its Gateways, go.
    fn route(&mut self, route: &VirtualService) {
        let callers = route.gateways.iter().flat_map(|gateway| match gateway.as_str() {
            "mesh" => route.hosts.iter().map(|host| self.host(host)).collect(),
            _ => vec![Party::Gateway { name: gateway.clone() }],
        });
        let callers: Vec<Party> = callers.collect();
        let routes = route.http.iter().flat_map(|http| http.route.iter().map(|r| &r.destination));
        let bytes = route.tcp.iter().map(|r| &r.route).chain(route.tls.iter().map(|r| &r.route)).flatten();
        let mirrors = route.http.iter().flat_map(|h| h.mirror.iter().chain(h.mirrors.iter().map(|m| &m.destination)));
        let routed = routes.chain(bytes.map(|r| &r.destination)).map(|d| (d, "routes"));
        for (destination, verb) in routed.chain(mirrors.map(|d| (d, "mirrors"))) {
            let to = self.host(&Host::new(destination.host.clone()));
            for from in &callers {
                let why = format!("VirtualService {}/{} {verb} calls to it", route.namespace, route.name);
                self.add(from.clone(), to.clone(), why);
            }
        }
    }

    /// Who may reach a service outside the mesh.
    fn outside(&mut self, service: &Service) {
        let namespace = match &service.export_to {
            ExportTo::All => String::new(),
            ExportTo::Only(none) if none.is_empty() => return,
            ExportTo::Only(some) => some.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", "),
        };
        let why = format!("{} {}/{} names it", kind(service), service.namespace, service.object);
        self.add(Party::Anyone { namespace }, party(service), why);
    }
}

fn party(service: &Service) -> Party {
    let (host, namespace) = (service.host.clone(), service.namespace.clone());
    if service.external { Party::External { host, namespace } } else { Party::Service { host, namespace } }
}

/// The first service, by its host, that workloads stand behind.
fn behind(snapshot: &Snapshot) -> BTreeMap<(Namespace, Str), Party> {
    let mut behind = BTreeMap::new();
    for ((host, namespace), endpoints) in snapshot.endpoints() {
        let Some(service) = snapshot.definitions(host).iter().find(|s| s.namespace == *namespace) else { continue };
        for workload in endpoints.list.iter().map(|e| &e.workload).filter(|w| !w.name.is_empty()) {
            let key = (workload.namespace.clone(), workload.name.clone());
            behind.entry(key).or_insert_with(|| party(service));
        }
    }
    behind
}

/// All workloads with the labels of one instance.
fn workloads(snapshot: &Snapshot) -> BTreeMap<(Namespace, Str), Labels> {
    let known = snapshot.instances().filter_map(|instance| instance.workload.as_ref());
    let named = known.filter(|workload| !workload.name.is_empty());
    named.map(|w| ((w.namespace.clone(), w.name.clone()), w.labels.clone())).collect()
}

/// The hosts that a Sidecar lets workloads of a namespace reach.
fn reached(snapshot: &Snapshot, namespace: &Namespace, sidecar: &Sidecar) -> BTreeSet<Host> {
    let scope = snapshot.scope_under(namespace, Some(sidecar));
    let view = View::new(snapshot, &scope);
    let hosts = view.hosts().filter(|host| view.service(host).is_some());
    hosts.cloned().collect()
}
