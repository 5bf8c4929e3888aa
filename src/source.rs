//! Where objects come from.
//!
//! Comes in: a folder of files ([`files`]), or a Kubernetes API server ([`kube`]). Goes out: [`Delivery`]: parsed, typed objects as they come and go, the
//! mesh config, and what is wrong with either. This is one of the two ends of the program that have effects: files,
//! threads, the network and the clock are here. Invariants: a delivery is atomic, and an object that becomes unreadable stays as
//! it last was. Absent: anything derived from objects, and any memory of them but what that invariant needs.

pub mod files;
pub mod kube;

use std::sync::Arc;

use crate::api::Json;
use crate::api::mesh::MeshConfig;
use crate::base::Finding;
pub use crate::store::Event;

/// One difference of a source, to be taken as a whole.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What happened; what is said of one key is in its order.
    pub events: Vec<Event>,
    /// The mesh config and its companions, if one of them is another; always so in the first delivery.
    pub mesh: Option<MeshUpdate>,
    /// All that is wrong with the source now, not only what is new; sorted.
    pub findings: Arc<[Finding]>,
}

/// What is said for the mesh as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshUpdate {
    /// The mesh config, with its defaults filled in and with the mesh networks.
    pub mesh: Arc<MeshConfig>,
    /// What it was read from, without any default.
    pub written: Arc<Json>,
}
