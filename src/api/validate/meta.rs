//! Names and annotations of objects.

use super::at::At;
use super::name::is_label;
use crate::api::{Kind, Object};

/// Annotations by which istiod marks what it makes itself; from users it refuses them.
const RESERVED: [&str; 3] =
    ["internal.istio.io/webhook-always-reject", "internal.istio.io/parents", "internal.istio.io/parent-namespace"];

/// Checks who the object is.
pub(super) fn meta(object: &Object, at: &At<'_>) {
    let (meta, kind) = (&object.meta, object.kind());
    let name = at.field("name");
    if meta.name.is_empty() {
        name.invalid("must not be empty");
    } else {
        let valid = match kind {
            Kind::Service | Kind::Namespace => is_lower_label(&meta.name),
            _ => {
                meta.name.len() <= 253
                    && meta.name.split('.').all(|part| is_lower(part) && is_label_of_any_length(part))
            }
        };
        let text = "must be made of small letters, digits, and inner hyphens and dots";
        name.require(valid, format_args!("{text}, found {:?}", meta.name));
    }
    if kind.namespaced() {
        let text = "must be made of small letters, digits and inner hyphens";
        let namespace = &meta.namespace;
        at.field("namespace").require(is_lower_label(namespace), format_args!("{text}, found {namespace:?}"));
    }
    if kind.is_istio() {
        let annotations = at.field("annotations");
        for name in RESERVED.iter().filter(|name| meta.annotations.contains_key(**name)) {
            annotations.key(name).invalid("must not be set by users");
        }
        if meta.annotations.contains_key("istio.io/dry-run") && kind != Kind::AuthorizationPolicy {
            annotations.key("istio.io/dry-run").invalid("is for AuthorizationPolicy only");
        }
    }
}

fn is_lower(name: &str) -> bool {
    !name.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_lower_label(name: &str) -> bool {
    is_lower(name) && is_label(name)
}

/// Parts of an object's name may be longer than those of a host.
fn is_label_of_any_length(part: &str) -> bool {
    let bytes = part.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}
