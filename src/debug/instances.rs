//! `instancesz`: the services for which the workload beside each proxy answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::endpoints::registry_name;
use super::registry::{Port, Service, registry};
use crate::api::Object;
use crate::base::Str;
use crate::model::Snapshot;
use crate::model::facts::Target;

/// By proxy; `null` where there is none.
pub type Instances = BTreeMap<Str, Option<Vec<Instance>>>;

/// A port of a service and where it ends at the workload (istiod's `ServiceTarget`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Instance {
    /// The service.
    pub service: Arc<Service>,
    /// The port.
    pub port: TargetPort,
}

/// A service's port, and the workload's.
#[derive(Debug, Serialize)]
pub struct TargetPort {
    #[serde(flatten)]
    of_service: Port,
    #[serde(rename = "TargetPort")]
    target: u16,
}

/// For each proxy what it answers for, given by name. `objects` are as for [`registry`].
pub fn instances(snapshot: &Snapshot, objects: &[Arc<Object>], proxies: Vec<(Str, Vec<Target>)>) -> Instances {
    let services: Vec<Arc<Service>> = registry(snapshot, objects).into_iter().map(Arc::new).collect();
    let mut known = BTreeMap::new();
    for service in &services {
        let at = &service.attributes;
        known.entry((service.hostname.clone(), at.namespace.clone(), at.service_registry)).or_insert(service);
    }
    let instance = |target: &Target| {
        let service = known.get(&(target.host.clone(), target.namespace.clone(), registry_name(target.registry)))?;
        Some(Instance {
            service: Arc::clone(service),
            port: TargetPort { of_service: Port::of(&target.port), target: target.number },
        })
    };
    let of_proxy = |targets: Vec<Target>| {
        let all: Vec<Instance> = targets.iter().filter_map(instance).collect();
        (!all.is_empty()).then_some(all)
    };
    proxies.into_iter().map(|(name, targets)| (name, of_proxy(targets))).collect()
}
