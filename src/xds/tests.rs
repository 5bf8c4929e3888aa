//! Delivery over the wire: a real port on loopback and clients of another make.

mod bytes;
mod incoming;
mod manners;
mod sockets;
mod streams;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::Cluster as Message;
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use super::*;
use crate::base::Str;
use crate::wire::{Assembly, Cache, Layer, Publication, Recipe, Refusal, ResourceType};

use ResourceType::{Cluster, Endpoint, Listener, Route};

/// A resource whose content is a word. Delivery does not look into messages, so one sort serves all types.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Thing {
    pub(super) name: String,
    pub(super) content: String,
}

impl Recipe for Thing {
    type Message = Message;

    fn name(&self) -> Str {
        self.name.as_str().into()
    }

    fn build(&self) -> Result<Message, Refusal> {
        Ok(Message { name: self.name.clone(), alt_stat_name: self.content.clone(), ..Default::default() })
    }
}

/// What was reported, by name.
#[derive(Default)]
struct Numbers(Mutex<BTreeMap<String, i64>>);

impl Numbers {
    fn add(&self, name: &str, n: i64) {
        *self.0.lock().entry(name.to_owned()).or_default() += n;
    }

    fn get(&self, name: &str) -> i64 {
        self.0.lock().get(name).copied().unwrap_or_default()
    }
}

impl Metrics for Numbers {
    fn received(&self, bytes: usize) {
        self.add("received", bytes as i64);
    }

    fn not_pushed(&self, kind: ResourceType) {
        self.add(&format!("not pushed {}", kind.short()), 1);
    }

    fn connected(&self, version: &str, change: i64) {
        self.add(&format!("connected {version}"), change);
    }

    fn pushed(&self, kind: ResourceType, bytes: usize, _took: Duration) {
        self.add(&format!("pushed {}", kind.short()), 1);
        self.add(&format!("bytes {}", kind.short()), bytes as i64);
    }

    fn rejected(&self, kind: ResourceType, node: &str, code: &str) {
        self.add(&format!("rejected {} {node} {code}", kind.short()), 1);
    }

    fn expired_nonce(&self, kind: ResourceType) {
        self.add(&format!("expired {}", kind.short()), 1);
    }

    fn converged(&self, _took: Duration) {
        self.add("converged", 1);
    }

    fn queued(&self, _took: Duration) {
        self.add("queued", 1);
    }

    fn write_timeout(&self) {
        self.add("write timeout", 1);
    }

    fn internal_error(&self) {
        self.add("internal error", 1);
    }
}

/// A mesh in which everybody holds the same.
#[derive(Clone)]
struct Mesh {
    cache: Arc<Cache>,
    now: watch::Sender<Arc<Publication>>,
    admitted: Arc<AtomicUsize>,
}

/// Tells when its client is gone.
struct Guard(Arc<AtomicUsize>);

impl crate::xds::Guard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Directory for Mesh {
    async fn admit(&self, _peer: Peer, node: Node) -> Result<Subscription, Status> {
        if node.id.kind() == "ztunnel" {
            return Err(Status::permission_denied("not here"));
        }
        self.admitted.fetch_add(1, Ordering::SeqCst);
        Ok(Subscription {
            publications: self.now.subscribe(),
            cache: self.cache.clone(),
            guard: Box::new(Guard(self.admitted.clone())),
        })
    }

    fn times(&self, _revision: u64) -> Option<Times> {
        let now = std::time::Instant::now();
        Some(Times { began: now, published: now })
    }
}

/// A control plane on a port of loopback.
struct Plane {
    mesh: Mesh,
    numbers: Arc<Numbers>,
    connections: Arc<Connections>,
    address: SocketAddr,
    shutdown: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

impl Plane {
    async fn start(resources: &[(ResourceType, &str)]) -> Self {
        Self::with(resources, Options { rate: Rate::fixed(0), ..Options::default() }, Transport::default()).await
    }

