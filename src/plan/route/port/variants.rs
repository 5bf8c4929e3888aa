//! One virtual host as it is seen from different namespaces.

use std::sync::Arc;

use crate::base::Namespace;
use crate::wire::Part;

/// The namespaces from which some virtual hosts look different.
pub(super) type Key = Vec<Namespace>;

/// The encoded forms of a virtual host; none where every name of it is somebody else's.
#[derive(Default)]
pub(super) struct Variants {
    pub(super) elsewhere: Option<Arc<Part>>,
    /// In the order of namespaces.
    pub(super) within: Vec<(Namespace, Option<Arc<Part>>)>,
}

impl Variants {
    pub(super) fn key(&self) -> Key {
        self.within.iter().map(|(ns, _)| ns.clone()).collect()
    }

    pub(super) fn seen_from(&self, namespace: &Namespace) -> Option<&Arc<Part>> {
        let within = self.within.iter().find(|(ns, _)| ns == namespace);
        within.map_or(self.elsewhere.as_ref(), |(_, part)| part.as_ref())
    }

    pub(super) fn get(&self, view: Option<&Namespace>) -> Option<&Arc<Part>> {
        view.map_or(self.elsewhere.as_ref(), |namespace| self.seen_from(namespace))
    }

    /// Puts equal bytes in the place of those of a view.
    pub(super) fn set(&mut self, view: Option<&Namespace>, part: Arc<Part>) {
        let within = self.within.iter_mut().find(|(namespace, _)| Some(namespace) == view);
        match within {
            Some((_, old)) => *old = Some(part),
            None => self.elsewhere = Some(part),
        }
    }

    /// Whether both look the same from everywhere.
    pub(super) fn same(&self, other: &Self) -> bool {
        let digest = |part: &Option<Arc<Part>>| part.as_ref().map(|p| p.digest());
        let within = |v: &Self| v.within.iter().map(|(ns, part)| (ns.clone(), digest(part))).collect::<Vec<_>>();
        digest(&self.elsewhere) == digest(&other.elsewhere) && within(self) == within(other)
    }
}
