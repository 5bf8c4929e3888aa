//! Patches of clusters (istio `cluster_patch.go`).

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::TransportSocket;
use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType;

use crate::api::envoy_filter::{ApplyTo, ClusterMatch, ObjectMatch, Operation};
use crate::model::facts::{Patch, PatchSet};

use super::merge::{keeps_name, merge, merge_any, value};
use super::run::Run;

pub(super) fn patch(run: &Run<'_>, mut cluster: Cluster) -> Option<Cluster> {
    for (at, patch) in run.of(ApplyTo::Cluster) {
        if !matches(run.set, &cluster, patch) {
            continue;
        }
        match patch.operation {
            Operation::Remove => return None,
            operation if operation.is_merge() => run.settle(at, merge_cluster(&mut cluster, patch)),
            _ => {}
        }
    }
    Some(cluster)
}

/// A value with a transport socket speaks of that alone: merged into the one of the same name, or put in place of
/// another; but where there are sockets to choose from, there can be none beside them.
fn merge_cluster(cluster: &mut Cluster, patch: &Patch) -> Result<(), String> {
    let from: Cluster = value(patch).unwrap_or_default();
    keeps_name(&cluster.name, &from.name)?;
    let Some(socket) = from.transport_socket else { return merge(cluster, patch) };
    if cluster.transport_socket_matches.is_empty() {
        return match &mut cluster.transport_socket {
            Some(there) if there.name == socket.name => merge_socket(there, &socket),
            there => {
                *there = Some(socket);
                Ok(())
            }
        };
    }
    let mut sockets = cluster.transport_socket_matches.iter_mut().filter_map(|m| m.transport_socket.as_mut());
    match sockets.find(|there| there.name == socket.name) {
        Some(there) => merge_socket(there, &socket),
        None => Err(format!("{} has transport sockets to choose from, none of them {}", cluster.name, socket.name)),
    }
}

/// Merges what configures a transport socket.
pub(super) fn merge_socket(into: &mut TransportSocket, from: &TransportSocket) -> Result<(), String> {
    match (&mut into.config_type, &from.config_type) {
        (Some(ConfigType::TypedConfig(into)), Some(ConfigType::TypedConfig(from))) => merge_any(into, from),
        _ => Ok(()),
    }
}

fn matches(set: &PatchSet, cluster: &Cluster, patch: &Patch) -> bool {
    let Some(ObjectMatch::Cluster(wanted)) = patch.object() else { return true };
    let ClusterMatch { port_number, service, subset, name } = wanted;
    if !name.is_empty() {
        return cluster.name == **name;
    }
    let said = Said::of(&cluster.name);
    // A cluster for calls in says no service in its name; all that arrive at its port count.
    let services = set.services.iter().find(|(port, _)| said.direction == "inbound" && u32::from(*port) == said.port);
    let serves = || match services {
        Some((_, hosts)) => hosts.iter().any(|host| **host == **service),
        None => *said.host == **service,
    };
    (subset.is_empty() || *said.subset == **subset)
        && (service.is_empty() || serves())
        && (*port_number == 0 || said.port == *port_number)
}

/// What the name of a cluster says, in either of Istio's two forms (istio `ParseSubsetKey`).
#[derive(Default)]
pub(super) struct Said<'n> {
    direction: &'n str,
    pub(super) port: u32,
    subset: &'n str,
    host: &'n str,
}

impl<'n> Said<'n> {
    pub(super) fn of(name: &'n str) -> Self {
        let by_dns = name.starts_with("outbound_.") || name.starts_with("inbound_.");
        let mut parts = name.splitn(4, if by_dns { "_." } else { "|" });
        let Some((direction, rest)) = parts.next().zip(parts.next()) else { return Self::default() };
        let port = rest.parse().unwrap_or_default();
        Self { direction, port, subset: parts.next().unwrap_or_default(), host: parts.next().unwrap_or_default() }
    }
}
