//! Rights that are missing, each told once.

use std::collections::BTreeSet;
use std::sync::Mutex;

use kube::Error;
use tracing::warn;

/// What a request needs to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Right {
    verb: &'static str,
    group: &'static str,
    resource: String,
}

impl Right {
    /// A verb, an API group and a resource, perhaps with a subresource.
    pub(super) fn to(verb: &'static str, group: &'static str, resource: impl Into<String>) -> Self {
        Self { verb, group, resource: resource.into() }
    }
}

/// The rights that were found to be missing.
#[derive(Default)]
pub(super) struct Rights {
    told: Mutex<BTreeSet<Right>>,
}

impl Rights {
    /// Tells of a right that a request lacked. What lacked none is none of its business.
    pub(super) fn note(&self, error: &Error, right: &Right) {
        let Error::Api(status) = error else { return };
        if status.code != 403 || !self.told.lock().is_ok_and(|mut told| told.insert(right.clone())) {
            return;
        }
        let Right { verb, group, resource } = right;
        warn!(
            "a right is missing, and what needs it is not written; everything else goes on. Give the role of mizzen's \
             ServiceAccount the rule {{apiGroups: [{group:?}], resources: [{resource}], verbs: [{verb}]}}, as \
             deploy/chart has it. The API server says: {}",
            status.message
        );
    }
}
