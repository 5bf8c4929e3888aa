//! How networks are entered from outside.

use crate::base::Str;

use super::handle::Handle;

/// Gateways into all networks that have some.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Networks {
    /// Those at an IP, to which endpoints can be sent.
    pub at_addresses: Handle<Gateways>,
    /// Those with a DNS name too, for clusters whose names the proxy resolves.
    pub all: Handle<Gateways>,
}

/// A place at which a network is entered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gateway {
    /// An IP or a DNS name.
    pub address: Str,
    /// The port; 0 where it takes no calls of sidecars (istio `pilot/pkg/serviceregistry/kube/controller/network.go`,
    /// `getGatewayDetails`: a gateway of the ambient mesh alone).
    pub port: u16,
    /// The network that it leads into.
    pub network: Str,
    /// The cluster that it stands in; empty where nobody says.
    pub cluster: Str,
}

/// Gateways, in the order in which istiod lists them: by address and port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gateways {
    list: Vec<Gateway>,
    scale: u32,
}

impl Gateways {
    /// Gateways, each once.
    pub fn new(mut list: Vec<Gateway>) -> Self {
        list.sort();
        list.dedup();
        let scale = scale(&list);
        Self { list, scale }
    }

    /// All of them.
    pub fn all(&self) -> &[Gateway] {
        &self.list
    }

    /// Whether no network is entered by a gateway, so that everything is reached directly.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// By which factor weights are multiplied so that every network's gateways can share one evenly: the least common
    /// multiple of how many there are per network, and per network and cluster. At least 1.
    pub fn scale(&self) -> u32 {
        self.scale.max(1)
    }

    /// The gateways into a network for endpoints of a cluster: those in that cluster, else all of the network (istio
    /// `pilot/pkg/xds/endpoints/ep_filters.go`, `selectNetworkGateways`).
    pub fn into_network(&self, network: &str, cluster: &str) -> Vec<&Gateway> {
        let of_network = || self.list.iter().filter(move |g| g.network == network);
        let mut found: Vec<&Gateway> = of_network().filter(|g| g.cluster == cluster).collect();
        if found.is_empty() {
            found = of_network().collect();
        }
        found.retain(|g| g.port != 0);
        found
    }
}

fn scale(list: &[Gateway]) -> u32 {
    let same_network = |g: &&Gateway| list.iter().filter(|o| o.network == g.network).count();
    let same_cluster = |g: &&Gateway| list.iter().filter(|o| o.network == g.network && o.cluster == g.cluster).count();
    let counts = list.iter().flat_map(|g| [same_network(&g), same_cluster(&g)]);
    let multiple = counts.fold(1_u64, |multiple, n| lcm(multiple, n as u64));
    // More gateways than that share nothing evenly, and weights would be cut off.
    u32::try_from(multiple).unwrap_or(u32::MAX)
}

fn lcm(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}

#[cfg(test)]
mod tests;
