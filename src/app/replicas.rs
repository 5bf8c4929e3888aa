//! The other replicas: what each carries, and whether this one should do with less.
//!
//! Replicas find each other as endpoints of their own Service, which they read anyway, and ask each other for the number
//! of their connections: nothing has to be written, and nobody has to be elected. Where one does not answer, or is about
//! to come or to go, nothing is done.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tracing::info;

use crate::base::{Host, Namespace, Str};
use crate::engine::{Core, Engine};
use crate::metrics::Metrics;
use crate::model::View;
use crate::model::facts::Health;
use crate::xds::{Connections, Share};

use super::http::Readiness;

/// The path at which a replica tells of itself, on the port for monitoring.
pub(super) const PATH: &str = "/replica";
/// The port of the Service for that, as in Istio.
const PORT: u16 = 15014;
/// How often the others are asked,
const SELDOM: Duration = Duration::from_secs(5);
/// and how often while clients are sent away.
const OFTEN: Duration = Duration::from_secs(1);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// This replica, as the others see it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Replica {
    id: Arc<str>,
    connections: Arc<Connections>,
    readiness: Readiness,
}

/// What a replica says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Said {
    /// Tells processes apart.
    id: String,
    /// Whether it can take clients.
    ready: bool,
    /// How many streams it serves, save those that are about to end.
    connections: usize,
}

impl Replica {
    pub(super) fn new(connections: Arc<Connections>, readiness: Readiness) -> Self {
        let id = format!("{:016x}", RandomState::new().hash_one(std::process::id())).into();
        Self { id, connections, readiness }
    }

    pub(super) fn say(&self) -> Said {
        Said {
            id: self.id.to_string(),
            ready: self.readiness.missing().is_empty(),
            connections: self.connections.staying(),
        }
    }

    /// How many connections each of the others has. `None` where that is not known, or is about to change.
    fn others(&self, said: Vec<Option<Said>>) -> Option<Vec<usize>> {
        let all: Vec<Said> = said.into_iter().collect::<Option<_>>()?;
        let own = all.iter().filter(|s| *self.id == *s.id).count();
        let settled = own == 1 && all.iter().all(|s| s.ready);
        settled.then(|| all.iter().filter(|s| *self.id != *s.id).map(|s| s.connections).collect())
    }
}

/// Where replicas are found.
#[derive(Clone)]
pub(super) struct Home {
    /// The Service of the control plane, and its namespace.
    pub service: (Host, Namespace),
    /// The cluster; those of other clusters serve other proxies.
    pub cluster: Str,
}

/// Sends clients away while this replica has far more of them than its share; never ends.
pub(super) async fn balance(replica: Replica, engine: Engine, home: Home, metrics: Arc<Metrics>) {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(PATIENCE));
    let http = Client::builder(TokioExecutor::new()).build(tcp);
    let mut share = Share::default();
    let mut pause = SELDOM;
    loop {
        tokio::time::sleep(pause).await;
        let looked_for = home.clone();
        let Some(there) = engine.with(move |core| addresses(core, &looked_for)).await else { return };
        let mut asked: JoinSet<_> = there.into_iter().map(|address| ask(http.clone(), address)).collect();
        let mut said = Vec::new();
        while let Some(answer) = asked.join_next().await {
            said.push(answer.ok().flatten());
        }
        let others = replica.others(said);
        let own = replica.connections.staying();
        let excess = share.excess(own, others.as_deref());
        pause = if excess > 0 { OFTEN } else { SELDOM };
        if excess > 0 {
            info!(
                "{excess} of {own} connections are ended, for other replicas have {others:?}",
                others = others.unwrap_or_default()
            );
            replica.connections.shed(excess);
            metrics.delivery.shed(excess);
        }
    }
}

/// Where the replicas tell of themselves: the endpoints of their Service that take calls.
fn addresses(core: &Core, home: &Home) -> Vec<SocketAddr> {
    let (host, namespace) = &home.service;
    let snapshot = core.index().snapshot();
    let scope = snapshot.scope(namespace);
    let view = View::new(snapshot, &scope);
    let services = view.definitions(host);
    let endpoints = services.iter().filter_map(|service| view.endpoints(service)).flat_map(|all| all.of_port(PORT));
    let here = endpoints.filter(|endpoint| endpoint.workload.cluster == home.cluster);
    let healthy = here.filter(|endpoint| endpoint.health == Health::Healthy);
    healthy.filter_map(|e| Some(SocketAddr::new(e.address().parse::<IpAddr>().ok()?, e.port))).collect()
}

type Http = Client<HttpConnector, Empty<bytes::Bytes>>;

async fn ask(http: Http, address: SocketAddr) -> Option<Said> {
    let uri = format!("http://{address}{PATH}").parse().ok()?;
    let answer = async {
        let answer = http.get(uri).await.ok().filter(|answer| answer.status().is_success())?;
        let body = Limited::new(answer.into_body(), 4096).collect().await.ok()?;
        serde_json::from_slice(&body.to_bytes()).ok()
    };
    tokio::time::timeout(PATIENCE, answer).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id: &str, ready: bool, connections: usize) -> Option<Said> {
        Some(Said { id: id.to_owned(), ready, connections })
    }

    #[test]
    fn the_others_are_known_when_all_answer_and_one_is_oneself() {
        let replica = Replica { id: "a".into(), connections: Arc::default(), readiness: Readiness::default() };
        assert_eq!(replica.others(vec![said("b", true, 7), said("a", true, 90)]), Some(vec![7]));
        assert_eq!(replica.others(vec![said("a", true, 90)]), Some(vec![]));
        for unknown in [
            vec![said("a", true, 90), None],
            vec![said("a", true, 90), said("b", false, 7)],
            vec![said("b", true, 7)],
            vec![],
        ] {
            assert_eq!(replica.others(unknown), None);
        }
    }

    #[test]
    fn a_replica_that_waits_for_something_does_not_call_itself_ready() {
        let readiness = Readiness::default();
        let replica = Replica::new(Arc::default(), readiness.clone());
        assert!(replica.say().ready);
        let _pending = readiness.wait_for("something");
        assert!(!replica.say().ready);
    }
}
