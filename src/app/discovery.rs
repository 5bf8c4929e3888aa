//! `mizzen discovery`: the control plane.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::{DiscoveryArgs, Environment};
use crate::engine::{Core, Debounce, Engine};
use crate::metrics::Metrics;
use crate::model::Survey;
use crate::model::index::{Allocations, Options};
use crate::source::kube::{Connection, Roster, Tokens};
use crate::status::Writers;
use crate::wire::Cache;
use crate::xds::{self, Rate, Service, Transport};

use super::counting::Counting;
use super::findings::Findings;
use super::http::{self, Access, PrometheusPlace, Readiness, Rules, State as Pages};
use super::intake;
use super::mesh::{Mesh, Outlets};
use super::replicas::{self, Home, Replica};
use super::source;
use super::state::State;
use super::version::Build;
use super::writing;

/// Runs until it is told to stop.
///
/// # Errors
/// When a flag has no meaning or a port cannot be had.
pub async fn run(args: &DiscoveryArgs, environment: &Environment) -> anyhow::Result<()> {
    let began = Instant::now();
    let build = Build::this();
    info!("mizzen {} starts", build.text());
    let features = &environment.features;
    let pages = http::Options {
        http: args.http_addr.clone(),
        monitoring: args.monitoring_addr.clone(),
        debug: features.debug_on_http,
        page: http::PageOptions {
            replica: environment.pod_name.clone(),
            revision: environment.revision.clone(),
            prometheus: prometheus(args),
        },
    };
    // Probes are answered before anything else is done.
    let pages = http::bind(&pages).await.context("the ports for people and probes")?;
    let stop = CancellationToken::new();
    let metrics = Arc::new(Metrics::new(build.tag, &build.text()));
    let readiness = Readiness::default();
    let outlets = Outlets::default();
    let cache = Arc::new(Cache::default());
    let synced = readiness.wait_for("the configuration to be read");
    let serving = readiness.wait_for("the xDS port");
    let (shown, seen) = writing::channel();
    let engine = engine(args, environment, &outlets, &metrics, &cache, synced, shown.meshes)?;
    let findings = Findings::default();
    let roster = Roster::default();
    let source = source::start(args, environment, &metrics, &roster).await?;
    intake::start(source.deliveries, &engine, findings.clone(), shown.sights);
    let access = access(environment, source.cluster.as_ref());
    let writers = source.cluster.map(|cluster| seen.spawn(&cluster, args, environment, &metrics, &stop));
    if let Some(writers) = &writers {
        outlets.tell(writers.witness());
    }
    let leaders = writers.as_ref().map(Writers::standings).unwrap_or_default();
    let progress = outlets.progress();
    let mesh = Mesh {
        engine: engine.clone(),
        cache: cache.clone(),
        outlets,
        metrics: metrics.clone(),
        readiness: readiness.clone(),
    };
    let service = Service::new(mesh, Arc::new(Counting(metrics.clone())), delivery(environment));
    let clients = service.connections();
    let replica = Replica::new(clients.clone(), readiness.clone());
    if features.balance {
        tokio::spawn(replicas::balance(replica.clone(), engine.clone(), home(args, environment), metrics.clone()));
    }
    let shown = Pages {
        engine,
        findings,
        cache,
        clients,
        metrics,
        progress,
        readiness: readiness.clone(),
        leaders,
        replica,
        admin: features.unsafe_admin,
        cache_stats: features.cache_stats,
        filter_stats: features.filter_stats,
        local_metrics: features.local_metrics,
        roster,
        access,
    };
    let pages_stop = CancellationToken::new();
    let servers = pages.serve(shown, axum::Router::new(), &pages_stop);
    let transport = Transport {
        keepalive: args.keepalive_interval,
        keepalive_timeout: args.keepalive_timeout,
        max_age: Some(args.max_connection_age).filter(|age| !age.is_zero()),
        grace: args.shutdown_duration,
        ..Transport::default()
    };
    let streams = match args.grpc_addr.as_str() {
        "" => None,
        address => {
            let opened = match address.strip_prefix("unix:") {
                Some(path) => xds::Listener::unix(Path::new(path)),
                None => http::listen(address).await.map(xds::Listener::from),
            };
            let listener = opened.with_context(|| format!("--grpcAddr {address}"))?;
            info!("xDS on {}", listener.place()?);
            Some(tokio::spawn(xds::serve(listener, service, transport, stop.clone())))
        }
    };
    drop(serving);
    let leaving = readiness.clone();
    tokio::spawn(announce(readiness, began));
    stopped().await?;
    info!("stopping: open streams have {} s to end", args.shutdown_duration.as_secs());
    // Probes are told, so that nobody is led here any more, for as long as there are streams to be ended.
    let _leaving = leaving.wait_for("the end: this process is stopping");
    stop.cancel();
    let ended = async {
        if let Some(streams) = streams {
            let _ = streams.await;
        }
        if let Some(writers) = writers {
            writers.ended().await;
        }
        pages_stop.cancel();
        servers.ended().await;
    };
    let _ = tokio::time::timeout(args.shutdown_duration + Duration::from_secs(1), ended).await;
    Ok(())
}

