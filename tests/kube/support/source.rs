//! mizzen's source over such an API server, in this process.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mizzen::api::mesh::MeshConfig;
use mizzen::api::{Key, Kind, Object};
use mizzen::base::Finding;
use mizzen::engine::Core;
use mizzen::model::index::{Allocations, Options};
use mizzen::source::{Delivery, Event, kube};
use mizzen::wire::Cache;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Receiver;

use super::cluster::Cluster;

/// How long anything may take that does happen, on a machine that is slow and busy.
pub(crate) const SOON: Duration = Duration::from_secs(120);

/// How long a list is doubted in tests.
pub(crate) const DOUBT: Duration = Duration::from_secs(8);

/// How long remote clusters are waited for in tests.
pub(crate) const REMOTE_TIMEOUT: Duration = Duration::from_secs(15);

/// What has been read.
pub(crate) struct Source {
    runtime: Runtime,
    deliveries: Receiver<Delivery>,
    pub(crate) objects: BTreeMap<Key, Arc<Object>>,
    pub(crate) mesh: Arc<MeshConfig>,
    pub(crate) findings: Arc<[Finding]>,
    pub(crate) synced: bool,
    /// The deletions of each delivery that had some.
    pub(crate) deleted: Vec<Vec<Key>>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) roster: kube::Roster,
}

/// How reading went.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) lists: AtomicUsize,
    pub(crate) failures: AtomicUsize,
    pub(crate) held: AtomicUsize,
    pub(crate) secrets: AtomicUsize,
    pub(crate) clusters: AtomicUsize,
    pub(crate) late: AtomicUsize,
}

impl kube::Watcher for Counts {
    fn listed(&self, _: Kind) {
        self.lists.fetch_add(1, Ordering::Relaxed);
    }

    fn failed(&self, _: Kind) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn held(&self, kind: Kind, objects: usize) {
        if kind == Kind::Service {
            self.held.store(objects, Ordering::Relaxed);
        }
    }

    fn secret(&self, _: &'static str) {
        self.secrets.fetch_add(1, Ordering::Relaxed);
    }

    fn cluster(&self, _: &str, _: kube::Status, clusters: usize) {
        self.clusters.store(clusters, Ordering::Relaxed);
    }

    fn late(&self, _: &str) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }
}

impl Source {
    /// Begins to read.
    pub(crate) fn start(cluster: &Cluster) -> Self {
        Self::by(cluster.kubeconfig())
    }

    /// Begins to read where a kubeconfig says.
    pub(crate) fn by(kubeconfig: PathBuf) -> Self {
        Self::with(kubeconfig, Self::remotes())
    }

    /// How remote clusters are read if nothing else is said.
    pub(crate) fn remotes() -> kube::Remotes {
        kube::Remotes { timeout: REMOTE_TIMEOUT, workload_entries: true, credentials: true, ..kube::Remotes::default() }
    }

    /// Begins to read where a kubeconfig says, and remote clusters in some way.
    pub(crate) fn with(kubeconfig: PathBuf, remotes: kube::Remotes) -> Self {
        let place = kube::Place { named: Some(kubeconfig), ..kube::Place::default() };
        let rate = kube::Rate { qps: 80.0, burst: 160 };
        let roster = kube::Roster::default();
        let options = kube::Options {
            namespace: "istio-system".to_owned(),
            revision: String::new(),
            shared_mesh: String::new(),
            doubt: DOUBT,
            cluster: "Kubernetes".to_owned(),
            rate,
            remotes,
            roster: roster.clone(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let counts = Arc::new(Counts::default());
        let deliveries = runtime.block_on(async {
            let connection = kube::Connection::open(&place, rate).await.unwrap();
            kube::spawn(connection, options, counts.clone(), None)
        });
        Self {
            runtime,
            deliveries,
            objects: BTreeMap::new(),
            mesh: Arc::default(),
            findings: Arc::default(),
            synced: false,
            deleted: Vec::new(),
            counts,
            roster,
        }
    }

    /// Begins to read, and waits until everything was read.
    pub(crate) fn synced(cluster: &Cluster) -> Self {
        let mut source = Self::start(cluster);
        source.until("everything to be read", SOON, |s| s.synced);
        source
    }

    /// Takes deliveries until something is so.
    pub(crate) fn until(&mut self, what: &str, limit: Duration, mut so: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + limit;
        while !so(self) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(self.take(left), "waited in vain for {what}; findings: {:#?}", self.findings);
        }
    }

    /// Takes all deliveries for a while.
    pub(crate) fn listen(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while self.take(end.saturating_duration_since(Instant::now())) {}
    }

    fn take(&mut self, limit: Duration) -> bool {
        let next = self.runtime.block_on(async { tokio::time::timeout(limit, self.deliveries.recv()).await });
        let Ok(delivery) = next else { return false };
        let delivery = delivery.expect("a source does not end");
        let mut deleted = Vec::new();
        for event in delivery.events {
            match event {
                Event::Upsert(object) => drop(self.objects.insert(object.key(), object)),
                Event::Delete(key) => {
                    self.objects.remove(&key);
                    deleted.push(key);
                }
                Event::Synced => self.synced = true,
            }
        }
        if !deleted.is_empty() {
            self.deleted.push(deleted);
        }
        self.mesh = delivery.mesh.map_or_else(|| self.mesh.clone(), |m| m.mesh);
        self.findings = delivery.findings;
        true
    }

    /// The names of the objects of a kind in a remote cluster.
    pub(crate) fn names_in(&self, cluster: &str, kind: Kind) -> Vec<&str> {
        let there = self.objects.keys().filter(|key| key.kind == kind && key.cluster == cluster);
        there.map(|key| key.name.as_str()).collect()
    }

    /// The names of the objects of a kind.
    pub(crate) fn names(&self, kind: Kind) -> Vec<&str> {
        self.objects
            .keys()
            .filter(|key| key.kind == kind && key.cluster.is_empty())
            .map(|key| key.name.as_str())
            .collect()
    }

    /// The codes of all findings.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.findings.iter().map(|finding| finding.code).collect()
    }

    /// A control plane that has read all this.
    pub(crate) fn core(&self) -> Core {
        let mesh = (*self.mesh).clone();
        let mut core = Core::new(Options::default(), mesh, Allocations::default(), Arc::new(Cache::default()));
        let events = self.objects.values().cloned().map(Event::Upsert).chain([Event::Synced]).collect();
        core.note(events, None, self.findings.clone());
        core.settle();
        core
    }
}
