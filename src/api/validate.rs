//! What istiod and the API server refuse, and what Envoy would refuse later.

use super::Object;
use super::mesh::MeshConfig;
use super::report::Report;

/// Reports everything that is wrong with an object.
pub(super) fn object(object: &Object, report: &mut Report) {
    if object.meta.name.is_empty() {
        report.invalid("metadata.name", "must not be empty");
    }
}

/// Reports everything that is wrong with the mesh config.
pub(super) fn mesh(_: &MeshConfig, _: &mut Report) {}
