//! By which of a service's addresses a proxy reaches it.

use std::net::IpAddr;

use crate::base::Str;
use crate::model::View;
use crate::model::facts::{Registry, Service};
use crate::proxy::Proxy;

/// Which families of addresses a proxy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Families {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Both.
    Both,
}

/// What decides by which of a service's addresses a proxy reaches it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reach {
    /// The families of the proxy's own addresses.
    pub families: Families,
    /// Whether it answers DNS itself, and so knows the addresses that mizzen gave.
    pub allocated: bool,
    /// Its cluster, if services are known there, the control plane's own as ``. Elsewhere only a service's first cluster
    /// IP counts.
    pub cluster: Option<Str>,
}

impl Reach {
    /// What holds for a proxy.
    pub fn of(view: &View<'_>, proxy: &Proxy) -> Self {
        let families = match proxy.families() {
            (true, true) => Families::Both,
            (false, true) => Families::V6,
            (_, false) => Families::V4,
        };
        let known = |cluster: &str| view.distinctions().clusters.contains(cluster);
        let cluster = match proxy.cluster() {
            own if own == view.mesh().cluster.as_str() => Some(Str::new()),
            other => known(other).then(|| other.into()),
        };
        Self { families, allocated: proxy.captures_dns(), cluster }
    }
}

/// The addresses of a definition for a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// These, IPs and ranges. Empty where it has addresses and the proxy can use none of them.
    Known(Vec<Str>),
    /// It has none of its own: headless, or a host nobody gave an address.
    Unspecified,
}

impl Addresses {
    /// The addresses, none if there are none of its own.
    pub fn list(&self) -> &[Str] {
        match self {
            Self::Known(list) => list,
            Self::Unspecified => &[],
        }
    }
}

/// By which addresses a proxy reaches a definition (istio `pilot/pkg/model/service.go`, `getAllAddressesForProxy`).
///
/// A ServiceEntry's own addresses are given whatever their family; istiod takes each of them for a service by itself.
pub fn addresses(service: &Service, reach: &Reach) -> Addresses {
    let there = reach.cluster.as_ref().and_then(|cluster| service.cluster_ips(cluster));
    match (service.registry, there.unwrap_or(&service.addresses)) {
        // To istiod a missing cluster IP is 0.0.0.0, which a proxy without IPv4 cannot use either.
        (Registry::Kubernetes, []) if reach.families == Families::V6 => Addresses::Known(Vec::new()),
        (Registry::Kubernetes, []) => Addresses::Unspecified,
        (Registry::Kubernetes, [first, ..]) if there.is_none() => {
            Addresses::Known(usable(std::slice::from_ref(first), reach.families))
        }
        (Registry::Kubernetes, all) => Addresses::Known(usable(all, reach.families)),
        (Registry::External, []) => {
            let given = service.allocated.iter().filter(|_| reach.allocated).flat_map(|a| [a.v4.clone(), a.v6.clone()]);
            let given = usable(&given.filter(|a| !a.is_empty()).collect::<Vec<_>>(), reach.families);
            if given.is_empty() { Addresses::Unspecified } else { Addresses::Known(given) }
        }
        (Registry::External, own) => Addresses::Known(own.to_vec()),
    }
}

/// Those of the proxy's family. A proxy with both gets those of the family that comes first, never both: istiod sends
/// both only with its feature for dual stack switched on (`pilot/pkg/util/network/ip.go`, `FilterAddressesByIPFamily`).
fn usable(all: &[Str], families: Families) -> Vec<Str> {
    let is_v6 = |address: &Str| address.contains(':');
    let v6 = match families {
        Families::V4 => false,
        Families::V6 => true,
        Families::Both => all.first().is_some_and(is_v6),
    };
    all.iter().filter(|a| is_v6(a) == v6).cloned().collect()
}

/// Whether it is one address and no range.
pub(super) fn is_ip(address: &str) -> bool {
    address.parse::<IpAddr>().is_ok()
}
