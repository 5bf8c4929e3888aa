//! Who sees an object.

use crate::base::Str;
use crate::model::facts::ExportTo;

use super::known::Known;
use super::notes::Notes;

/// Namespaces that an object is exported to and in which there is nothing.
pub(super) fn export_to(namespaces: &[Str], known: &Known<'_>, notes: &mut Notes<'_>) {
    for (index, namespace) in namespaces.iter().enumerate() {
        if !["*", ".", "~"].contains(&namespace.as_str()) && !known.has_namespace(namespace) {
            let text = format!(
                "there is nothing in a namespace {namespace:?}, so this entry makes the object visible to nobody"
            );
            notes.warning("unknown-namespace", format_args!("spec.exportTo[{index}]"), text);
        }
    }
}

/// Whether some namespace sees both.
pub(super) fn overlap(a: &ExportTo, b: &ExportTo) -> bool {
    match (a, b) {
        (ExportTo::All, ExportTo::All) => true,
        (ExportTo::All, ExportTo::Only(some)) | (ExportTo::Only(some), ExportTo::All) => !some.is_empty(),
        (ExportTo::Only(a), ExportTo::Only(b)) => a.iter().any(|ns| b.contains(ns)),
    }
}
