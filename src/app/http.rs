//! What is answered over HTTP: readiness, metrics, the version, the debug pages, the page for people.
//!
//! Comes in: addresses, and handles on whatever can be looked at ([`State`]). Goes out: two servers like istiod's, one
//! for probes (`--httpAddr`), one for monitoring and for people to look at (`--monitoringAddr`). [`bind`] opens the
//! sockets before anything else is done, so that a port in use is known at once; [`Listeners::serve`] answers on them.
//!
//! Invariants: pages are made from values taken at one moment, not while holding the engine; a caller from elsewhere
//! sees debug pages only once it can prove who it is.
//! Absent: what the pages say (`debug`), xDS.

mod auth;
mod debug;
mod listen;
mod page;
mod prometheus;
mod query;
mod ready;
mod server;
mod sizes;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, State as Extract};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::debug::{Clients, Cluster};
use crate::engine::Engine;
use crate::metrics::{self, Metrics};
use crate::progress::Progress;
use crate::source::kube::{Remote, Roster};
use crate::status::Standings;
use crate::wire::Cache;

use super::findings::Findings;
use super::replicas::{self, Replica};

pub use auth::{Access, Rules};
pub use listen::listen;
pub use page::Options as PageOptions;
pub use prometheus::Place as PrometheusPlace;
pub use ready::{Pending, Readiness};

/// Where to answer, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--httpAddr`, as Go writes addresses; empty for nowhere.
    pub http: String,
    /// `--monitoringAddr`; where it is empty, what it would have is on `http` too, as in istiod.
    pub monitoring: String,
    /// `ENABLE_DEBUG_ON_HTTP`: whether there are debug pages, and the page for people.
    pub debug: bool,
    /// What that page has to know.
    pub page: PageOptions,
}

/// What can be looked at. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The facts and the classes.
    pub engine: Engine,
    /// What is wrong or odd.
    pub findings: Findings,
    /// The encoded resources.
    pub cache: Arc<Cache>,
    /// Who is connected.
    pub clients: Arc<dyn Clients>,
    /// What was counted.
    pub metrics: Arc<Metrics>,
    /// How far proxies are.
    pub progress: Arc<Progress>,
    /// Whether the control plane can serve.
    pub readiness: Readiness,
    /// Who writes to the cluster.
    pub leaders: Standings,
    /// What other replicas are told.
    pub(super) replica: Replica,
    /// `UNSAFE_ENABLE_ADMIN_ENDPOINTS`: whether pages may change something.
    pub admin: bool,
    /// `PILOT_XDS_CACHE_STATS`: whether the cache is counted in istiod's names too.
    pub cache_stats: bool,
    /// `PILOT_ENVOY_FILTER_STATS`: whether patches that are left out are counted in istiod's names too.
    pub filter_stats: bool,
    /// `METRICS_LOCALHOST_ACCESS_ONLY`: whether metrics are for this machine alone.
    pub local_metrics: bool,
    /// The remote clusters.
    pub roster: Roster,
    /// Who may look.
    pub access: Access,
}

impl State {
    /// How the remote clusters are.
    fn remote(&self) -> Vec<Cluster> {
        let shown =
            |remote: Remote| Cluster { id: remote.id, secret_name: remote.secret, sync_status: remote.status.as_str() };
        self.roster.all().into_iter().map(shown).collect()
    }
}

/// Open sockets on which nothing is answered yet.
pub struct Listeners {
    http: Option<TcpListener>,
    monitoring: Option<TcpListener>,
    debug: bool,
    page: PageOptions,
}

/// Servers that are running.
pub struct Servers {
    running: JoinSet<()>,
}

/// Opens the sockets.
///
/// # Errors
/// When an address is none or cannot be had.
pub async fn bind(options: &Options) -> io::Result<Listeners> {
    let open = async |address: &str| if address.is_empty() { Ok(None) } else { listen(address).await.map(Some) };
    let http = open(&options.http).await?;
    let monitoring = open(&options.monitoring).await?;
    Ok(Listeners { http, monitoring, debug: options.debug, page: options.page.clone() })
}

impl Listeners {
    /// Where readiness is answered.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(|l| l.local_addr().ok())
    }

    /// Where metrics are answered.
    pub fn monitoring_address(&self) -> Option<SocketAddr> {
        self.monitoring.as_ref().and_then(|l| l.local_addr().ok())
    }

    /// Answers until `stop`. `more` is answered beside readiness: xDS, where it has no address of its own.
    pub fn serve(self, state: State, more: Router, stop: &CancellationToken) -> Servers {
        let mut running = JoinSet::new();
        let pages = if self.debug { debug::routes(state.clone()) } else { Router::new() };
        let mut http = readiness(state.clone()).merge(pages.clone()).merge(more);
        let shown = if self.debug { page::routes(state.clone(), self.page) } else { Router::new() };
        let monitoring = monitoring(state).merge(shown);
        match self.monitoring {
            Some(listener) => drop(running.spawn(server::serve(listener, monitoring.merge(pages), stop.clone()))),
            None => http = http.merge(monitoring),
        }
        if let Some(listener) = self.http {
            running.spawn(server::serve(listener, http, stop.clone()));
        }
        Servers { running }
    }
}

impl Servers {
    /// Waits until the servers have ended: after their `stop`, when the requests under way are answered.
    pub async fn ended(mut self) {
        while self.running.join_next().await.is_some() {}
    }
}

/// `/ready`: 200, or 503 with what is still waited for.
fn readiness(state: State) -> Router {
    let answer = async |Extract(state): Extract<State>| match state.readiness.missing() {
        missing if missing.is_empty() => StatusCode::OK.into_response(),
        missing => (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {}\n", missing.join(", "))).into_response(),
    };
    Router::new().route("/ready", get(answer)).with_state(state)
}

/// `/metrics`, `/version`, and what other replicas are told.
fn monitoring(state: State) -> Router {
    let version = async || super::version::Build::this().text();
    let replica = async |Extract(state): Extract<State>| Json(state.replica.say());
    let routes = Router::new().route("/metrics", get(scrape)).route("/version", get(version));
    routes.route(replicas::PATH, get(replica)).with_state(state)
}

/// How long a scrape waits for the engine, which may be busy with a large change; after that it gets the sizes of the
/// last time.
const PATIENCE: Duration = Duration::from_secs(2);

async fn scrape(Extract(state): Extract<State>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Response {
    if state.local_metrics && !auth::is_local(peer) {
        return (StatusCode::FORBIDDEN, "Only requests from localhost are allowed\n").into_response();
    }
    if let Ok(Some(sizes)) = tokio::time::timeout(PATIENCE, sizes::take(&state)).await {
        state.metrics.set_state(&sizes);
    }
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], state.metrics.text()).into_response()
}
