//! Settings of the whole mesh, cut into what each sort of resource needs.

use crate::api::mesh::MeshConfig;
use crate::base::{Features, Namespace, Str};

use super::cluster_defaults::ClusterDefaults;
use super::cluster_local::ClusterLocal;
use super::handle::Handle;
use super::telemetry::Observers;

/// Settings of the whole mesh.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mesh {
    /// Everything that was read; planners cut what a recipe needs from it.
    pub config: Handle<MeshConfig>,
    /// The providers of telemetry, with their settings.
    pub observers: Handle<Observers>,
    /// What clusters and endpoints need of it.
    pub clusters: Handle<ClusterDefaults>,
    /// The namespace whose rules hold for all.
    pub root: Namespace,
    /// The suffix of Kubernetes' names, `cluster.local`.
    pub domain: Str,
    /// The name of this cluster, `Kubernetes`.
    pub cluster: Str,
    /// Which services have callers of their own cluster alone.
    pub cluster_local: Handle<ClusterLocal>,
    /// istiod's variables that change what proxies are sent.
    pub features: Features,
}
