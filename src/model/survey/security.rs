//! PeerAuthentications.

use std::collections::BTreeMap;

use crate::api::peer_authentication::PeerAuthentication;
use crate::api::{Kind, Object, Spec};
use crate::base::Finding;

use super::known::Known;
use super::notes::Notes;

pub(super) fn peer_authentication(policy: &PeerAuthentication, known: &Known<'_>, notes: &mut Notes<'_>) {
    let Some(selector) = &policy.selector else { return };
    let labels = &selector.match_labels;
    if known.has_workloads() && !labels.is_empty() && !known.selects(notes.namespace(), labels) {
        let text =
            format!("no workload of the namespace {} has these labels; the policy is for none", notes.namespace());
        notes.warning("selects-nothing", "spec.selector.matchLabels", text);
    }
}

/// Several policies for a whole namespace: the oldest is in force.
pub(super) fn claims(known: &Known<'_>, out: &mut Vec<Finding>) {
    let mut first: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for object in known.of_kind(Kind::PeerAuthentication) {
        let Spec::PeerAuthentication(policy) = &object.spec else { continue };
        if policy.selector.as_ref().is_none_or(|s| s.match_labels.is_empty()) {
            first.entry(&object.meta.namespace).or_default().push(object);
        }
    }
    for (namespace, mut all) in first {
        all.sort_by_key(|o| (o.meta.created, &o.meta.name));
        for object in all.iter().skip(1) {
            let text = format!(
                "PeerAuthentication {namespace}/{} is for the whole namespace too and older, or first by name; this one is ignored",
                all[0].meta.name
            );
            Notes::new(object, out).warning("duplicate-policy", "spec", text);
        }
    }
}
