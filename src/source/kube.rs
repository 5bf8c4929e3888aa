//! A Kubernetes API server as the source, and the mesh config in its ConfigMaps.
//!
//! Comes in: a [`Connection`] to the API server, and its answers. Goes out: [`Delivery`]: first everything that
//! there is, at once, then what changes.
//!
//! Each kind is listed and watched by a task of its own, as one stream where the server can (`sendInitialEvents`),
//! in pages and a watch where it cannot. Invariants:
//! - Nothing is said to be there before every kind has been listed once; a kind whose CRD is not installed counts
//!   as listed, and is when it comes.
//! - A list is taken as a whole. What it says nothing of is gone, but not if that were more than half of a kind:
//!   that is believed after a minute, if a second list says the same. A watched deletion is obeyed at once.
//! - What cannot be heard changes nothing: while the API server is away, everything stays as it was.
//! - Of an object that is wrong, the last good version stays in force, and a finding says so.
//! - Of other clusters, to which Secrets or files lead, what a service registry needs is read, and what gateways there
//!   serve with; one that is away changes nothing, and holds up the start for a while only.
//! - No answer is kept: an object is cut to what is used while its bytes are read.
//!
//! Absent: what objects mean (`api`, `model`), writing. Beside it all, the API server says whose a token is (`tokens`).
//!
//! `place` finds the server, `connection` leads to it and `client` asks it; `discovery` knows what it serves; a `reflector` reads one
//! `resource`, line by line (`lines`, `answer`, `cut`), into its `ledger`; `desk` puts all of them together, with what
//! `clusters` have to say.

mod answer;
mod backoff;
mod client;
mod clusters;
mod connection;
mod cut;
mod desk;
mod discovery;
mod ledger;
mod lines;
mod pace;
mod place;
mod reflector;
mod resource;
mod settings;
mod tokens;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, channel};

use super::Delivery;
use crate::api::Kind;

pub use clusters::{Remote, Roster, Status};
pub use connection::Connection;
pub use pace::Rate;
pub use place::{Error, Place};
pub use tokens::{Account, TokenError, Tokens};

/// What to read, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of the control plane, where the ConfigMaps of the mesh are.
    pub namespace: String,
    /// `REVISION`: objects labelled for other revisions are not read, and the ConfigMap is `istio-REVISION`, or plain
    /// `istio` for `default`. Empty if nothing is said: then all are read.
    pub revision: String,
    /// `SHARED_MESH_CONFIG`: a ConfigMap that is applied before it; empty for none.
    pub shared_mesh: String,
    /// How long a list that suddenly lacks more than half of a kind is doubted: an API server that was restored, or a
    /// proxy before it that lies, would else take the mesh down at once.
    pub doubt: Duration,
    /// The name of the own cluster.
    pub cluster: String,
    /// How many requests are made of each remote cluster.
    pub rate: Rate,
    /// What is read of remote clusters, and how.
    pub remotes: Remotes,
    /// How remote clusters are, for whoever wants to look.
    pub roster: Roster,
}

/// What is read of remote clusters, and how.
#[derive(Clone, Debug, Default)]
pub struct Remotes {
    /// `PILOT_REMOTE_CLUSTER_TIMEOUT`: how long the start waits for them; zero for as long as it takes.
    pub timeout: Duration,
    /// `PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS`: what their kubeconfigs may ask for.
    pub insecure: BTreeSet<String>,
    /// `PILOT_MULTICLUSTER_KUBECONFIG_PATH`: a folder of kubeconfigs that is read in place of Secrets.
    pub folder: Option<PathBuf>,
    /// `PILOT_ENABLE_CROSS_CLUSTER_WORKLOAD_ENTRY`: whether their WorkloadEntries are read.
    pub workload_entries: bool,
    /// `PILOT_ENABLE_REMOTE_CREDENTIALS_CONTROLLER`: whether their Secrets are read, for gateways there.
    pub credentials: bool,
}

/// What is counted: how reading goes.
pub trait Watcher: Send + Sync + 'static {
    /// A kind was listed as a whole.
    fn listed(&self, kind: Kind);
    /// A request failed.
    fn failed(&self, kind: Kind);
    /// So many objects are kept although the last list says nothing of them.
    fn held(&self, kind: Kind, objects: usize);
    /// A Secret that leads to remote clusters came (`add`), changed (`update`) or went (`delete`).
    fn secret(&self, event: &'static str);
    /// How a remote cluster is now, and how many there are.
    fn cluster(&self, id: &str, status: Status, clusters: usize);
    /// A remote cluster was not read in time.
    fn late(&self, id: &str);
}

/// Starts to read, in tasks of the current runtime. Ends when the receiver is dropped.
///
/// `mesh` are deliveries of files that hold the mesh config ([`super::files`]), where there are such; without them, it
/// is read from ConfigMaps.
pub fn spawn(
    connection: Connection,
    options: Options,
    watcher: Arc<dyn Watcher>,
    mesh: Option<Receiver<Delivery>>,
) -> Receiver<Delivery> {
    let client = Arc::new(client::Client::new(connection));
    // One delivery waits while one is worked on; what happens meanwhile is in the one after.
    let (sender, receiver) = channel(1);
    tokio::spawn(desk::run(client, options, watcher, mesh, sender));
    receiver
}