fn engine(
    args: &DiscoveryArgs,
    environment: &Environment,
    outlets: &Outlets,
    metrics: &Arc<Metrics>,
    cache: &Arc<Cache>,
    synced: http::Pending,
    meshes: watch::Sender<Option<Survey>>,
) -> anyhow::Result<Engine> {
    let (state, given) = state(args, environment);
    let options = Options {
        domain: args.domain.as_str().into(),
        cluster: args.cluster_id.as_str().into(),
        system: environment.pod_namespace.as_str().into(),
        features: environment.features.generation.clone(),
    };
    let core = Core::new(options, Default::default(), given, cache.clone());
    let features = &environment.features;
    let debounce = Debounce { quiet: features.debounce_after, longest: features.debounce_max };
    let (outlets, metrics) = (outlets.clone(), metrics.clone());
    let mut synced = Some(synced);
    let settled = move |core: &mut Core, settled: crate::engine::Settled, began: Instant| {
        metrics.intake.settled(began.elapsed(), settled.took);
        if settled.allocated
            && let Some(Err(e)) = state.as_ref().map(|s| s.save(core.index().allocations()))
        {
            warn!("virtual addresses cannot be kept, and may change at the next start: {e}");
        }
        outlets.publish(core.index().snapshot().revision, settled, began);
        if core.synced() && !meshes.is_closed() {
            meshes.send_replace(Some(core.index().survey()));
        }
        if core.synced() && synced.take().is_some() {
            match core.index().objects().count() {
                0 => warn!("there is no object yet: proxies will know no service"),
                objects => info!("{objects} objects read"),
            }
        }
    };
    Ok(Engine::spawn(core, debounce, settled)?)
}

/// Where other replicas are found: the Service `istiod`, or `istiod-REVISION`.
fn home(args: &DiscoveryArgs, environment: &Environment) -> Home {
    let name = match environment.revision.as_str() {
        "" | "default" => "istiod".to_owned(),
        revision => format!("istiod-{revision}"),
    };
    let namespace = args.namespace.as_deref().unwrap_or(&environment.pod_namespace);
    let host = format!("{name}.{namespace}.svc.{}", args.domain);
    Home { service: (host.as_str().into(), namespace.into()), cluster: args.cluster_id.as_str().into() }
}

/// Where Prometheus is, if that was said.
fn prometheus(args: &DiscoveryArgs) -> Option<PrometheusPlace> {
    let address = args.prometheus_addr.clone().filter(|address| !address.is_empty())?;
    let file = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
    let (ca, token) = (file(&args.prometheus_ca), file(&args.prometheus_token));
    if token.is_some() && !address.starts_with("https://") {
        warn!("--prometheusTokenFile: the token is sent in clear text, for --prometheusAddr is not https://");
    }
    Some(PrometheusPlace { address, ca, token })
}

/// Who may look at the pages: with a cluster, whoever has a token of it too.
fn access(environment: &Environment, cluster: Option<&Connection>) -> Access {
    let features = &environment.features;
    let rules = Rules { by_namespace: features.debug_by_namespace, allowed: features.debug_namespaces.clone() };
    Access::new(rules, cluster.map(|cluster| Tokens::new(cluster.client(), features.token_audiences.clone())))
}

fn delivery(environment: &Environment) -> xds::Options {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = environment.features.max_requests_per_second;
    let rate = if asked > 0.0 { Rate::fixed(asked.ceil() as u32) } else { Rate::automatic(cores) };
    xds::Options { max_request: environment.features.max_recv_size, rate, ..xds::Options::default() }
}

/// Where virtual addresses are kept, and those given before.
fn state(args: &DiscoveryArgs, environment: &Environment) -> (Option<State>, Allocations) {
    let folder = match &args.state_dir {
        Some(none) if none.as_os_str().is_empty() => None,
        Some(folder) => Some(folder.clone()),
        None => environment.state_home.as_ref().map(|home| home.join("mizzen")),
    };
    let Some(folder) = folder else {
        warn!("no --stateDir: virtual addresses are kept in memory and may change at the next start");
        return (None, Allocations::default());
    };
    let open = |folder: &PathBuf| Ok::<_, std::io::Error>((State::open(folder)?, State::load(folder)?));
    match open(&folder) {
        Ok((state, given)) => (Some(state), given),
        Err(e) => {
            warn!(
                "{} cannot be used ({e}): virtual addresses are kept in memory and may change at the next start",
                folder.display()
            );
            (None, Allocations::default())
        }
    }
}

/// Tells when everything is there; every few seconds, what is still missing.
async fn announce(readiness: Readiness, began: Instant) {
    let mut told = Instant::now();
    loop {
        let missing = readiness.missing();
        if missing.is_empty() {
            return info!("ready after {} ms", began.elapsed().as_millis());
        }
        if told.elapsed() > Duration::from_secs(3) {
            told = Instant::now();
            info!("waiting for {}", missing.join(", "));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn stopped() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
