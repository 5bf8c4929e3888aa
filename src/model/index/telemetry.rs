//! Telemetries by namespace.

use crate::api::{Kind, Object, Spec};
use crate::model::facts::Telemetry;
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, put};

impl Index {
    pub(super) fn derive_telemetry(&mut self, dirty: &Dirty, changes: &mut Changes) {
        for namespace in &dirty.telemetry {
            let list = self.by_age(Kind::Telemetry, namespace, telemetry);
            if put(&mut self.snapshot.telemetry, namespace, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Telemetry(namespace.clone()));
            }
        }
    }
}

fn telemetry(object: &Object) -> Option<Telemetry> {
    let Spec::Telemetry(spec) = &object.spec else { return None };
    let targets: Vec<_> = spec.targets().collect();
    let home = object.meta.namespace.as_str();
    Some(Telemetry {
        name: object.meta.name.clone(),
        created: object.meta.created,
        selector: spec.selector.as_ref().map(|s| s.match_labels.clone()).unwrap_or_default(),
        gateways: (!targets.is_empty()).then(|| {
            let here = |namespace: &str| namespace.is_empty() || namespace == home;
            let mut found = targets;
            found.retain(|t| t.kind == "Gateway" && t.group == "gateway.networking.k8s.io" && here(&t.namespace));
            found.into_iter().map(|t| t.name.clone()).collect()
        }),
        tracing: spec.tracing.clone(),
        metrics: spec.metrics.clone(),
        logging: spec.access_logging.clone(),
    })
}
