//! `sidecarz`: what a proxy sees of the mesh, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::endpoints::{Empty, registry_name};
use super::registry::{Service, registry};
use crate::api::Object;
use crate::base::{Host, Labels, Namespace, Str};
use crate::model::{Scope, Snapshot, View};

/// istiod's `SidecarScope`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are istiod's")]
pub struct SidecarScope {
    /// For each host the rules in force, of which istiod prints nothing but that they are there.
    pub destination_rules: BTreeMap<Host, Vec<Empty>>,
    /// The services of each listener of the Sidecar; `null` for one that lets everything through.
    pub egress_listener_services: Vec<Option<Vec<Arc<Service>>>>,
    pub name: Str,
    pub namespace: Namespace,
    pub outbound_traffic_policy: Value,
    pub services: Vec<Arc<Service>>,
    pub services_by_hostname: BTreeMap<Host, Arc<Service>>,
    /// The Sidecar as it is written; `null` where none applies.
    pub sidecar: Value,
    /// The revision that this is of.
    pub version: String,
}

/// What a proxy of a namespace sees from a scope. `sidecar` is the object that applies to it. O(services).
pub fn sidecar_scope(
    snapshot: &Snapshot,
    (scope, namespace): (&Scope, &Namespace),
    sidecar: Option<&Object>,
    objects: &[Arc<Object>],
) -> SidecarScope {
    let mut known: BTreeMap<_, Vec<Arc<Service>>> = BTreeMap::new();
    for service in registry(snapshot, objects) {
        let at = &service.attributes;
        let key = (service.hostname.clone(), at.namespace.clone(), at.service_registry);
        known.entry(key).or_default().push(Arc::new(service));
    }
    let view = View::new(snapshot, scope);
    let printed = |view: &View<'_>, host: &Host| {
        let of = |s: &crate::model::facts::Service| (s.host.clone(), s.namespace.clone(), registry_name(s.registry));
        let definitions = view.definitions(host);
        definitions.iter().filter_map(|s| known.get(&of(s))).flatten().cloned().collect::<Vec<_>>()
    };
    let hosts: Vec<&Host> = view.hosts().collect();
    let mut services = Vec::new();
    let (mut by_host, mut rules) = (BTreeMap::new(), BTreeMap::new());
    for host in &hosts {
        let all = printed(&view, host);
        let Some(first) = view.service(host) else { continue };
        let counts = |s: &&Arc<Service>| s.attributes.service_registry == registry_name(first.registry);
        by_host.extend(all.iter().find(counts).map(|s| ((*host).clone(), s.clone())));
        if view.rule(&first, &Labels::new()).is_some() {
            rules.insert((*host).clone(), vec![Empty {}]);
        }
        services.extend(all);
    }
    let listeners = view.egress().map_or(1, |egress| egress.listeners.len());
    let of_listener = |index: usize| {
        view.egress().map(|_| {
            let through = view.through(index);
            hosts.iter().flat_map(|host| printed(&through, host)).collect()
        })
    };
    let spec = sidecar.map(|s| s.to_json()["spec"].clone()).unwrap_or_default();
    SidecarScope {
        destination_rules: rules,
        egress_listener_services: (0..listeners).map(of_listener).collect(),
        name: sidecar.map_or_else(|| "default-sidecar".into(), |s| s.meta.name.clone()),
        namespace: namespace.clone(),
        outbound_traffic_policy: spec.get("outboundTrafficPolicy").cloned().unwrap_or_default(),
        services,
        services_by_hostname: by_host,
        sidecar: spec,
        version: snapshot.revision.to_string(),
    }
}
