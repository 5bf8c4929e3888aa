//! Labels, selectors, and the lists of namespaces to which objects are exported.

use std::collections::BTreeSet;

use super::at::At;
use super::name::is_label;
use crate::api::selector::{LabelSelector, MatchLabels, WorkloadSelector};
use crate::base::{Labels, Namespace, Str};

/// Whether this is a name as label keys and values have it: letters, digits, `-`, `_`, `.`, the outer two of the former.
fn is_qualified(name: &str) -> bool {
    let outer = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    outer(name.bytes().next())
        && outer(name.bytes().last())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Whether this is the key of a label, such as `app` or `topology.istio.io/network`.
fn is_key(key: &str) -> bool {
    let (domain, name) = key.rsplit_once('/').map_or((None, key), |(domain, name)| (Some(domain), name));
    name.len() <= 63 && is_qualified(name) && domain.is_none_or(|d| d.len() <= 253 && d.split('.').all(is_label))
}

impl At<'_> {
    /// Labels that something has or is matched by.
    pub(super) fn labels(&self, labels: &Labels) {
        self.entries(labels, |key, value, at| {
            at.require(is_key(key), "must be named as labels of Kubernetes are");
            at.require(
                value.is_empty() || is_qualified(value),
                format_args!("must be a value as labels of Kubernetes have, found {value:?}"),
            );
        });
    }

    /// The labels of a selector of workloads.
    fn selector(&self, labels: &Labels, scope: &str) {
        self.entries(labels, |key, value, at| {
            at.require(!key.is_empty(), "must have a name");
            at.require(!key.contains('*') && !value.contains('*'), "must not have a wildcard");
            at.require(value.len() <= 63, "must have a value of at most 63 letters");
        });
        if labels.is_empty() {
            self.ineffective(format_args!("names no labels; the object is for all workloads of {scope}"));
        }
    }

    /// A selector of the networking kinds.
    pub(super) fn workload_selector(&self, selector: Option<&WorkloadSelector>) {
        if let Some(selector) = selector {
            self.field("labels").selector(&selector.labels, "the namespace");
        }
    }

    /// A selector of the security kinds and of DestinationRule.
    pub(super) fn match_labels(&self, selector: Option<&MatchLabels>) {
        if let Some(selector) = selector {
            self.field("matchLabels").selector(&selector.match_labels, "the namespace");
        }
    }

    /// A selector of Kubernetes.
    pub(super) fn label_selector(&self, selector: &LabelSelector) {
        self.field("matchLabels").labels(&selector.match_labels);
        self.field("matchExpressions").each(&selector.match_expressions, |requirement, at| {
            at.field("key").require(is_key(&requirement.key), "must be named as labels of Kubernetes are");
            let values = match requirement.operator.as_str() {
                "In" | "NotIn" => !requirement.values.is_empty(),
                "Exists" | "DoesNotExist" => requirement.values.is_empty(),
                _ => return at.field("operator").invalid("must be one of In, NotIn, Exists, DoesNotExist"),
            };
            at.field("values").require(values, "must be set for In and NotIn, and for them only");
        });
    }

    /// The namespaces that see an object of this namespace; none may be twice, and `*` stands alone.
    pub(super) fn export_to(&self, namespaces: &[Str], own: &Namespace, nobody: Nobody) {
        let full = |n: &Str| if n == "." { own.str().clone() } else { n.clone() };
        let mut seen = BTreeSet::new();
        for (index, namespace) in namespaces.iter().enumerate() {
            let at = self.index(index);
            at.require(seen.insert(full(namespace)), format_args!("names {namespace:?} a second time"));
            let valid = match namespace.as_str() {
                "." | "*" => true,
                "~" => nobody == Nobody::Allowed,
                name => is_label(name),
            };
            at.require(valid, format_args!("must be ., * or a namespace, found {namespace:?}"));
        }
        let alone = |wanted: &str| namespaces.len() < 2 || !namespaces.iter().any(|n| n == wanted);
        self.require(alone("*"), "must not have other entries beside *, which is all namespaces");
        self.require(alone("~"), "must not have other entries beside ~, which is none");
    }
}

/// Whether an object may be exported to nobody (`~`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nobody {
    /// It may: ServiceEntry.
    Allowed,
    /// It may not.
    Refused,
}
