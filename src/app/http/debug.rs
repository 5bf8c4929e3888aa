//! The debug pages: gathers what a page needs, and answers with what `debug` makes of it.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Extract};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use super::State;
use super::auth::{Caller, admit};
use super::query::Query;
use crate::api::{Key, Kind, Object};
use crate::base::Namespace;
use crate::debug::{self, Client, DumpOptions};
use crate::engine::Core;
use crate::model::{Scope, View};
use crate::plan::{self, targets};
use crate::proxy::Proxy;
use crate::wire::ResourceType;

/// Why a page has nothing to show. The texts are istiod's; istioctl looks for the second one and asks the next replica.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("You must provide a proxyID in the query string")]
    NoProxy,
    #[error("Proxy not connected to this Pilot instance. It may be connected to another instance.")]
    UnknownProxy,
    #[error("there is no such page; /debug leads to those there are")]
    UnknownPage,
    #[error("the engine has stopped")]
    Stopped,
    #[error("{0}")]
    Print(String),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoProxy => StatusCode::BAD_REQUEST,
            Self::UnknownProxy | Self::UnknownPage => StatusCode::NOT_FOUND,
            Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            Self::Print(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, format!("{self}\n")).into_response()
    }
}

type Answer = Result<Response, Error>;

/// `/debug`, open to everybody, and the pages below it, for whoever may see them.
pub(super) fn routes(state: State) -> Router {
    let index = async || Html(debug::index_page());
    Router::new()
        .route("/debug/{page}", get(page))
        .layer(from_fn_with_state(state.clone(), admit))
        .route("/debug", get(index))
        .with_state(state)
}

async fn page(
    Extract(state): Extract<State>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Query::parse(query.as_deref());
    let clients = || caller.sees(state.clients.clients());
    let pretty = query.has("pretty");
    match name.as_str() {
        "adsz" if query.get("push").is_some() => {
            // Whoever is connected has been sent what there is, or is being sent it; to send it again changes nothing.
            Ok(format!("Pushed to {} servers\n", clients().len()).into_response())
        }
        "adsz" => {
            let mut clients = clients();
            if let Some(id) = query.get("proxyID") {
                clients = vec![proxy(&clients, Some(id))?];
            }
            let cache = state.cache.clone();
            print(pretty, move || debug::adsz(&clients, cache.names())).await
        }
        "connections" => {
            let clients = clients();
            print(pretty, move || debug::connections(&clients)).await
        }
        "syncz" => {
            let (clients, namespace) = (clients(), query.get("namespace").map(str::to_owned));
            print(pretty, move || debug::syncz(&clients, namespace.as_deref())).await
        }
        "config_dump" => {
            let types = query.get("types").map(debug::resource_types);
            let options = DumpOptions { endpoints: query.has("include_eds") };
            let client = proxy(&clients(), query.get("proxyID"))?;
            dump(pretty, client, types, options).await
        }
        "edsz" | "ndsz" | "ecdsz" => {
            let types = debug::resource_types(name.trim_end_matches('z'));
            let client = proxy(&clients(), query.get("proxyID"))?;
            dump(pretty, client, Some(types), DumpOptions::default()).await
        }
        "registryz" => {
            let (snapshot, objects) = ask(&state, |core| (core.index().snapshot().clone(), objects(core))).await?;
            print(pretty, move || debug::registry(&snapshot, &objects)).await
        }
        "endpointz" | "endpointShardz" => {
            let snapshot = ask(&state, |core| core.index().snapshot().clone()).await?;
            print(pretty, move || debug::endpoint_shards(&snapshot)).await
        }
        "configz" => {
            let objects = ask(&state, objects).await?;
            print(pretty, move || debug::configs(&objects)).await
        }
        "mesh" => {
            let snapshot = ask(&state, |core| core.index().snapshot().clone()).await?;
            print(pretty, move || debug::mesh(&snapshot)).await
        }
        "clusterz" => {
            let (snapshot, synced) = ask(&state, |core| (core.index().snapshot().clone(), core.synced())).await?;
            let remote = state.remote();
            print(pretty, move || debug::clusters(&snapshot, synced, remote)).await
        }
        "findings" => {
            let findings = state.findings.now(&state.engine).await.ok_or(Error::Stopped)?;
            print(pretty, move || findings.to_vec()).await
        }
        "leaders" => print(pretty, move || state.leaders.list()).await,
        "authorizationz" => {
            let (snapshot, objects) = ask(&state, |core| (core.index().snapshot().clone(), objects(core))).await?;
            print(pretty, move || debug::authorization(&snapshot, &objects)).await
        }
        "telemetryz" => {
            let (snapshot, objects) = ask(&state, |core| (core.index().snapshot().clone(), objects(core))).await?;
            let Some(id) = query.get("proxyID") else {
                return print(pretty, move || debug::telemetry(&snapshot, &objects)).await;
            };
            let (namespace, found) = of_proxy(&state, id, |core, proxy| {
                let (scope, _) = plan::sidecar::scope(core.index().snapshot(), proxy);
                let keys = plan::telemetries(&View::new(core.index().snapshot(), &scope), proxy);
                let found = keys.iter().filter_map(|key| core.index().object(key).cloned());
                (proxy.namespace.clone(), found.collect::<Vec<_>>())
            })
            .await?;
            print(pretty, move || debug::proxy_telemetry(&snapshot, &namespace, &found)).await
        }
        "sidecarz" => {
            let id = query.get("proxyID").ok_or(Error::NoProxy)?;
            let (snapshot, objects) = ask(&state, |core| (core.index().snapshot().clone(), objects(core))).await?;
            let (scope, namespace, sidecar) = of_proxy(&state, id, seen).await?;
            print(pretty, move || debug::sidecar_scope(&snapshot, (&scope, &namespace), sidecar.as_deref(), &objects))
                .await
        }
        "instancesz" => {
            let (snapshot, objects, proxies) = ask(&state, |core| {
                let snapshot = core.index().snapshot().clone();
                let view = View::new(&snapshot, &Scope::Public);
                let proxies: Vec<_> =
                    core.plan().proxies().map(|(_, proxy)| (proxy.name.clone(), targets(&view, proxy))).collect();
                drop(view);
                (snapshot, objects(core), proxies)
            })
            .await?;
            print(pretty, move || debug::instances(&snapshot, &objects, proxies)).await
        }
        "cachez" => {
            if query.get("clear").is_some() {
                // What some proxy holds stays encoded; the rest goes.
                state.cache.sweep();
                return Ok("Cache cleared\n".into_response());
            }
            let held = ask(&state, |core| core.plan().publications().cloned().collect::<Vec<_>>()).await?;
            match query.get("sizes") {
                Some(_) => print(pretty, move || debug::held_sizes(&held)).await,
                None => print(pretty, move || debug::held(&held)).await,
            }
        }
        "networkz" => {
            let snapshot = ask(&state, |core| core.index().snapshot().clone()).await?;
            print(pretty, move || debug::network_gateways(View::new(&snapshot, &Scope::Public).networks().all.all()))
                .await
        }
        "pushcontext" => {
            let (snapshot, objects) = ask(&state, |core| (core.index().snapshot().clone(), objects(core))).await?;
            print(pretty, move || {
                let gateways = View::new(&snapshot, &Scope::Public).networks().all.clone();
                debug::push_context(&snapshot, gateways.all(), &objects)
            })
            .await
        }
        "krtz" => {
            let (objects, synced) = ask(&state, |core| (objects(core), core.synced())).await?;
            print(pretty, move || debug::collections(&objects, synced)).await
        }
        "resourcesz" => print(pretty, debug::schemas).await,
        "ambientz" => print(pretty, debug::Ambient::default).await,
        "mcsz" => print(pretty, debug::multi_cluster_services).await,
        // There is nothing to inject yet.
        "inject" => print(pretty, || serde_json::json!({})).await,
        "changez" => {
            let (progress, clients) = (state.progress.clone(), clients());
            print(pretty, move || debug::changes(&progress, &clients)).await
        }
        "force_disconnect" if state.admin => {
            let client = proxy(&clients(), query.get("proxyID"))?;
            state.clients.disconnect(&client.id);
            Ok("OK".into_response())
        }
        "push_status" => {
            let failures = ask(&state, |core| core.plan().findings().collect::<Vec<_>>()).await?;
            print(pretty, move || debug::push_status(&failures)).await
        }
        "list" => print(pretty, debug::list).await,
        _ => Err(Error::UnknownPage),
    }
}

