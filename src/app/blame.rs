//! Which objects are behind what a proxy refuses.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing::warn;

use crate::api::{Key, Kind};
use crate::base::Str;
use crate::engine::Core;
use crate::metrics::Metrics;
use crate::plan::ProxyId;
use crate::status::Witness;
use crate::wire::{ResourceType, Version};
use crate::xds::Rejection;

/// How many refused resources are looked into, and how many objects are named.
const RESOURCES: usize = 4;
const OBJECTS: usize = 8;

/// Which objects were found behind a resource. Many proxies refuse one thing for one reason.
#[derive(Default)]
pub(super) struct Blame {
    found: Mutex<Found>,
    /// Who tells the cluster of it, where there is one.
    pub(super) witness: OnceLock<Witness>,
}

/// What was found in one revision.
#[derive(Default)]
struct Found {
    revision: u64,
    objects: BTreeMap<Refused, Arc<[Key]>>,
}

/// A resource with the digest of its bytes.
type Refused = (ResourceType, Str, Version);

impl Blame {
    /// Names the objects that a refused resource follows from: in the log, in the refusal as `/debug/syncz` tells of it,
    /// as a metric, and the likeliest in Events. Where the proxy does not say which of several resources it refuses,
    /// nobody is named; those are sent again in smaller groups, so that a later refusal tells.
    ///
    /// Runs on the engine's thread, and costs about as much as planning the resource, once per revision.
    pub(super) fn lay(
        &self,
        core: &mut Core,
        metrics: &Metrics,
        (id, proxy): (ProxyId, &str),
        kind: ResourceType,
        rejection: &Rejection,
    ) {
        let resources = rejection.certain();
        let found = resources.iter().take(RESOURCES).filter_map(|name| self.behind(core, id, kind, name));
        let mut objects: Vec<Key> = found.flat_map(|keys| keys.to_vec()).collect();
        objects.sort_by(|a, b| (suspicion(a), a).cmp(&(suspicion(b), b)));
        objects.dedup();
        let Some(cause) = cause(&objects) else { return };
        let what = format!("{} {}", kind.short(), named(resources));
        warn!("{proxy} refuses {what}; it follows from {cause}");
        for key in objects.iter().take(OBJECTS) {
            metrics.delivery.refused_object(kind.short(), [key.kind.as_str(), &key.namespace, &key.name]);
        }
        if let Some(witness) = self.witness.get() {
            let survey = core.index().survey();
            let likeliest = objects.iter().take_while(|key| suspicion(key) == suspicion(&objects[0]));
            for object in likeliest.take(OBJECTS).filter_map(|key| survey.object(key)) {
                witness.refused(object, &what, &rejection.message);
            }
        }
        // Set once: the same refusal is not told twice.
        let _ = rejection.cause.set(cause.into());
    }

    /// The objects behind a resource that a proxy should hold; `None` if it should no more.
    fn behind(&self, core: &Core, id: ProxyId, kind: ResourceType, name: &Str) -> Option<Arc<[Key]>> {
        let version = core.plan().publication(id)?.of(kind).get(name)?.version();
        let revision = core.index().snapshot().revision;
        let mut found = self.found.lock();
        if found.revision != revision {
            *found = Found { revision, ..Found::default() };
        }
        let refused = (kind, name.clone(), version);
        Some(Arc::clone(found.objects.entry(refused).or_insert_with(|| core.origins(id, kind, name).into())))
    }
}

/// The resources for people: those that are looked into, and how many there are besides.
fn named(resources: &[Str]) -> String {
    let (first, more) = resources.split_at(resources.len().min(RESOURCES));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    format!("{}{more}", first.join(", "))
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
        Key::new(kind, "shop".into(), name.into())
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

    #[test]
    fn of_many_refused_resources_the_first_are_named() {
        let names: Vec<Str> = (0..6).map(|i| format!("c{i}").into()).collect();
        assert_eq!(named(&names), "c0, c1, c2, c3 and 2 more");
        assert_eq!(named(&names[..1]), "c0");
    }
}
