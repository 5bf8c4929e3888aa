//! The proxy's own listeners (statistics, readiness) and the clusters that only the bootstrap can name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value, json};

use super::{Discovery, Options};

/// The control plane.
pub(super) const XDS_CLUSTER: &str = "xds-grpc";
/// The agent's secret service, under the name that istiod's transport sockets use.
const SDS_CLUSTER: &str = "sds-grpc";
/// Envoy's own administration interface, under the name of Istio's bootstrap.
const ADMIN_CLUSTER: &str = "prometheus_stats";

pub(super) fn socket_address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn pipe(path: &Path) -> Value {
    json!({"pipe": {"path": path.display().to_string()}})
}

pub(super) fn clusters(options: &Options) -> Vec<Value> {
    let mut clusters =
        vec![control_plane(options), cluster(ADMIN_CLUSTER, "STATIC", socket_address(reached(options.admin)))];
    if let Some(socket) = &options.sds_socket {
        let mut agent = cluster(SDS_CLUSTER, "STATIC", pipe(socket));
        agent["typed_extension_protocol_options"] = http2(json!({}));
        clusters.push(agent);
    }
    clusters
}

/// Where a server that listens at `address` is reached from the same machine.
fn reached(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

/// A control plane that vanished without a word is noticed by pings within a minute. A name is looked up again every
/// five seconds, Envoy's default, because a replaced control plane has a new address.
fn control_plane(options: &Options) -> Value {
    let (kind, address) = match &options.discovery {
        Discovery::Port { host, port } => {
            let kind = if host.parse::<IpAddr>().is_ok() { "STATIC" } else { "STRICT_DNS" };
            (kind, json!({"socket_address": {"address": host, "port_value": port}}))
        }
        Discovery::Socket(path) => ("STATIC", pipe(path)),
    };
    let mut cluster = cluster(XDS_CLUSTER, kind, address);
    cluster["typed_extension_protocol_options"] =
        http2(json!({"connection_keepalive": {"interval": "30s", "timeout": "10s"}}));
    cluster["upstream_connection_options"] = json!({"tcp_keepalive": {"keepalive_time": 300}});
    cluster
}

fn cluster(name: &str, kind: &str, address: Value) -> Value {
    json!({
        "name": name,
        // The semicolon ends the name in statistics, see `stats_config`.
        "alt_stat_name": format!("{name};"),
        "type": kind,
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address}}]}]},
    })
}

fn http2(options: Value) -> Value {
    json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": options},
    }})
}

pub(super) fn listeners(options: &Options) -> Vec<Value> {
    let statistics = ("/stats/prometheus", "/stats/prometheus");
    let readiness = ("/healthz/ready", "/ready");
    let ports = &options.ports;
    [(ports.prometheus, vec![statistics]), (ports.status, vec![statistics, readiness]), (ports.health, vec![readiness])]
        .into_iter()
        .filter_map(|(port, paths)| Some(listener(SocketAddr::new(any_address(options), port?), &paths)))
        .collect()
}

fn any_address(options: &Options) -> IpAddr {
    if options.workload.ips.first().is_some_and(IpAddr::is_ipv6) {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    }
}

/// A listener that answers each `(path, path of the admin interface)` and nothing else. It stands outside overload
/// protection: a scrape must tell about an overloaded proxy.
fn listener(address: SocketAddr, paths: &[(&str, &str)]) -> Value {
    let routes: Vec<Value> = (paths.iter())
        .map(|(path, target)| {
            json!({
                "match": {"path": path},
                "route": {"cluster": ADMIN_CLUSTER, "prefix_rewrite": target, "timeout": "15s"},
            })
        })
        .collect();
    json!({
        "name": format!("{}_{}", address.ip(), address.port()),
        "address": socket_address(address),
        "ignore_global_conn_limit": true,
        "bypass_overload_manager": true,
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": format!("agent_{};", address.port()),
                "route_config": {"virtual_hosts": [{"name": "agent", "domains": ["*"], "routes": routes}]},
                "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
            },
        }]}],
    })
}
