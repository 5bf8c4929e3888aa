//! The control plane's middle over a real port: a client of another make that takes in changes, and refuses some.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use envoy_types::pb::google::rpc::Status;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::counting::Counting;
use super::http::Readiness;
use super::mesh::{Mesh, Outlets};
use crate::api;
use crate::debug::{Clients, changes, print, syncz};
use crate::engine::{Core, Debounce, Engine, Input};
use crate::metrics::Metrics;
use crate::model::index::{Allocations, Options};
use crate::store::Event;
use crate::wire::{Cache, ResourceType};
use crate::xds::{self, Connections, Rate, Service, Transport};

const CLUSTERS: &str = ResourceType::Cluster.type_url();

/// Engine and delivery, wired as in `discovery`.
struct Plane {
    engine: Engine,
    outlets: Outlets,
    metrics: Arc<Metrics>,
    connections: Arc<Connections>,
    address: SocketAddr,
    stop: CancellationToken,
}

impl Plane {
    async fn start() -> Self {
        let (cache, outlets) = (Arc::new(Cache::default()), Outlets::default());
        let core = Core::new(Options::default(), Default::default(), Allocations::default(), cache.clone());
        let publish = outlets.clone();
        let quiet = Debounce { quiet: Duration::from_millis(20), longest: Duration::from_secs(1) };
        let engine = Engine::spawn(core, quiet, move |core, settled, began| {
            publish.publish(core.index().snapshot().revision, settled, began);
        })
        .unwrap();
        let metrics = Arc::new(Metrics::new("1.32.0", "1.32.0-x-Clean"));
        let mesh = Mesh {
            engine: engine.clone(),
            cache,
            outlets: outlets.clone(),
            metrics: metrics.clone(),
            readiness: Readiness::default(),
        };
        let options = xds::Options { rate: Rate::fixed(0), ..xds::Options::default() };
        let service = Service::new(mesh, Arc::new(Counting(metrics.clone())), options);
        let connections = service.connections();
        let listener = xds::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(xds::serve(listener, service, Transport::default(), stop.clone()));
        let plane = Self { engine, outlets, metrics, connections, address, stop };
        plane.say(vec![service_of("web", 80), service_of("stock", 81), Event::Synced]);
        plane
    }

    fn say(&self, events: Vec<Event>) {
        self.engine.input(Input { events, mesh: None, findings: Arc::new([]) });
    }

    fn changes(&self) -> Value {
        let page = changes(&self.outlets.progress(), &self.connections.clients());
        serde_json::from_slice(&print(&page, false).unwrap()).unwrap()
    }

    fn status(&self) -> Value {
        serde_json::from_slice(&print(&syncz(&self.connections.clients(), None), false).unwrap()).unwrap()
    }

    fn measures(&self, start: &str) -> bool {
        self.metrics.text().lines().any(|line| line.starts_with(start))
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn object(document: Value) -> Event {
    Event::Upsert(Arc::new(api::decode(document, None).object.unwrap()))
}

fn service_of(name: &str, port: u16) -> Event {
    object(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": format!("10.0.0.{port}"), "ports": [{"name": "http", "port": port}]}}))
}

fn rule(connections: u32) -> Event {
    object(json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": {"name": "web-limits", "namespace": "shop"},
        "spec": {"host": "web", "trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": connections}}}}}))
}

/// A client that asks for clusters alone.
struct Client {
    requests: mpsc::UnboundedSender<DeltaDiscoveryRequest>,
    responses: Streaming<DeltaDiscoveryResponse>,
}

impl Client {
    async fn join(plane: &Plane, name: &str) -> Self {
        let channel = tonic::transport::Channel::from_shared(format!("http://{}", plane.address)).unwrap();
        let mut ads = AggregatedDiscoveryServiceClient::new(channel.connect().await.unwrap());
        let (requests, outgoing) = mpsc::unbounded_channel();
        let node = Node { id: format!("sidecar~10.1.0.9~{name}.shop~shop.svc.cluster.local"), ..Node::default() };
        requests
            .send(DeltaDiscoveryRequest { type_url: CLUSTERS.into(), node: Some(node), ..Default::default() })
            .unwrap();
        let responses = ads.delta_aggregated_resources(UnboundedReceiverStream::new(outgoing)).await.unwrap();
        Self { requests, responses: responses.into_inner() }
    }

    async fn read(&mut self) -> DeltaDiscoveryResponse {
        let response = tokio::time::timeout(Duration::from_secs(20), self.responses.message()).await;
        response.expect("a response").unwrap().unwrap()
    }

    fn answer(&self, response: &DeltaDiscoveryResponse, refusal: Option<&str>) {
        let error_detail = refusal.map(|words| Status { code: 13, message: words.into(), ..Status::default() });
        let (type_url, response_nonce) = (response.type_url.clone(), response.nonce.clone());
        let request = DeltaDiscoveryRequest { type_url, response_nonce, error_detail, ..Default::default() };
        self.requests.send(request).unwrap();
    }
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..4000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not in time: {what}");
}

