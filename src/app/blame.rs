//! Which objects are behind what a proxy refuses.

use std::fmt::Write;

use tracing::warn;

use crate::api::{Key, Kind};
use crate::engine::Core;
use crate::metrics::Metrics;
use crate::plan::ProxyId;
use crate::wire::ResourceType;
use crate::xds::Rejection;

/// How many refused resources are looked into, and how many objects are named.
const RESOURCES: usize = 4;
const OBJECTS: usize = 8;

/// Names the objects that a refused resource follows from: in the log, in the refusal as `/debug/syncz` tells of it, and
/// as a metric. Where the proxy does not say which of several resources it refuses, nobody is named; those are sent again
/// in smaller groups, so that a later refusal tells.
///
/// Runs on the engine's thread, and costs about as much as planning the resource.
pub(super) fn blame(
    core: &mut Core,
    metrics: &Metrics,
    (id, proxy): (ProxyId, &str),
    kind: ResourceType,
    rejection: &Rejection,
) {
    let resources = rejection.certain();
    let mut objects: Vec<Key> =
        resources.iter().take(RESOURCES).flat_map(|name| core.origins(id, kind, name)).collect();
    objects.sort_by(|a, b| (suspicion(a), a).cmp(&(suspicion(b), b)));
    objects.dedup();
    let Some(cause) = cause(&objects) else { return };
    warn!("{proxy} refuses {} {}; it follows from {cause}", kind.short(), resources.join(", "));
    for key in objects.iter().take(OBJECTS) {
        metrics.delivery.refused_object(kind.short(), [key.kind.as_str(), &key.namespace, &key.name]);
    }
    // Set once: the same refusal is not told twice.
    let _ = rejection.cause.set(cause.into());
}

/// The objects for people, those first in which most mistakes are.
fn cause(objects: &[Key]) -> Option<String> {
    let mut out = String::new();
    for key in objects.iter().take(OBJECTS) {
        let comma = if out.is_empty() { "" } else { ", " };
        let slash = if key.namespace.is_empty() { "" } else { "/" };
        let _ = write!(out, "{comma}{} {}{slash}{}", key.kind.as_str(), key.namespace, key.name);
    }
    if objects.len() > OBJECTS {
        let _ = write!(out, " and {} more", objects.len() - OBJECTS);
    }
    (!out.is_empty()).then_some(out)
}

/// The nearer an object is to what Envoy reads, the likelier it is the cause.
fn suspicion(key: &Key) -> usize {
    const ORDER: &[Kind] = &[
        Kind::EnvoyFilter,
        Kind::Telemetry,
        Kind::RequestAuthentication,
        Kind::AuthorizationPolicy,
        Kind::Gateway,
        Kind::VirtualService,
        Kind::DestinationRule,
        Kind::Sidecar,
        Kind::PeerAuthentication,
        Kind::Secret,
        Kind::Ingress,
        Kind::ServiceEntry,
        Kind::WorkloadEntry,
        Kind::Service,
    ];
    ORDER.iter().position(|kind| *kind == key.kind).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: Kind, name: &str) -> Key {
        Key { kind, namespace: "shop".into(), name: name.into() }
    }

    #[test]
    fn the_likeliest_cause_is_named_first_and_many_are_cut() {
        let mut all = vec![key(Kind::Service, "a"), key(Kind::EnvoyFilter, "b"), key(Kind::VirtualService, "c")];
        all.sort_by_key(suspicion);
        assert_eq!(cause(&all).unwrap(), "EnvoyFilter shop/b, VirtualService shop/c, Service shop/a");
        let many: Vec<Key> = (0..11).map(|i| key(Kind::Service, &format!("s{i}"))).collect();
        assert!(cause(&many).unwrap().ends_with("Service shop/s7 and 3 more"));
        assert_eq!(cause(&[]), None);
    }
}
