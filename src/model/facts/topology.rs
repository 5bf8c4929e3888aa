//! Labels by which Istio says where something runs, and the preferences that compare them.

use crate::base::{Labels, Locality, Str};

/// The region of a node.
pub const REGION: &str = "topology.kubernetes.io/region";
/// The zone of a node.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// The part of a zone.
pub const SUB_ZONE: &str = "topology.istio.io/subzone";
/// The cluster.
pub const CLUSTER: &str = "topology.istio.io/cluster";
/// The network.
pub const NETWORK: &str = "topology.istio.io/network";
/// The node.
pub const NODE: &str = "kubernetes.io/hostname";

/// Labels with those added that subsets and preferences may ask for (istio `serviceregistry/util/label`,
/// `AugmentLabels`). What is empty adds nothing, and a network that labels state themselves stays.
pub fn augment(labels: &Labels, locality: &Locality, cluster: &str, node: &str, network: &str) -> Labels {
    let mut out = labels.clone();
    let added = [
        (REGION, locality.region.as_str()),
        (ZONE, &locality.zone),
        (SUB_ZONE, &locality.sub_zone),
        (CLUSTER, cluster),
        (NODE, node),
    ];
    out.extend(added.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.into(), v.into())));
    if !network.is_empty() {
        out.entry(NETWORK.into()).or_insert_with(|| network.into());
    }
    out
}

/// A failover priority: a label, and the value to look for where it is not the caller's own (`label=value`).
pub fn priority(written: &str) -> (&str, Option<&str>) {
    let mut parts = written.split('=');
    let label = parts.next().unwrap_or_default();
    match (parts.next(), parts.next()) {
        (Some(value), None) => (label, Some(value)),
        _ => (label, None),
    }
}

/// A locality stated by a label, dots for slashes allowed.
pub fn stated_locality(labels: &Labels) -> Option<Str> {
    let label = labels.get("topology.istio.io/locality").or_else(|| labels.get("istio-locality"))?;
    match (label.is_empty(), label.contains('/')) {
        (true, _) => None,
        (false, true) => Some(label.clone()),
        (false, false) => Some(label.replace('.', "/").into()),
    }
}
