//! What `status.addresses` should be, and the patches that make it so.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::Meta;
use crate::api::service_entry::{Allocated, ServiceEntry};
use crate::base::{Host, Str};
use crate::model::facts::Allocation;
use crate::model::index::{Allocations, is_eligible};

/// What an object's status should say of addresses; none if it says so. For each host that is to have some, once, in
/// the order of the spec: those that it has, as they stand there, if the model took them up; else those that the model
/// gave. In which order they stand there is no reason to write.
pub(super) fn wanted(meta: &Meta, entry: &ServiceEntry, allocations: &Allocations) -> Option<Vec<Allocated>> {
    let mut out: Vec<Allocated> = Vec::new();
    let mut seen = BTreeSet::new();
    for name in &entry.hosts {
        let host = Host::new(name.clone());
        if !is_eligible(&host, meta, entry) || !seen.insert(host.clone()) {
            continue;
        }
        let stated = entry.allocated.iter().filter(|a| Host::new(a.host.clone()) == host).cloned();
        match allocations.get(&meta.namespace, &host, &meta.name) {
            Some(given) if Allocation::stated(&entry.allocated, &host).as_ref() != Some(given) => {
                let values = [&given.v4, &given.v6].into_iter().filter(|v| !v.is_empty());
                out.extend(values.map(|value| Allocated { value: value.clone(), host: name.clone() }));
            }
            // Nothing could be given: all addresses are.
            _ => out.extend(stated),
        }
    }
    let sorted = |all: &[Allocated]| {
        let mut pairs: Vec<_> = all.iter().map(|a| (a.host.clone(), a.value.clone())).collect();
        pairs.sort();
        pairs
    };
    (sorted(&out) != sorted(&entry.allocated)).then_some(out)
}

/// The first address of each host that has addresses still, and other ones.
pub(super) fn moved<'a>(from: &'a [Allocated], to: &'a [Allocated]) -> Vec<(&'a Str, &'a Str)> {
    let has = |a: &&Allocated| to.iter().any(|t| t.host == a.host);
    let kept = |a: &&Allocated| to.iter().any(|t| t == *a);
    let mut moved: Vec<_> = from.iter().filter(|a| has(a) && !kept(a)).map(|a| (&a.host, &a.value)).collect();
    moved.dedup_by(|a, b| a.0 == b.0);
    moved
}

/// Patches of which one fits: each tests first that the status is what it was seen to be. istiod's are the first for
/// what has addresses, and the first and the second for what has none (it never finds an empty list; mizzen may, after
/// istiod has taken addresses away).
pub(super) fn patches(from: &[Allocated], to: &[Allocated]) -> Vec<Value> {
    const PATH: &str = "/status/addresses";
    let list = |all: &[Allocated]| all.iter().map(|a| json!({"value": a.value, "host": a.host})).collect::<Value>();
    let to = if to.is_empty() { json!([]) } else { list(to) };
    let set = |test: Value, op: &str| json!([{"op": "test", "path": PATH, "value": test}, {"op": op, "path": PATH, "value": to}]);
    if !from.is_empty() {
        return vec![set(list(from), "replace")];
    }
    let whole = json!([
        {"op": "test", "path": "/status", "value": null},
        {"op": "add", "path": "/status", "value": {"addresses": to}},
    ]);
    vec![whole, set(Value::Null, "add"), set(json!([]), "replace")]
}

#[cfg(test)]
mod tests;
