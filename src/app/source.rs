//! Where objects come from, as flags and environment say.

use std::sync::Arc;

use anyhow::bail;
use tokio::sync::mpsc::Receiver;
use tracing::{info, warn};

use crate::config::{DiscoveryArgs, Environment};
use crate::metrics::Metrics;
use crate::source::kube::Roster;
use crate::source::{Delivery, files, kube};

use super::counting::Counting;

/// Where objects come from; a cluster can be written to as well.
pub(super) struct Source {
    pub(super) deliveries: Receiver<Delivery>,
    pub(super) cluster: Option<kube::Connection>,
}

/// Starts to read where the objects are: a folder, if one is named; a cluster otherwise.
pub(super) async fn start(
    args: &DiscoveryArgs,
    environment: &Environment,
    metrics: &Arc<Metrics>,
    roster: &Roster,
) -> anyhow::Result<Source> {
    let kubernetes = args.registries.iter().any(|r| r == "Kubernetes");
    let mut read = files::Options {
        folder: args.config_dir.clone(),
        mesh: Some(args.mesh_config.clone()),
        networks: Some(args.networks_config.clone()),
    };
    match (&args.config_dir, kubernetes) {
        (None, false) => bail!("there is no source: give a folder with --configDir DIR"),
        (Some(_), false) => return Ok(Source { deliveries: files::spawn(read)?, cluster: None }),
        (Some(folder), true) => {
            warn!("the mesh is what is in {}; a cluster is not read beside a folder", folder.display());
            return Ok(Source { deliveries: files::spawn(read)?, cluster: None });
        }
        (None, true) => {}
    }
    // As in istiod (`pilot/pkg/bootstrap/mesh.go`), a file that is there at the start counts in the ConfigMap's place.
    let mesh = match args.mesh_config.exists() {
        true => {
            read.folder = None;
            info!("the mesh config is {}", args.mesh_config.display());
            Some(files::spawn(read)?)
        }
        false => None,
    };
    let cluster = &environment.cluster;
    let place = kube::Place {
        named: args.kubeconfig.clone(),
        environment: cluster.kubeconfig.clone(),
        pod: cluster.pod,
        home: cluster.home.clone(),
    };
    let rate = kube::Rate { qps: args.kubernetes_qps, burst: args.kubernetes_burst };
    let options = kube::Options {
        namespace: args.namespace.clone().unwrap_or_else(|| environment.pod_namespace.clone()),
        revision: environment.revision.clone(),
        shared_mesh: environment.shared_mesh.clone(),
        doubt: args.list_doubt,
        cluster: args.cluster_id.clone(),
        rate,
        remotes: kube::Remotes {
            timeout: environment.remote_timeout,
            insecure: environment.insecure_kubeconfigs.clone(),
            folder: environment.remote_kubeconfigs.clone(),
            workload_entries: environment.features.remote_workload_entries,
            credentials: environment.features.generation.remote_credentials,
        },
        roster: roster.clone(),
    };
    let connection = kube::Connection::open(&place, rate).await?;
    let deliveries = kube::spawn(connection.clone(), options, Arc::new(Counting(metrics.clone())), mesh);
    Ok(Source { deliveries, cluster: Some(connection) })
}
