//! Rows of one host.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Host, Namespace, Str};
use crate::generate::name::Row;
use crate::model::View;
use crate::model::facts::{Endpoint, Health, Registry, Resolution, Service};

use super::NameFacets;
use super::reach::{Addresses, addresses, is_ip};

/// The order in which istiod takes in services: named exports first, the older before the younger.
type Order = (bool, i64, Str, Namespace);

/// Which of several rows of one name stands: a pod's before a host's, the later service's before the earlier's, as
/// each overwrites what istiod had put there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// The name is the host's own.
    Host,
    /// It is that of a pod of this host.
    Pod(Order, Host),
}

impl Claim {
    /// The host that claims a name.
    pub(super) fn host(&self, name: &Str) -> Cow<'_, Host> {
        match self {
            Self::Host => Cow::Owned(Host::new(name.clone())),
            Self::Pod(_, host) => Cow::Borrowed(host),
        }
    }
}

/// The rows that follow from one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostRows {
    /// The host itself.
    host: Option<Row>,
    /// Its pods' own names.
    pods: Vec<(Order, Row)>,
}

impl HostRows {
    /// All rows, each with its claim to its name.
    pub(super) fn claims(self, host: &Host) -> impl Iterator<Item = (Claim, Row)> {
        let pods = self.pods.into_iter().map(|(order, row)| (Claim::Pod(order, host.clone()), row));
        self.host.map(|row| (Claim::Host, row)).into_iter().chain(pods)
    }
}

/// All rows of a table, by name: what [`super::Names`] puts into one resource, for who puts it into another.
///
/// Reads the definitions of every host there is.
pub fn table(view: &View<'_>, facets: &NameFacets) -> BTreeMap<Str, Row> {
    let mut table: BTreeMap<Str, (Claim, Row)> = BTreeMap::new();
    for host in view.hosts() {
        for (claim, row) in rows(view, facets, host).claims(host) {
            if table.get(&row.name).is_none_or(|(other, _)| *other < claim) {
                table.insert(row.name.clone(), (claim, row));
            }
        }
    }
    table.into_iter().map(|(name, (_, row))| (name, row)).collect()
}

/// The rows of a host. Of several definitions Kubernetes' stands alone; ServiceEntries add up.
pub(super) fn rows(view: &View<'_>, facets: &NameFacets, host: &Host) -> HostRows {
    let mut out = HostRows::default();
    for service in view.definitions(host) {
        let found = match addresses(&service, &facets.reach) {
            Addresses::Known(list) => list.into_iter().filter(|a| is_ip(a)).collect(),
            Addresses::Unspecified => pods(view, facets, &service, &mut out.pods),
        };
        if !found.is_empty() {
            merge(&mut out.host, host, &service, found);
        }
    }
    out
}

fn merge(row: &mut Option<Row>, host: &Host, service: &Service, found: Vec<Str>) {
    match row {
        Some(old) if old.registry == Registry::Kubernetes => {}
        Some(old) if service.registry == Registry::External => old.addresses.extend(found),
        _ => *row = Some(host_row(host, service, found)),
    }
}

fn host_row(host: &Host, service: &Service, addresses: Vec<Str>) -> Row {
    // Services of several clusters have names beside those of their own cluster, which must not be taken for them.
    let derives = service.registry == Registry::Kubernetes && !host.ends_with(".clusterset.local");
    Row {
        name: host.str().clone(),
        addresses,
        registry: service.registry,
        short: if derives { service.name.clone() } else { Str::default() },
        namespace: if derives { service.namespace.clone() } else { Namespace::default() },
    }
}

/// The endpoints behind a host without an address, which callers reach one by one. Adds a row for each pod that has
/// a name under a subdomain, as Kubernetes' own DNS does for StatefulSets.
fn pods(view: &View<'_>, facets: &NameFacets, service: &Service, out: &mut Vec<(Order, Row)>) -> Vec<Str> {
    let mut found = Vec::new();
    if service.resolution != Resolution::Passthrough || service.ports.is_empty() {
        return found;
    }
    let Some(endpoints) = view.endpoints(service) else { return found };
    let parent = service.host.split_once('.').map(|(_, rest)| rest);
    let mut seen = BTreeSet::new();
    let mut named: BTreeMap<Str, Pod> = BTreeMap::new();
    for endpoint in endpoints.list.iter().filter(|e| answers(e, service)) {
        let workload = &endpoint.workload;
        if !seen.insert(endpoint.address()) || !same_or_empty(&workload.network, &facets.network) {
            continue;
        }
        if !workload.subdomain.is_empty() {
            let Some(parent) = parent else { continue };
            let short = Str::from(format!("{}.{}", workload.hostname, workload.subdomain));
            let pod = named.entry(Str::from(format!("{short}.{parent}"))).or_insert_with(|| Pod::new(short));
            let near = same_or_empty(&workload.cluster, &facets.cluster);
            if near { &mut pod.local } else { &mut pod.remote }.extend(endpoint.addresses.iter().cloned());
        }
        found.extend(endpoint.addresses.iter().cloned());
    }
    let order = order(service);
    out.extend(named.into_iter().map(|(name, pod)| (order.clone(), pod.row(name, service))));
    found
}

/// A pod under a name of its own; those of the caller's cluster come before those of others with the same name.
struct Pod {
    short: Str,
    local: Vec<Str>,
    remote: Vec<Str>,
}

impl Pod {
    fn new(short: Str) -> Self {
        Self { short, local: Vec::new(), remote: Vec::new() }
    }

    fn row(self, name: Str, service: &Service) -> Row {
        Row {
            name,
            addresses: if self.local.is_empty() { self.remote } else { self.local },
            registry: service.registry,
            short: self.short,
            namespace: service.namespace.clone(),
        }
    }
}

fn answers(endpoint: &Endpoint, service: &Service) -> bool {
    let ready = service.publish_not_ready || endpoint.health == Health::Healthy;
    ready && endpoint.addresses.iter().all(|a| is_ip(a))
}

fn same_or_empty(a: &str, b: &str) -> bool {
    a.is_empty() || b.is_empty() || a == b
}

fn order(service: &Service) -> Order {
    let public = matches!(service.export_to, crate::model::facts::ExportTo::All);
    (public, service.created, service.name.clone(), service.namespace.clone())
}
