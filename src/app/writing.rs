//! Writing back to the cluster that is read.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::counting::Counting;
use crate::config::{DiscoveryArgs, Environment};
use crate::metrics::Metrics;
use crate::model::Survey;
use crate::source::kube;
use crate::status::{self, Options, Sight, Writers};

/// Where writers are shown what there is, each as the latest of its sort.
pub(super) struct Shown {
    /// Each revision, once everything was read.
    pub(super) meshes: watch::Sender<Option<Survey>>,
    /// What is wrong, whenever it was looked for.
    pub(super) sights: watch::Sender<Option<Sight>>,
}

/// The other end.
pub(super) struct Seen {
    meshes: watch::Receiver<Option<Survey>>,
    sights: watch::Receiver<Option<Sight>>,
}

/// Both ends, before there is anything to show.
pub(super) fn channel() -> (Shown, Seen) {
    let ((meshes, mesh), (sights, sight)) = (watch::channel(None), watch::channel(None));
    (Shown { meshes, sights }, Seen { meshes: mesh, sights: sight })
}

impl Seen {
    /// Starts the writers.
    pub(super) fn spawn(
        self,
        cluster: &kube::Connection,
        args: &DiscoveryArgs,
        environment: &Environment,
        metrics: &Arc<Metrics>,
        stop: &CancellationToken,
    ) -> Writers {
        let options = Options {
            namespace: args.namespace.clone().unwrap_or_else(|| environment.pod_namespace.clone()),
            pod: environment.pod_name.clone(),
            revision: environment.revision.clone(),
            elect: environment.features.leader_election,
            allocate: environment.features.allocate,
            ttl: Options::TTL,
        };
        status::spawn(&cluster.client(), &options, self.meshes, self.sights, Arc::new(Counting(metrics.clone())), stop)
    }
}
