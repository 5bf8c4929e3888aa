//! `mizzen discovery`: the control plane.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::{DiscoveryArgs, Environment};
use crate::engine::{Core, Debounce, Engine, Input};
use crate::model::index::{Allocations, Options};
use crate::source::files;
use crate::wire::Cache;

use super::state::State;

/// An address as Go writes it: `:15010` is every address of the machine, `` none.
pub fn address(text: &str) -> anyhow::Result<Option<SocketAddr>> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(port) = text.strip_prefix(':') {
        let port = port.parse().with_context(|| format!("{text:?} has no port"))?;
        return Ok(Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)));
    }
    let text = text.replace("localhost", "127.0.0.1");
    Ok(Some(text.parse().with_context(|| format!("{text:?} is not an address such as 127.0.0.1:15010 or :15010"))?))
}

/// Runs until it is told to stop.
pub async fn run(args: &DiscoveryArgs, environment: &Environment) -> anyhow::Result<()> {
    let folder = args.config_dir.clone();
    if args.registries.iter().any(|r| r == "Kubernetes") && folder.is_none() {
        anyhow::bail!(
            "Kubernetes as a source is not built yet: give a folder instead, with --registries= --configDir DIR"
        );
    }
    let stop = CancellationToken::new();
    let (state, given) = state(args, environment);
    let cache = Arc::new(Cache::default());
    let options = Options { domain: args.domain.as_str().into(), cluster: args.cluster_id.as_str().into() };
    let core = Core::new(options, Default::default(), given, cache.clone());
    let ready = Arc::new(AtomicBool::new(false));
    let watches: Arc<dashmap::DashMap<crate::plan::ProxyId, tokio::sync::watch::Sender<_>>> = Arc::default();
    let features = &environment.features;
    let debounce = Debounce { quiet: features.debounce_after, longest: features.debounce_max };
    let synced = ready.clone();
    let publish = watches.clone();
    let engine = Engine::spawn(core, debounce, move |core, settled, _since| {
        for (id, publication) in settled.publications {
            if let Some(sender) = publish.get(&id) {
                sender.send_replace(publication);
            }
        }
        if settled.allocated {
            if let Some(state) = &state {
                if let Err(e) = state.save(core.index().allocations()) {
                    warn!("virtual addresses cannot be kept: {e}");
                }
            }
        }
        if core.synced() {
            synced.store(true, Ordering::Release);
        }
    })?;
    let mut deliveries = files::spawn(files::Options {
        folder,
        mesh: Some(args.mesh_config.clone()),
        networks: Some(args.networks_config.clone()),
    })?;
    let inlet = engine.clone();
    tokio::spawn(async move {
        while let Some(delivery) = deliveries.recv().await {
            for f in delivery.findings.iter() {
                warn!("{f}");
            }
            let mesh = delivery.mesh.map(|m| (*m.mesh).clone());
            inlet.input(Input { events: delivery.events, mesh, findings: delivery.findings });
        }
    });
    // http
    let app_ready = ready.clone();
    if let Some(addr) = address(&args.http_addr)? {
        let router = axum::Router::new().route(
            "/ready",
            axum::routing::get(move || {
                let ok = app_ready.load(Ordering::Acquire);
                async move { if ok { http::StatusCode::OK } else { http::StatusCode::SERVICE_UNAVAILABLE } }
            }),
        );
        let listener = tokio::net::TcpListener::bind(addr).await?;
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    if let Some(addr) = address(&args.grpc_addr)? {
        let ads = super::ads::Ads { engine: engine.clone(), cache, watches, counter: Arc::default() };
        info!("xDS on {addr}");
        let stopped = stop.clone();
        tokio::spawn(async move {
            tonic::transport::Server::builder()
                .add_service(ads.server().max_decoding_message_size(4 << 20))
                .serve_with_shutdown(addr, stopped.cancelled_owned())
                .await
        });
    }
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    Ok(())
}

/// Where addresses are kept, and those given before.
fn state(args: &DiscoveryArgs, environment: &Environment) -> (Option<State>, Allocations) {
    let default = || environment.state_home.as_ref().map(|home| home.join("mizzen"));
    let folder = match &args.state_dir {
        Some(none) if none.as_os_str().is_empty() => None,
        Some(folder) => Some(folder.clone()),
        None => default(),
    };
    let open = |folder: &PathBuf| -> std::io::Result<(State, Allocations)> {
        Ok((State::open(folder)?, State::load(folder)?))
    };
    match folder.as_ref().map(open) {
        Some(Ok((state, given))) => (Some(state), given),
        Some(Err(e)) => {
            warn!(
                "{} cannot be used ({e}): virtual addresses are kept in memory and may change at the next start",
                folder.unwrap_or_default().display()
            );
            (None, Allocations::default())
        }
        None => {
            warn!("no --stateDir: virtual addresses are kept in memory and may change at the next start");
            (None, Allocations::default())
        }
    }
}
