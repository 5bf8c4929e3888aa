//! What tests of the servers and their pages have in common: a control plane with one proxy, and a way to ask it.

mod access;
mod pages;
mod scrapes;
mod servers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use envoy_types::pb::envoy::config::core::v3::Node as RawNode;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use prost::Message;
use serde_json::json;
use tower::Service;

use super::{Readiness, State, debug};
use crate::app::replicas::Replica;
use crate::debug::{Client, Clients};
use crate::engine::{Core, Debounce, Engine};
use crate::metrics::Metrics;
use crate::proxy::Proxy;
use crate::wire::Cache;
use crate::xds::{Face, Node};

const HERE: &str = "127.0.0.1:4711";
const ELSEWHERE: &str = "10.1.2.3:4711";

struct One;

impl Clients for One {
    fn clients(&self) -> Vec<Client> {
        let raw = RawNode { id: "sidecar~10.0.0.1~web-1.shop~d".to_owned(), ..RawNode::default() };
        let node = Node::decode(Some(raw.encode_to_vec().into())).unwrap();
        vec![Client {
            id: "web-1.shop-1".into(),
            face: Face::Delta,
            node: node.id,
            metadata: node.metadata,
            locality: node.locality,
            version: node.version,
            address: crate::xds::Address::Internet("10.0.0.1:1".parse().unwrap()),
            connected: SystemTime::UNIX_EPOCH,
            types: Default::default(),
        }]
    }

    fn disconnect(&self, _: &str) {}
}

fn state() -> State {
    let cache = Arc::new(Cache::default());
    let mut core = Core::new(Default::default(), Default::default(), Default::default(), cache.clone());
    let id = "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local";
    core.join(Proxy::new(id, "web", Default::default(), &json!({"NAMESPACE": "shop"}), Default::default()).unwrap());
    let engine = Engine::spawn(core, Debounce::default(), |_, _, _| {}).unwrap();
    let metrics = Arc::new(Metrics::new("1.32.0", "1.32.0-x-Clean"));
    State {
        engine,
        findings: Default::default(),
        cache,
        clients: Arc::new(One),
        metrics,
        progress: Default::default(),
        readiness: Readiness::default(),
        leaders: Default::default(),
        replica: Replica::new(Arc::default(), Readiness::default()),
        admin: false,
        cache_stats: false,
        filter_stats: false,
        local_metrics: false,
        roster: Default::default(),
        access: Default::default(),
    }
}

/// What a page answers to a caller: status, content type, body.
async fn ask(router: Router, peer: &str, path: &str) -> (StatusCode, String, String) {
    send(router, peer, Request::get(path).body(Body::empty()).unwrap()).await
}

/// The same for a request with headers.
async fn send(mut router: Router, peer: &str, mut request: Request<Body>) -> (StatusCode, String, String) {
    request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    let answer = router.call(request).await.unwrap();
    let kind = answer.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, kind, String::from_utf8(body.to_vec()).unwrap())
}

async fn page(path: &str) -> (StatusCode, String, String) {
    ask(debug::routes(state()), HERE, path).await
}
