//! EnvoyFilters by namespace.

use crate::api::envoy_filter::{ApplyTo, EnvoyFilter, Operation};
use crate::api::{Kind, Object, Spec};
use crate::base::Namespace;
use crate::model::facts::{Filter, Handle, Patch};
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, put};

impl Index {
    pub(super) fn derive_filters(&mut self, dirty: &Dirty, changes: &mut Changes) {
        for namespace in &dirty.filters {
            let mut list: Vec<Filter> = self.of_kind(Kind::EnvoyFilter, namespace).filter_map(|o| filter(o)).collect();
            list.sort_by(|a, b| (a.priority, a.created, &a.name).cmp(&(b.priority, b.created, &b.name)));
            if put(&mut self.snapshot.filters, namespace, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Filters(namespace.clone()));
            }
        }
    }
}

fn filter(object: &Object) -> Option<Filter> {
    let Spec::EnvoyFilter(spec) = &object.spec else { return None };
    let patches: Vec<_> = patches(&object.meta.namespace, object, spec).map(Handle::new).collect();
    (!patches.is_empty()).then(|| Filter {
        name: object.meta.name.clone(),
        priority: spec.priority,
        created: object.meta.created,
        selector: spec.workload_selector.as_ref().map(|s| s.labels.clone()).unwrap_or_default(),
        gateways: (!spec.target_refs.is_empty()).then(|| {
            let gateway = |r: &&crate::api::envoy_filter::TargetRef| {
                r.kind == "Gateway" && r.group == "gateway.networking.k8s.io" && r.namespace.is_empty()
            };
            spec.target_refs.iter().filter(gateway).map(|r| r.name.clone()).collect()
        }),
        patches,
    })
}

fn patches<'o>(
    namespace: &'o Namespace,
    object: &'o Object,
    spec: &'o EnvoyFilter,
) -> impl Iterator<Item = Patch> + use<'o> {
    spec.config_patches.iter().enumerate().filter_map(move |(index, config)| {
        let patch = config.patch.as_ref().filter(|p| p.usable)?;
        Some(Patch {
            namespace: namespace.clone(),
            filter: object.meta.name.clone(),
            index,
            apply_to: config.apply_to,
            operation: operation(config.apply_to, patch.operation),
            matches: config.r#match.clone().unwrap_or_default(),
            message: patch.message.clone(),
            extensions: patch.extensions.clone(),
        })
    })
}

/// Where order means nothing, to insert is to add (istio `pilot/pkg/model/envoyfilter.go`).
fn operation(apply_to: ApplyTo, operation: Operation) -> Operation {
    use ApplyTo::{HttpFilter, HttpRoute, ListenerFilter, NetworkFilter};
    match operation {
        Operation::InsertBefore | Operation::InsertAfter | Operation::InsertFirst
            if !matches!(apply_to, HttpFilter | NetworkFilter | HttpRoute | ListenerFilter) =>
        {
            Operation::Add
        }
        other => other,
    }
}
