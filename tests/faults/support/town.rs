//! A mesh that reads a cluster: replicas behind the address of a Service, and a client beside its sidecar.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mizzen::demo::load::{Load, Target};
use serde_json::Value;

use super::capture::PROXY_ID;
use super::cluster::Cluster;
use super::documents;
use super::envoy::Sidecar;
use super::ground::{BACKENDS, Ground, REPLICAS, SERVICE};
use super::load::calls_after;
use super::process::{PATIENCE, eventually};
use super::relay::Relay;
use super::replica::Replica;
use crate::fixture::{self, CLIENT, GREETER};

/// What the connection itself costs: HTTP/2 settings, headers, acknowledgements, empty answers.
const SILENCE: u64 = 1024;

/// Tests share one cluster, one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// Everything in it ends with it.
pub(crate) struct Town {
    pub(crate) replicas: [Option<Replica>; REPLICAS.len()],
    pub(crate) service: Relay,
    ground: Arc<Ground>,
    _turn: MutexGuard<'static, ()>,
}

/// Rules that split the calls of the greeter by weight.
pub(crate) fn rules(v1: u32, v2: u32) -> String {
    [fixture::destination_rule(&["v1", "v2"], "RANDOM", 100), fixture::split(&[("v1", v1), ("v2", v2)])].join("---\n")
}

impl Town {
    /// Two replicas on `rules` beside the objects of all workloads.
    pub(crate) fn open(rules: &str) -> Self {
        let mut town = Self::without_replicas(rules);
        (0..REPLICAS.len()).for_each(|n| town.start(n));
        town
    }

    /// The same before any replica is started.
    pub(crate) fn without_replicas(rules: &str) -> Self {
        let ground = Ground::common();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        ground.network().centre().place().enter().expect("root may enter it");
        ground.cluster(|cluster| {
            cluster.mend();
            cluster.api().clear();
        });
        let service = Relay::at(SocketAddr::from((SERVICE, 15010)), Vec::new());
        let town = Self { replicas: Default::default(), service, ground, _turn: turn };
        town.apply(&[CLIENT, &fixture::greeter(&BACKENDS), rules].join("---\n"));
        town
    }

    /// Starts a replica, to which the Service leads from then on.
    pub(crate) fn start(&mut self, number: usize) {
        let kubeconfig = self.cluster(|cluster| cluster.kubeconfig());
        self.start_by(number, &[], kubeconfig);
    }

    /// The same by another program, and another way to the API server.
    pub(crate) fn start_by(&mut self, number: usize, by: &[&str], kubeconfig: PathBuf) {
        let network = self.ground.network();
        let replica = Replica::start(network.centre(), REPLICAS[number], by, &kubeconfig, network.directory());
        self.replicas[number] = Some(replica);
        self.lead();
    }

    /// Lets the Service lead to the replicas that there are.
    pub(crate) fn lead(&self) {
        self.service.lead_to(self.running().map(Replica::xds).collect());
    }

    /// The replicas that there are.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Replica> {
        self.replicas.iter().flatten()
    }

    /// Waits until a replica serves a proxy, and says which.
    pub(crate) fn serving(&self) -> usize {
        eventually(PATIENCE, "a replica with a connection", || {
            self.replicas.iter().position(|r| r.as_ref().is_some_and(|r| r.connections() > 0))
        })
    }

    /// Does something with the cluster.
    pub(crate) fn cluster<T: Send + 'static>(&self, work: impl FnOnce(&mut Cluster) -> T + Send + 'static) -> T {
        self.ground.cluster(work)
    }

    /// Applies documents; returns when the API server has them.
    pub(crate) fn apply(&self, yaml: &str) -> Instant {
        let documents = documents::parse(yaml);
        self.cluster(|cluster| cluster.api().apply(documents));
        Instant::now()
    }

    /// Deletes what documents name.
    pub(crate) fn delete(&self, yaml: &str) -> Instant {
        let documents = documents::parse(yaml);
        self.cluster(move |cluster| documents.iter().for_each(|d| cluster.api().delete(d)));
        Instant::now()
    }

    /// A client's sidecar, which finds its control plane at the Service.
    pub(crate) fn client(&self) -> Sidecar {
        // What a client before leaves behind may take a moment to go.
        static NUMBER: AtomicU8 = AtomicU8::new(120);
        let ip = Ipv4Addr::new(10, 77, 0, NUMBER.fetch_add(1, Ordering::Relaxed));
        let pod = CLIENT.replace("10.77.0.2", &ip.to_string());
        self.ground.network().sidecar(&pod, "client", &format!("{SERVICE}:15010"), Some(PROXY_ID))
    }
}

/// The greeter as an application knows it.
pub(crate) fn target() -> Target {
    Target { address: SocketAddr::from(([10, 96, 10, 1], 50051)), authority: format!("{GREETER}:50051") }
}

/// Starts to call the greeter beside a sidecar, and waits until calls are answered.
pub(crate) fn load(client: &Sidecar) -> Load {
    let load = Load::start(client.namespace().place(), target());
    calls_after(&load, Instant::now(), Duration::from_millis(500), 100);
    load
}

/// What a sidecar holds, to be told apart from what it is sent.
pub(crate) struct Memory {
    held: Vec<Value>,
    received: u64,
}

impl Memory {
    /// Of a sidecar that holds something.
    pub(crate) fn of(client: &Sidecar) -> Self {
        let held = client.held();
        assert!(held.len() > 5, "clusters, listeners and routes: {held:?}");
        Self { held, received: client.received() }
    }

    /// Fails if the sidecar was sent anything since, but for so many connections' own bytes.
    pub(crate) fn assert_nothing_sent(&self, client: &Sidecar, connections: u64) {
        let sent = client.received() - self.received;
        assert!(sent < connections * SILENCE, "{sent} bytes were sent to a proxy that holds everything");
        assert_eq!(client.held(), self.held);
    }
}
