//! What findings are made of, taken from the engine at one moment.

use std::sync::Arc;

use crate::base::Finding;
use crate::model::Survey;

/// One revision, to be looked at on another thread.
#[derive(Clone)]
pub struct Inspection {
    pub(super) said: Arc<[Finding]>,
    pub(super) built: Vec<Finding>,
    pub(super) survey: Survey,
    pub(super) revision: u64,
    /// Whether some proxy cannot prove who it is.
    pub(super) anonymous: bool,
    /// Whether some proxy cannot decide whom it lets in.
    pub(super) unguarded: bool,
}

impl Inspection {
    /// What is wrong or odd in what users wrote: what the source could not read, what does not fit together, what could
    /// not be built. Sorted, each once. Looks at every object.
    pub fn findings(&self) -> Vec<Finding> {
        let mut all: Vec<Finding> = self.said.to_vec();
        all.extend_from_slice(&self.built);
        all.extend(self.survey.findings());
        if self.anonymous {
            all.extend(self.survey.demands_identity());
        }
        if self.unguarded {
            all.extend(self.survey.demands_authorization());
        }
        all.sort();
        all.dedup();
        all
    }

    /// Whether the findings of both are the same for sure.
    pub fn is_same(&self, other: &Self) -> bool {
        self.revision == other.revision
            && (self.anonymous, self.unguarded) == (other.anonymous, other.unguarded)
            && Arc::ptr_eq(&self.said, &other.said)
            && self.built == other.built
    }

    /// How many objects it is about, by kind.
    pub fn survey(&self) -> &Survey {
        &self.survey
    }
}
