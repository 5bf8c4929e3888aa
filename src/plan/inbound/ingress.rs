//! Ports at which a Sidecar says that calls are taken in (istio `pilot/pkg/networking/core/listener_inbound.go`,
//! `buildInboundChainConfigs`).

use std::net::IpAddr;

use crate::api::sidecar::CaptureMode;
use crate::base::Str;
use crate::model::facts::{Ingress, Sidecar};
use crate::plan::cluster::nameless;
use crate::plan::listener::{Interception, addresses, stated_ports};
use crate::proxy::{Flag, Proxy};

use super::Port;

/// The ports, by number; of several with one number the first.
pub(super) fn ports(sidecar: &Sidecar, proxy: &Proxy) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    for listener in &sidecar.ingress {
        let real = is_real(listener, proxy);
        if can_listen(listener, real, proxy) && ports.iter().all(|p| p.target.number != listener.port.number) {
            let own = || address(proxy);
            ports.push(Port {
                target: nameless(sidecar, listener, proxy),
                bind: Some(listener.bind.clone()).filter(|b| !b.is_empty()).unwrap_or_else(own),
                real,
                origin: Some((proxy.namespace.clone(), sidecar.name.clone())),
            });
        }
    }
    ports.sort_by_key(|port| port.target.number);
    ports
}

/// Whether calls go to the listener itself.
fn is_real(listener: &Ingress, proxy: &Proxy) -> bool {
    match listener.capture {
        CaptureMode::Default => Interception::of(proxy) == Interception::None,
        said => said == CaptureMode::None,
    }
}

/// Ports that the proxy uses itself cannot be taken for all addresses, and not every proxy may listen on a port below
/// 1024.
fn can_listen(listener: &Ingress, real: bool, proxy: &Proxy) -> bool {
    let number = listener.port.number;
    let privileged = real && number < 1024 && proxy.metadata.flag("UNPRIVILEGED_POD") == Flag::On;
    let shared = match listener.bind.as_str() {
        "" => listener.port.protocol.is_http(),
        bind => bind == addresses(proxy).0[0],
    };
    !(privileged || (shared && stated_ports(proxy).any(|stated| stated == number)))
}

/// The workload's address, so that others on the machine can have the same port; else the wildcard.
fn address(proxy: &Proxy) -> Str {
    let global = |address: &&Str| address.parse::<IpAddr>().is_ok_and(|ip| is_global_unicast(&ip));
    proxy.addresses.iter().find(global).cloned().unwrap_or_else(|| addresses(proxy).0[0].into())
}

/// As Go means it: neither of the machine, nor of the link, nor of a group, nor of nobody.
fn is_global_unicast(ip: &IpAddr) -> bool {
    let of_link = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || of_link)
}
