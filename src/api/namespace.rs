//! Kubernetes' `Namespace`: all that matters is in its metadata.

use serde::{Deserialize, Serialize};

/// A namespace; its labels are in the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Namespace {}