    async fn with(resources: &[(ResourceType, &str)], options: Options, transport: Transport) -> Self {
        let mesh = Mesh { cache: Arc::default(), now: watch::Sender::default(), admitted: Arc::default() };
        let numbers = Arc::new(Numbers::default());
        let service = Service::new(mesh.clone(), numbers.clone(), options);
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let connections = service.connections();
        let served = tokio::spawn(serve(listener, service, transport, shutdown.clone()));
        let plane = Self { mesh, numbers, connections, address, shutdown, served };
        plane.publish(resources);
        plane
    }

    /// A new revision, in which all resources of the given types are these.
    fn publish(&self, resources: &[(ResourceType, &str)]) {
        let mut next = Publication::clone(&self.mesh.now.borrow());
        next.revision += 1;
        for (kind, list) in resources {
            let thing = |text: &str| {
                let (name, content) = text.split_once('=').unwrap_or((text, ""));
                let thing = Thing { name: name.into(), content: content.into() };
                (Str::from(name), self.mesh.cache.get_or_build(&thing).unwrap())
            };
            next.assemblies[*kind as usize] = Assembly::new([list.split_whitespace().map(thing).collect::<Layer>()]);
        }
        self.mesh.now.send_replace(Arc::new(next));
    }

    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn delta(&self) -> Client {
        Client::open(self.channel().await).await
    }
}

/// A client that speaks the incremental variant.
struct Client {
    requests: Option<mpsc::UnboundedSender<DeltaDiscoveryRequest>>,
    responses: Streaming<DeltaDiscoveryResponse>,
}

impl Client {
    async fn open(channel: Channel) -> Self {
        let (requests, outgoing) = mpsc::unbounded_channel();
        let mut client = AggregatedDiscoveryServiceClient::new(channel).max_decoding_message_size(usize::MAX);
        let stream = UnboundedReceiverStream::new(outgoing);
        let responses = client.delta_aggregated_resources(stream).await.unwrap().into_inner();
        Self { requests: Some(requests), responses }
    }

    fn send(&self, request: DeltaDiscoveryRequest) {
        // The stream may have ended already, which the test will see.
        let _ = self.requests.as_ref().unwrap().send(request);
    }

    fn ask(&self, kind: ResourceType, names: &str) {
        self.send(asking(kind, names));
    }

    /// The next response, accepted.
    async fn next(&mut self) -> String {
        let response = self.read().await.unwrap();
        let kind = ResourceType::from_url(&response.type_url).unwrap();
        self.send(DeltaDiscoveryRequest { response_nonce: response.nonce.clone(), ..asking(kind, "") });
        text(&response)
    }

    async fn read(&mut self) -> Result<DeltaDiscoveryResponse, Status> {
        tokio::time::timeout(Duration::from_secs(20), self.responses.message())
            .await
            .expect("an answer")?
            .ok_or_else(|| Status::ok("the end"))
    }

    /// The status with which the stream ends.
    async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.read().await {
                return status;
            }
        }
    }
}

fn node(id: &str) -> core::Node {
    core::Node { id: id.into(), ..Default::default() }
}

fn asking(kind: ResourceType, names: &str) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest {
        type_url: kind.type_url().into(),
        node: Some(node("sidecar~10.0.0.1~a.shop~shop.svc.cluster.local")),
        resource_names_subscribe: names.split_whitespace().map(str::to_owned).collect(),
        ..Default::default()
    }
}

/// A response as text: `cds +a=1 -b`.
fn text(response: &DeltaDiscoveryResponse) -> String {
    use prost::Message as _;
    let mut out = ResourceType::from_url(&response.type_url).unwrap().short().to_owned();
    for resource in &response.resources {
        let any = resource.resource.as_ref().unwrap();
        let message = Message::decode(&*any.value).unwrap();
        assert_eq!(message.name, resource.name);
        out += &format!(" +{}={}", resource.name, message.alt_stat_name);
    }
    response.removed_resources.iter().for_each(|name| out += &format!(" -{name}"));
    out
}

/// Waits, by asking again, until something that happens elsewhere has happened.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not in time: {what}");
}
