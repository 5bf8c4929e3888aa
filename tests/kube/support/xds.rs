//! An xDS client of another make than mizzen's server: what a proxy is sent over a real connection, in both variants
//! of the protocol.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use mizzen::debug::json;
use prost::Name as _;
use prost::bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// The types that a proxy asks for, in the order in which it does: by their names in a dump and their URLs.
const TYPES: [(&str, &str); 5] = [
    ("clusters", "type.googleapis.com/envoy.config.cluster.v3.Cluster"),
    ("listeners", "type.googleapis.com/envoy.config.listener.v3.Listener"),
    ("nametable", "type.googleapis.com/istio.networking.nds.v1.NameTable"),
    ("endpoints", "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"),
    ("routes", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"),
];
/// So many of them are asked for as a whole, the others by name.
const WHOLE: usize = 3;

/// A variant of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    Delta,
    Sotw,
}

/// One proxy on one stream. It acknowledges everything, and asks for the endpoints and routes that its clusters and
/// listeners name.
pub(crate) struct Client {
    stream: Stream,
    node: Option<Node>,
    /// By the order of [`TYPES`].
    types: [Type; TYPES.len()],
}

enum Stream {
    Delta(UnboundedSender<DeltaDiscoveryRequest>, Streaming<DeltaDiscoveryResponse>),
    Sotw(UnboundedSender<DiscoveryRequest>, Streaming<DiscoveryResponse>),
}

/// What is known of one type.
#[derive(Default)]
struct Type {
    version: String,
    nonce: String,
    names: BTreeSet<String>,
    held: Held,
    /// Whether a request waits for its answer; of names asked for incrementally, those that do.
    waiting: bool,
    unanswered: BTreeSet<String>,
}

/// Resources with their versions, by name; in the variant without versions these are empty.
pub(crate) type Held = BTreeMap<String, (String, Value)>;

/// One response.
pub(crate) struct Arrived {
    /// The name of its type in a dump.
    pub(crate) kind: &'static str,
    /// The version of the response as a whole.
    pub(crate) version: String,
    /// The names of what it sets.
    pub(crate) set: Vec<String>,
    /// The names of what it takes away.
    pub(crate) removed: Vec<String>,
}

/// The Node in a file, as proto-JSON.
pub(crate) fn node(file: &Path) -> Node {
    let value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let bytes = json::from_json(&Node::type_url(), value).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    prost::Message::decode(&*bytes).unwrap()
}

impl Client {
    /// Connects to a control plane at `HOST:PORT` and asks for everything.
    pub(crate) async fn connect(address: &str, node: Node, variant: Variant) -> Result<Self, Status> {
        Self::come_back(address, node, variant, [const { Held::new() }; TYPES.len()]).await
    }

    /// The same of a proxy that holds something already, which is what [`Client::leave`] gave.
    pub(crate) async fn come_back(
        address: &str,
        node: Node,
        variant: Variant,
        held: [Held; TYPES.len()],
    ) -> Result<Self, Status> {
        let unavailable = |e: tonic::transport::Error| Status::unavailable(e.to_string());
        let channel = Channel::from_shared(format!("http://{address}")).expect("an address");
        let channel = channel.connect().await.map_err(unavailable)?;
        let mut client = AggregatedDiscoveryServiceClient::new(channel).max_decoding_message_size(usize::MAX);
        let stream = match variant {
            Variant::Delta => {
                let (requests, sent) = unbounded_channel();
                let answer = client.delta_aggregated_resources(UnboundedReceiverStream::new(sent)).await?;
                Stream::Delta(requests, answer.into_inner())
            }
            Variant::Sotw => {
                let (requests, sent) = unbounded_channel();
                let answer = client.stream_aggregated_resources(UnboundedReceiverStream::new(sent)).await?;
                Stream::Sotw(requests, answer.into_inner())
            }
        };
        let types = held.map(|held| Type { held, ..Type::default() });
        let mut client = Self { stream, node: Some(node), types };
        for kind in 0..WHOLE {
            client.ask(kind, BTreeSet::new());
        }
        // One that holds clusters and listeners knows at once what else it wants.
        client.follow(0);
        client.follow(1);
        Ok(client)
    }

    /// Ends the stream. What it held may be stated at the next.
    pub(crate) fn leave(self) -> [Held; TYPES.len()] {
        self.types.map(|t| t.held)
    }

    /// Takes in responses until everything that was asked for is answered.
    pub(crate) async fn settle(&mut self) -> Result<(), Status> {
        while self.types.iter().any(|t| t.waiting || !t.unanswered.is_empty()) {
            self.next().await?;
        }
        Ok(())
    }

