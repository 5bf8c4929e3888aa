//! What is wrong with a cluster, told of what leads there: a Secret, or a file (a key without a namespace).

use crate::api::Key;
use crate::base::{Finding, ObjectRef, Severity, Str};

pub(super) fn finding(secret: &Key, id: &Str, severity: Severity, code: &'static str, text: &str) -> Finding {
    Finding { object: object_ref(secret), field: field(secret, id), severity, code, text: text.into() }
}

/// A finding of a reader of the cluster. Objects of other clusters may have the names of own ones.
pub(super) fn of_secret(mut finding: Finding, secret: &Key, id: &Str) -> Finding {
    if finding.code != "bad-kubeconfig" {
        finding.text = match finding.object.name.is_empty() {
            true => format!("cluster {id}: {}", finding.text).into(),
            false => format!("cluster {id}: {finding}").into(),
        };
        (finding.object, finding.field) = (object_ref(secret), field(secret, id));
    }
    finding
}

/// What leads to a cluster, in a sentence.
pub(super) fn name(secret: &Key) -> String {
    if is_file(secret) { secret.name.to_string() } else { secret.to_string() }
}

/// Where it is: `namespace/name`, or the path of a file.
pub(super) fn place(secret: &Key) -> Str {
    if is_file(secret) { secret.name.clone() } else { format!("{}/{}", secret.namespace, secret.name).into() }
}

fn is_file(secret: &Key) -> bool {
    secret.namespace.is_empty()
}

fn object_ref(secret: &Key) -> ObjectRef {
    let kind = if is_file(secret) { "Kubeconfig" } else { secret.kind.as_str() };
    ObjectRef { kind: kind.into(), namespace: secret.namespace.str().clone(), name: secret.name.clone(), file: None }
}

fn field(secret: &Key, id: &Str) -> Str {
    if is_file(secret) { Str::new() } else { format!("data.{id}").into() }
}
