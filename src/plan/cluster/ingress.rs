//! Where a Sidecar's listeners hand calls on to (istio `pilot/pkg/networking/core/cluster.go`,
//! `buildInboundClustersFromSidecar`).

use std::net::IpAddr;

use crate::api::destination_rule::ConnectionPool;
use crate::base::{Host, Str};
use crate::generate::cluster::Application;
use crate::model::facts::{Handle, Ingress, Registry, Sidecar, Target};
use crate::proxy::Proxy;

/// A Sidecar's listener as a cluster needs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IngressTarget {
    /// The service that arrives at the port, or one that stands for the listener; its port is the listener's.
    pub target: Target,
    /// Whether no service arrives at the port.
    pub nameless: bool,
    /// Where the application listens.
    pub application: Application,
    /// Limits of connections to this port.
    pub pool: Option<Handle<ConnectionPool>>,
}

/// The listeners of a Sidecar, but for those whose endpoint says no port.
pub(super) fn ingress(sidecar: &Sidecar, found: &[Target], proxy: &Proxy) -> Vec<IngressTarget> {
    let targets = sidecar.ingress.iter().filter_map(|listener| {
        let service = found.iter().find(|t| t.number == listener.port.number);
        let port = listener.port.clone();
        let target = match service {
            Some(service) => Target { port, ..service.clone() },
            None => nameless(sidecar, listener, proxy),
        };
        Some(IngressTarget {
            target,
            nameless: service.is_none(),
            application: application(&listener.endpoint, proxy)?,
            pool: listener.pool.clone(),
        })
    });
    let mut ports: Vec<IngressTarget> = Vec::new();
    for new in targets {
        if ports.iter().all(|old| old.target.number != new.target.number) {
            ports.push(new);
        }
    }
    ports
}

/// What stands for a listener: a host after the Sidecar, in the workload's namespace.
pub(in crate::plan) fn nameless(sidecar: &Sidecar, listener: &Ingress, proxy: &Proxy) -> Target {
    Target {
        host: Host::new(format!("{}.{}", sidecar.name, proxy.namespace)),
        name: sidecar.name.clone(),
        namespace: proxy.namespace.clone(),
        registry: Registry::External,
        port: listener.port.clone(),
        number: listener.port.number,
    }
}

/// `127.0.0.1` and `::1` are the workload's own machine, `0.0.0.0` and `::` the address of its pod. `None` where a port
/// is missing; then nothing is handed on.
fn application(endpoint: &str, proxy: &Proxy) -> Option<Application> {
    if endpoint.is_empty() {
        return Some(Application::Called);
    }
    if let Some(path) = endpoint.strip_prefix("unix://") {
        return Some(Application::Pipe(path.into()));
    }
    let (host, port) = endpoint.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let (v4, v6) = proxy.families();
    let own = |wanted: bool, preferred: &str, other: &str| Str::from(if wanted { preferred } else { other });
    let of_pod = |is_wanted: fn(&IpAddr) -> bool, default: &str| {
        let mut addresses = proxy.addresses.iter();
        addresses.find(|a| a.parse().is_ok_and(|ip| is_wanted(&ip))).cloned().unwrap_or_else(|| default.into())
    };
    Some(match host.trim_start_matches('[').trim_end_matches(']') {
        "0.0.0.0" => Application::Socket(of_pod(IpAddr::is_ipv4, "127.0.0.1"), port),
        "::" => Application::Socket(of_pod(IpAddr::is_ipv6, "::1"), port),
        "127.0.0.1" => Application::Socket(own(v4, "127.0.0.1", "::1"), port),
        "::1" => Application::Socket(own(v6, "::1", "127.0.0.1"), port),
        _ => Application::Called,
    })
}
