//! What a proxy would hold, without a server.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::Node as ProtoNode;
use prost::Name;
use serde_json::{Map, Value, json};

use crate::config::{Environment, RenderArgs};
use crate::debug::json as proto_json;
use crate::engine::Core;
use crate::model::index::{Allocations, Options};
use crate::source::files;
use crate::store::Event;
use crate::wire::{Cache, Publication, ResourceType};
use crate::xds::Node;

use super::difference::difference;
use super::state::State;

/// Why nothing can be printed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read at all.
    #[error(transparent)]
    Files(#[from] files::Error),
    /// The file with the Node cannot be read.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// The Node is not one.
    #[error("{0}: {1}")]
    Node(String, String),
    /// A resource cannot be printed: a defect.
    #[error("{0}")]
    Json(#[from] proto_json::Error),
}

/// Takes in a folder as a control plane would on its start.
pub fn load(folder: &Path, mesh: Option<&Path>, options: Options, allocations: Allocations) -> Result<Core, Error> {
    let scan = files::read(files::Options {
        folder: Some(folder.to_owned()),
        mesh: mesh.map(Path::to_owned),
        networks: None,
    })?;
    let mut core = Core::new(options, (*scan.mesh.mesh).clone(), allocations, Arc::new(Cache::default()));
    let events = scan.objects.into_values().map(Event::Upsert).chain([Event::Synced]).collect();
    core.note(events, None, scan.findings.into());
    core.settle();
    Ok(core)
}

/// Reads an xDS Node in proto-JSON.
pub fn node(file: &Path) -> Result<Node, Error> {
    let name = || file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|e| Error::Io(name(), e))?;
    let value: Value = serde_json::from_str(&text).map_err(|e| Error::Node(name(), e.to_string()))?;
    let bytes = proto_json::from_json(&ProtoNode::type_url(), value).map_err(|e| Error::Node(name(), e.to_string()))?;
    Node::decode(Some(bytes.into())).map_err(|e| Error::Node(name(), e.to_string()))
}

/// What a proxy holds once it has asked for all that its clusters and listeners name: clusters, endpoints, listeners,
/// routes and configurations of extensions by name, and the name table, as `xdsprobe dump` prints it.
pub fn holdings(publication: &Publication) -> Result<Value, Error> {
    let all = |kind: ResourceType, wanted: Option<&BTreeSet<String>>| -> Result<Map<String, Value>, Error> {
        let mut out = Map::new();
        for encoded in publication.of(kind).iter().filter(|e| wanted.is_none_or(|w| w.contains(e.name().as_str()))) {
            let printed = proto_json::to_json(kind.type_url(), &encoded.message())?;
            out.insert(encoded.name().to_string(), printed);
        }
        Ok(out)
    };
    let clusters = all(ResourceType::Cluster, None)?;
    let listeners = all(ResourceType::Listener, None)?;
    let endpoints = all(ResourceType::Endpoint, Some(&clusters.values().filter_map(eds_name).collect()))?;
    let (mut route_names, mut extension_names) = (BTreeSet::new(), BTreeSet::new());
    listeners.values().for_each(|l| asked_for(l, &mut route_names, &mut extension_names));
    let routes = all(ResourceType::Route, Some(&route_names))?;
    let extensions = all(ResourceType::Extension, Some(&extension_names))?;
    let names = all(ResourceType::NameTable, None)?;
    let table = names.into_values().find_map(|mut t| t.get_mut("table").map(Value::take));
    Ok(json!({
        "clusters": clusters,
        "endpoints": endpoints,
        "listeners": listeners,
        "routes": routes,
        "extensions": extensions,
        "nametable": table.unwrap_or_else(|| json!({})),
    }))
}

/// The name under which an EDS cluster asks for its endpoints.
fn eds_name(cluster: &Value) -> Option<String> {
    if cluster["type"] != "EDS" {
        return None;
    }
    let service = cluster["edsClusterConfig"]["serviceName"].as_str();
    service.or_else(|| cluster["name"].as_str()).map(str::to_owned)
}

/// The names of route configurations and of extensions that a listener asks for.
fn asked_for(value: &Value, routes: &mut BTreeSet<String>, extensions: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            routes.extend(map.get("rds").and_then(|rds| rds["routeConfigName"].as_str()).map(str::to_owned));
            let discovered = map.contains_key("configDiscovery");
            extensions.extend(map.get("name").filter(|_| discovered).and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|v| asked_for(v, routes, extensions));
        }
        Value::Array(list) => list.iter().for_each(|v| asked_for(v, routes, extensions)),
        _ => {}
    }
}

/// What a proxy would hold in a mesh that was taken in.
pub fn render(core: &mut Core, node: &Node) -> Result<Value, Error> {
    while_there(core, node, |_, publication| holdings(publication))?
}

/// Looks at a mesh while a proxy is there, and at what that would hold.
fn while_there<T>(core: &mut Core, node: &Node, look: impl FnOnce(&Core, &Publication) -> T) -> Result<T, Error> {
    let proxy = super::node::proxy(node).map_err(|e| Error::Node("node".to_owned(), e.to_string()))?;
    let (id, publication) = core.join(proxy);
    let seen = look(core, &publication);
    core.leave(id);
    Ok(seen)
}

/// Runs `mizzen render`: prints what the proxy would hold, or what another folder would change for it. Returns whether
/// the two folders differ.
pub fn run(args: &RenderArgs, environment: &Environment, out: &mut impl Write) -> anyhow::Result<bool> {
    let domain = args.domain.as_str().into();
    let features = environment.features.generation.clone();
    let options = Options { domain, cluster: args.cluster_id.as_str().into(), features, ..Options::default() };
    let given = args.state_dir.as_deref().map(State::load).transpose()?.unwrap_or_default();
    let node = node(&args.node)?;
    let print = |folder: &Path, given: Allocations| -> anyhow::Result<(Value, Allocations)> {
        let mut core = load(folder, args.mesh_config.as_deref(), options.clone(), given)?;
        // A proxy shows more: patches that do not fit what it holds, and keys that it may not have.
        let look = |core: &Core, publication: &Publication| (holdings(publication), core.findings());
        let (held, findings) = while_there(&mut core, &node, look)?;
        findings.iter().for_each(|finding| eprintln!("{:?}: {finding}", finding.severity));
        Ok((held?, core.index().allocations().clone()))
    };
    let (before, given) = print(&args.config_dir, given)?;
    let Some(other) = &args.diff else {
        serde_json::to_writer_pretty(&mut *out, &before)?;
        writeln!(out)?;
        return Ok(false);
    };
    let (after, _) = print(other, given)?;
    let text = difference(&before, &after);
    out.write_all(text.as_bytes())?;
    Ok(!text.is_empty())
}