#[tokio::test]
async fn a_change_is_followed_until_the_last_proxy_has_acknowledged_it() {
    let plane = Plane::start().await;
    let (mut quick, mut slow) = (Client::join(&plane, "quick").await, Client::join(&plane, "slow").await);
    for client in [&mut quick, &mut slow] {
        let all = client.read().await;
        client.answer(&all, None);
    }
    eventually("both to hold what there is", || plane.outlets.progress().behind(Duration::ZERO).is_empty()).await;
    assert_eq!(plane.changes()["changes"], json!([]), "the first state is no change");

    plane.say(vec![rule(10)]);
    let (first, second) = (quick.read().await, slow.read().await);
    quick.answer(&first, None);
    eventually("the quick one's answer", || plane.changes()["changes"][0]["acknowledged"] == 1).await;
    let change = plane.changes()["changes"][0].clone();
    let said = |field: &str| change[field].clone();
    assert_eq!(
        (said("kind"), said("namespace"), said("name")),
        (json!("DestinationRule"), json!("shop"), json!("web-limits"))
    );
    assert_eq!((said("event"), said("proxies"), said("together")), (json!("changed"), json!(2), json!(1)));
    assert_eq!(said("waitingFor"), json!(["slow.shop"]));
    assert!(said("publishedAfterSeconds").as_f64().unwrap() >= 0.02, "it waited for a quiet moment: {change}");
    assert!(!plane.measures("mizzen_change_to_ack_seconds_count"), "one is still waited for");
    let behind = plane.outlets.progress().behind(Duration::ZERO);
    assert_eq!(behind.iter().map(|b| b.proxy.to_string()).collect::<Vec<_>>(), ["slow.shop"]);

    slow.answer(&second, None);
    eventually("the slow one's answer", || plane.changes()["changes"][0]["acknowledged"] == 2).await;
    let change = plane.changes()["changes"][0].clone();
    assert_eq!((&change["waitingFor"], &change["refused"]), (&json!([]), &json!(0)));
    assert!(change["lastAckAfterSeconds"].as_f64() >= change["publishedAfterSeconds"].as_f64(), "{change}");
    assert!(plane.measures("mizzen_change_to_ack_seconds_count{kind=\"DestinationRule\"} 1"));

    plane.say(vec![object(json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "routes", "namespace": "shop"},
        "spec": {"hosts": ["web"], "http": [{"route": [{"destination": {"host": "web"}}]}]}}))]);
    eventually("a change of routes", || plane.changes()["changes"][0]["kind"] == "VirtualService").await;
    eventually("nothing to be waited for", || plane.changes()["changes"][0]["waitingFor"] == json!([])).await;
    assert!(plane.measures("pilot_xds_recv_max "));
}

#[tokio::test]
async fn a_refusal_names_the_objects_behind_the_refused_resource() {
    let plane = Plane::start().await;
    let mut client = Client::join(&plane, "picky").await;
    let all = client.read().await;
    client.answer(&all, None);
    plane.say(vec![rule(10), service_of("extra", 83)]);
    let response = client.read().await;
    client.answer(&response, Some("Error adding cluster outbound|80||web.shop.svc.cluster.local: too few"));
    const BEHIND: &str = "DestinationRule shop/web-limits, Service shop/web, ConfigMap istio-system/istio";
    let last_error = || plane.status()[0]["resources"][CLUSTERS]["lastError"].as_str().unwrap_or_default().to_owned();
    eventually("the cause", || last_error().contains("it follows from")).await;
    assert!(last_error().ends_with(&format!("too few (it follows from {BEHIND})")), "{}", last_error());
    let series = "mizzen_nacks{kind=\"DestinationRule\",name=\"web-limits\",namespace=\"shop\",type=\"cds\"} 1";
    assert!(plane.measures(series), "{}", plane.metrics.text());
    assert!(!plane.measures("mizzen_nacks{kind=\"Service\",name=\"extra\""), "the other cluster is not refused");
    // What was beside it is sent once more.
    let rest = client.read().await;
    client.answer(&rest, None);
    eventually("the refusal to be counted with its change", || {
        let changes = plane.changes();
        changes["changes"].as_array().unwrap().iter().all(|change| change["refused"] == 1)
    })
    .await;
}

#[tokio::test]
async fn a_refusal_without_a_name_blames_nobody_until_it_can_be_told() {
    let plane = Plane::start().await;
    let mut client = Client::join(&plane, "vague").await;
    let all = client.read().await;
    assert!(all.resources.len() > 3);
    client.answer(&all, Some("no"));
    let mut halves = Vec::new();
    while !halves.iter().any(|names: &Vec<String>| names.len() == 1) {
        let half = client.read().await;
        halves.push(half.resources.iter().map(|r| r.name.clone()).collect());
        client.answer(&half, Some("no"));
    }
    let alone = halves.pop().unwrap().remove(0);
    eventually("the one that was refused alone", || {
        let fixed = !alone.starts_with("outbound|");
        fixed || plane.measures("mizzen_nacks{")
    })
    .await;
}

#[tokio::test]
async fn a_client_can_be_told_to_go() {
    let plane = Plane::start().await;
    let mut client = Client::join(&plane, "guest").await;
    client.read().await;
    let id = plane.connections.clients()[0].id.clone();
    plane.connections.as_ref().disconnect("somebody else");
    assert_eq!(plane.connections.clients().len(), 1);
    Clients::disconnect(plane.connections.as_ref(), &id);
    let end = tokio::time::timeout(Duration::from_secs(20), client.responses.message()).await.expect("an end");
    assert_eq!(end.unwrap_err().code(), tonic::Code::Unavailable);
}