    /// Takes in the next response.
    pub(crate) async fn next(&mut self) -> Result<Arrived, Status> {
        let end = || Status::unavailable("the stream ended");
        let (url, nonce, version, resources, removed) = match &mut self.stream {
            Stream::Delta(_, responses) => {
                let r = responses.message().await?.ok_or_else(end)?;
                let body = |r: envoy_types::pb::envoy::service::discovery::v3::Resource| {
                    (r.version, r.resource.map(|any| Bytes::from(any.value)).unwrap_or_default())
                };
                let resources: Vec<_> = r.resources.into_iter().map(body).collect();
                (r.type_url, r.nonce, r.system_version_info, resources, r.removed_resources)
            }
            Stream::Sotw(_, responses) => {
                let r = responses.message().await?.ok_or_else(end)?;
                let resources = r.resources.into_iter().map(|any| (String::new(), Bytes::from(any.value))).collect();
                (r.type_url, r.nonce, r.version_info, resources, Vec::new())
            }
        };
        let index = TYPES.iter().position(|(_, u)| *u == url).expect("a type that was asked for");
        let read = |(version, bytes): (String, Bytes)| {
            let value = json::to_json(&url, &bytes).unwrap_or_else(|e| panic!("{url}: {e}"));
            let name = value["name"].as_str().or_else(|| value["clusterName"].as_str()).unwrap_or_default().to_owned();
            (name, (version, value))
        };
        let set: Vec<_> = resources.into_iter().map(read).collect();
        let kind = &mut self.types[index];
        if matches!(self.stream, Stream::Sotw(..)) && index < WHOLE {
            kind.held.clear();
        }
        let names: Vec<String> = set.iter().map(|(name, _)| name.clone()).collect();
        for name in names.iter().chain(&removed) {
            kind.unanswered.remove(name);
        }
        removed.iter().for_each(|name| drop(kind.held.remove(name)));
        kind.held.extend(set);
        (kind.nonce, kind.version, kind.waiting) = (nonce, version.clone(), false);
        self.answer(index);
        self.follow(index);
        Ok(Arrived { kind: TYPES[index].0, version, set: names, removed })
    }

    /// Everything that it holds, as golden files have it.
    pub(crate) fn dump(&self) -> Value {
        let mut dump = Map::new();
        for ((kind, _), state) in TYPES.iter().zip(&self.types) {
            let values = state.held.iter().map(|(name, (_, value))| (name.clone(), value.clone()));
            let value = match *kind {
                "nametable" => state.held.values().next().map_or(Value::Null, |(_, table)| table["table"].clone()),
                _ => values.collect::<Map<_, _>>().into(),
            };
            dump.insert((*kind).to_owned(), value);
        }
        dump.into()
    }

    /// The version of the last response of a type.
    pub(crate) fn version(&self, kind: &str) -> &str {
        let index = TYPES.iter().position(|(name, _)| *name == kind).expect("a type");
        &self.types[index].version
    }

    /// Asks for what was not asked for by name, or for other names than before.
    fn ask(&mut self, kind: usize, names: BTreeSet<String>) {
        let url = TYPES[kind].1.to_owned();
        let state = &mut self.types[kind];
        let first = state.nonce.is_empty() && state.names.is_empty();
        let new: Vec<String> = names.difference(&state.names).cloned().collect();
        let gone: Vec<String> = state.names.difference(&names).cloned().collect();
        state.held.retain(|name, _| kind < WHOLE || names.contains(name));
        state.unanswered.retain(|name| names.contains(name));
        state.names = names;
        match &self.stream {
            Stream::Delta(requests, _) => {
                let stated: HashMap<String, String> = match first {
                    true => state.held.iter().map(|(name, (version, _))| (name.clone(), version.clone())).collect(),
                    false => HashMap::new(),
                };
                state.waiting |= kind < WHOLE && stated.is_empty();
                state.unanswered.extend(new.iter().filter(|name| !stated.contains_key(*name)).cloned());
                let request = DeltaDiscoveryRequest {
                    node: self.node.take(),
                    type_url: url,
                    resource_names_subscribe: new,
                    resource_names_unsubscribe: gone,
                    initial_resource_versions: stated,
                    ..Default::default()
                };
                // A stream that ended is seen when it is read.
                let _ = requests.send(request);
            }
            Stream::Sotw(requests, _) => {
                state.waiting |= kind < WHOLE || !new.is_empty();
                let (version_info, response_nonce) = (state.version.clone(), state.nonce.clone());
                let request = DiscoveryRequest {
                    node: self.node.take(),
                    type_url: url,
                    resource_names: state.names.iter().cloned().collect(),
                    version_info,
                    response_nonce,
                    ..Default::default()
                };
                let _ = requests.send(request);
            }
        }
    }

    fn answer(&mut self, kind: usize) {
        let state = &self.types[kind];
        let (type_url, response_nonce) = (TYPES[kind].1.to_owned(), state.nonce.clone());
        match &self.stream {
            Stream::Delta(requests, _) => {
                let _ = requests.send(DeltaDiscoveryRequest { type_url, response_nonce, ..Default::default() });
            }
            Stream::Sotw(requests, _) => {
                let (version_info, resource_names) = (state.version.clone(), state.names.iter().cloned().collect());
                let request =
                    DiscoveryRequest { type_url, response_nonce, version_info, resource_names, ..Default::default() };
                let _ = requests.send(request);
            }
        }
    }

    /// Asks for the endpoints that clusters name, or the routes that listeners do, if they are others than before.
    fn follow(&mut self, kind: usize) {
        let mut names = BTreeSet::new();
        let values = self.types[kind].held.values().map(|(_, value)| value);
        let of = match TYPES[kind].0 {
            "clusters" => {
                names.extend(values.filter_map(eds_name));
                3
            }
            "listeners" => {
                values.for_each(|listener| routes(listener, &mut names));
                4
            }
            _ => return,
        };
        if names != self.types[of].names {
            self.ask(of, names);
        }
    }
}

/// The name under which a cluster asks for its endpoints, if it does.
fn eds_name(cluster: &Value) -> Option<String> {
    let service = cluster["edsClusterConfig"]["serviceName"].as_str().or_else(|| cluster["name"].as_str());
    service.filter(|_| cluster["type"] == "EDS").map(str::to_owned)
}

/// The names of route configurations anywhere in a listener.
fn routes(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            names.extend(map.get("rds").and_then(|rds| rds["routeConfigName"].as_str()).map(str::to_owned));
            map.values().for_each(|v| routes(v, names));
        }
        Value::Array(list) => list.iter().for_each(|v| routes(v, names)),
        _ => {}
    }
}