/// Takes something from the engine, between two revisions.
async fn ask<T: Send + 'static>(state: &State, take: impl FnOnce(&Core) -> T + Send + 'static) -> Result<T, Error> {
    state.engine.with(|core| take(core)).await.ok_or(Error::Stopped)
}

fn objects(core: &Core) -> Vec<Arc<Object>> {
    core.index().objects().cloned().collect()
}

/// Asks the engine about a connected proxy.
async fn of_proxy<T: Send + 'static>(
    state: &State,
    id: &str,
    take: impl FnOnce(&Core, &Proxy) -> T + Send + 'static,
) -> Result<T, Error> {
    let client = proxy(&state.clients.clients(), Some(id))?;
    let found = ask(state, move |core| {
        // The newest, where it is connected twice.
        let of_name = core.plan().proxies().filter(|(_, proxy)| *proxy.name == *client.node.proxy()).last();
        of_name.map(|(_, proxy)| take(core, proxy))
    });
    found.await?.ok_or(Error::UnknownProxy)
}

/// From where a proxy sees the mesh, and the Sidecar that says so.
fn seen(core: &Core, proxy: &Proxy) -> (Scope, Namespace, Option<Arc<Object>>) {
    let snapshot = core.index().snapshot();
    let (scope, _) = plan::sidecar::scope(snapshot, proxy);
    let sidecar = plan::sidecar::sidecar(&View::new(snapshot, &Scope::Public), proxy);
    let key = sidecar.map(|s| Key::new(Kind::Sidecar, s.namespace.clone(), s.name.clone()));
    (scope, proxy.namespace.clone(), key.and_then(|key| core.index().object(&key).cloned()))
}

fn proxy(clients: &[Client], id: Option<&str>) -> Result<Client, Error> {
    Client::find(clients, id.ok_or(Error::NoProxy)?).cloned().ok_or(Error::UnknownProxy)
}

async fn dump(pretty: bool, client: Client, types: Option<Vec<ResourceType>>, options: DumpOptions) -> Answer {
    let made = blocking(move || match types {
        Some(types) => debug::of_types(&client, &types),
        None => debug::config_dump(&client, options),
    });
    let value = made.await?.map_err(|e| Error::Print(e.to_string()))?;
    print(pretty, move || value).await
}

/// Makes and prints a page where it may take its time.
async fn print<T: Serialize>(pretty: bool, make: impl FnOnce() -> T + Send + 'static) -> Answer {
    let text = blocking(move || debug::print(&make(), pretty)).await?.map_err(|e| Error::Print(e.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::Print(e.to_string()))
}
