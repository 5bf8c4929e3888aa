//! The virtual hosts of a listener that reaches every port: a forward proxy, or a Unix socket.
//!
//! As the port is for the call to say, names stand with and without it; without it they mean port 80 (istio
//! `pilot/pkg/networking/core/httproute.go`, `mergeAllVirtualHosts`). Routes are those of the port that is called, where
//! istiod takes those of port 0 and so names clusters that no service has.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Host, Namespace, Str};
use crate::generate::route::VirtualHost;

use super::host::Candidate;
use super::port::virtual_host;

/// The routes of the listener at which applications may use the proxy as an HTTP proxy.
pub(super) const HTTP_PROXY: &str = "http_proxy";

/// What a host gives on each port.
pub(super) type Ports = BTreeMap<u16, Candidate>;

/// The virtual hosts of some hosts as seen from a namespace. Those of VirtualServices alone are none of them. Who has a
/// name is decided as on single ports.
pub(super) fn hosts<'p>(hosts: impl Iterator<Item = (&'p Host, &'p Ports)>, namespace: &Namespace) -> Vec<VirtualHost> {
    let all = hosts.flat_map(|(host, ports)| ports.iter().map(move |(port, c)| (host, *port, c)));
    let mut all: Vec<(&Host, u16, &Candidate)> = all.filter(|(.., c)| c.known).collect();
    all.sort_by(|a, b| (&a.2.rank, a.0, a.1).cmp(&(&b.2.rank, b.0, b.1)));
    let full: BTreeSet<&str> = all.iter().map(|(host, ..)| host.as_str()).collect();
    let mut taken: BTreeSet<Str> = BTreeSet::new();
    let mut out = Vec::new();
    for (host, port, candidate) in all {
        let mut names = Vec::new();
        for domain in candidate.names.seen_from(namespace) {
            let yields = domain.derived && full.contains(domain.text.as_str());
            let bare = (port == 80 && !yields).then(|| domain.text.clone());
            let with_port = Str::from(format!("{}:{port}", domain.text));
            names.extend(bare.into_iter().chain([with_port]).filter(|name| taken.insert(name.clone())));
        }
        out.extend(virtual_host(host, port, candidate, names));
    }
    out
}
