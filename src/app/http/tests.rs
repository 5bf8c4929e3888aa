//! The servers and their pages, asked over real sockets where the socket matters.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use envoy_types::pb::envoy::config::core::v3::Node as RawNode;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use prost::Message;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{Options, Readiness, State, bind, debug, listen, monitoring, readiness};
use crate::api;
use crate::app::replicas::Replica;
use crate::base::{Finding, ObjectRef, Severity};
use crate::config::RequestArgs;
use crate::debug::{Client, Clients, PAGES};
use crate::engine::{Core, Debounce, Engine, Input};
use crate::metrics::Metrics;
use crate::store::Event;
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
}

fn state() -> State {
    let cache = Arc::new(Cache::default());
    let core = Core::new(Default::default(), Default::default(), Default::default(), cache.clone());
    let engine = Engine::spawn(core, Debounce::default(), |_, _, _| {}).unwrap();
    let metrics = Arc::new(Metrics::new("1.32.0", "1.32.0-x-Clean"));
    State {
        engine,
        findings: Default::default(),
        cache,
        clients: Arc::new(One),
        metrics,
        readiness: Readiness::default(),
        leaders: Default::default(),
        replica: Replica::new(Arc::default(), Readiness::default()),
    }
}

/// What a page answers to a caller: status, content type, body.
async fn ask(mut router: Router, peer: &str, path: &str) -> (StatusCode, String, String) {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
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

#[tokio::test]
async fn every_page_answers_json_in_one_line_or_for_people() {
    for (name, _) in PAGES {
        let path = format!("/debug/{name}?proxyID=web-1.shop");
        let (status, kind, body) = page(&path).await;
        assert_eq!((status, kind.as_str()), (StatusCode::OK, "application/json"), "{name}: {body}");
        assert!(!body.contains('\n'), "{name}: {body}");
        let pretty: Value = serde_json::from_str(&page(&format!("{path}&pretty")).await.2).unwrap();
        assert_eq!(pretty, serde_json::from_str::<Value>(&body).unwrap(), "{name}");
    }
    assert!(page("/debug/mesh?pretty").await.2.contains("\n    \""));
}

#[tokio::test]
async fn a_page_about_a_proxy_needs_one() {
    for name in ["config_dump", "edsz", "ndsz", "ecdsz"] {
        let (status, _, body) = page(&format!("/debug/{name}")).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::BAD_REQUEST, "You must provide a proxyID in the query string\n")
        );
    }
}

#[tokio::test]
async fn an_unknown_proxy_is_not_found_in_the_words_that_istioctl_looks_for() {
    const WORDS: &str = "Proxy not connected to this Pilot instance. It may be connected to another instance.\n";
    for page_of in ["config_dump?proxyID=nobody", "edsz?proxyID=nobody", "adsz?proxyID=nobody"] {
        let (status, _, body) = page(&format!("/debug/{page_of}")).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, WORDS), "{page_of}");
    }
}

#[tokio::test]
async fn an_unknown_page_is_not_found() {
    let (status, _, body) = page("/debug/nonsense").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("/debug"));
    assert_eq!(page("/debug/a/b").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_garbled_query_is_taken_to_the_letter() {
    for query in ["%zz", "proxyID=%ff%fe", "&&==&?&pretty", "proxyID=&pretty=false", "proxyID=web-1.shop&types=%00,,"] {
        let (status, _, body) = page(&format!("/debug/syncz?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {body}");
    }
    assert_eq!(page("/debug/config_dump?proxyID=%ff").await.0, StatusCode::NOT_FOUND);
    assert_eq!(page("/debug/config_dump?proxyID=web-1.shop&types=%00,,").await.2, "{}");
    assert_eq!(page("/debug/config_dump?proxyID=").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn callers_from_elsewhere_see_the_index_and_no_page() {
    let (status, _, body) = ask(debug::routes(state()), ELSEWHERE, "/debug/syncz").await;
    assert_eq!((status, body.as_str()), (StatusCode::UNAUTHORIZED, ""));
    assert_eq!(ask(debug::routes(state()), ELSEWHERE, "/debug").await.0, StatusCode::OK);
    for open in ["/metrics", "/version"] {
        assert_eq!(ask(monitoring(state()), ELSEWHERE, open).await.0, StatusCode::OK, "{open}");
    }
    for here in ["[::1]:1", "[::ffff:127.0.0.1]:1", "127.8.8.8:1"] {
        assert_eq!(ask(debug::routes(state()), here, "/debug/syncz").await.0, StatusCode::OK, "{here}");
    }
}

#[tokio::test]
async fn ready_is_503_until_all_that_is_waited_for_has_come() {
    let state = state();
    let ready = async || ask(readiness(state.clone()), ELSEWHERE, "/ready").await;
    let first = state.readiness.wait_for("the first state of the mesh");
    let second = state.readiness.wait_for("the xDS port");
    let (status, _, body) = ready().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, "waiting for the first state of the mesh, the xDS port\n");
    drop(first);
    assert_eq!(ready().await.0, StatusCode::SERVICE_UNAVAILABLE);
    drop(second);
    let (status, _, body) = ready().await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn a_scrape_measures_the_engine() {
    let (status, kind, body) = ask(monitoring(state()), ELSEWHERE, "/metrics").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8"));
    for line in ["pilot_services 0", "pilot_virt_services 0", "mizzen_cache_hits 0", "mizzen_classes{sort="] {
        assert!(body.lines().any(|l| l.starts_with(line)), "{line} is not in\n{body}");
    }
    let ours = body.lines().filter(|l| l.starts_with("pilot_") || l.starts_with("istio"));
    assert!(ours.clone().count() > 0 && ours.clone().all(|l| !l.contains("_total ") && !l.contains("_total{")));
}

/// An object of the API.
fn object(document: Value) -> Event {
    Event::Upsert(Arc::new(api::decode(document, None).object.unwrap()))
}

#[tokio::test]
async fn a_scrape_counts_what_came_and_what_is_wrong() {
    let state = state();
    let service = |port: u16| {
        object(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "http", "port": port}]}}))
    };
    let route = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "web"},
        "spec": {"hosts": ["web"], "http": [{"route": [{"destination": {"host": "web"}}]}]}});
    let wrong = Finding {
        object: ObjectRef::default(),
        field: "".into(),
        severity: Severity::Error,
        code: "syntax",
        text: "a colon is missing".into(),
    };
    let events = vec![service(80), service(80), service(81), object(route), Event::Synced];
    state.engine.input(Input { events, mesh: None, findings: Arc::new([wrong]) });
    let (_, _, body) = ask(monitoring(state.clone()), ELSEWHERE, "/metrics").await;
    for line in [
        "pilot_services 1",
        "pilot_virt_services 1",
        "pilot_eds_no_instances 1",
        "pilot_k8s_reg_events{event=\"add\",type=\"Services\"} 1",
        "pilot_k8s_reg_events{event=\"update\",type=\"Services\"} 1",
        "pilot_k8s_reg_events{event=\"updatesame\",type=\"Services\"} 1",
        "pilot_k8s_cfg_events{event=\"add\",type=\"VirtualService\"} 1",
        "pilot_inbound_updates{type=\"svc\"} 2",
        "pilot_inbound_updates{type=\"config\"} 1",
        "pilot_push_triggers{type=\"service\"} 2",
        "mizzen_findings{code=\"syntax\",severity=\"error\"} 1",
    ] {
        assert!(body.lines().any(|l| l == line), "{line} is not in\n{body}");
    }
    let (_, _, findings) = ask(debug::routes(state), HERE, "/debug/findings").await;
    let findings: Value = serde_json::from_str(&findings).unwrap();
    assert!(findings.as_array().unwrap().iter().any(|f| f["text"] == "a colon is missing" && f["severity"] == "error"));
}

fn options(http: &str, monitoring: &str) -> Options {
    Options { http: http.to_owned(), monitoring: monitoring.to_owned(), debug: true, page: Default::default() }
}

fn request(address: SocketAddr, path: &str) -> RequestArgs {
    RequestArgs { method: "GET".to_owned(), path: path.to_owned(), address: address.to_string() }
}

#[tokio::test]
async fn both_servers_answer_until_they_are_stopped() {
    let listeners = bind(&options("127.0.0.1:0", "127.0.0.1:0")).await.unwrap();
    let (http, monitoring) = (listeners.http_address().unwrap(), listeners.monitoring_address().unwrap());
    let stop = CancellationToken::new();
    let servers = listeners.serve(state(), Router::new(), &stop);
    let text = async |address, path: &str| crate::app::request::run(&request(address, path)).await;
    assert_eq!(text(http, "/ready").await.unwrap(), "");
    assert_eq!(text(http, "debug/push_status").await.unwrap(), "{}");
    assert!(text(monitoring, "/version").await.unwrap().starts_with(b"1.32.0-"));
    assert_eq!(text(monitoring, "/debug/push_status").await.unwrap(), "{}");
    assert!(text(monitoring, "/debug/config_dump").await.unwrap_err().to_string().contains("400"));
    assert!(text(monitoring, "/debug/config_dump?proxyID=x").await.unwrap().starts_with(b"Proxy not connected"));
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), servers.ended()).await.expect("idle connections are closed");
    assert!(text(http, "/ready").await.unwrap_err().to_string().contains("is mizzen running there?"));
}

#[tokio::test]
async fn without_a_monitoring_address_its_pages_are_on_the_other() {
    let listeners = bind(&options("127.0.0.1:0", "")).await.unwrap();
    let http = listeners.http_address().unwrap();
    assert!(listeners.monitoring_address().is_none());
    let stop = CancellationToken::new();
    let _servers = listeners.serve(state(), Router::new(), &stop);
    for path in ["/metrics", "/version", "/ready", "/debug/list"] {
        crate::app::request::run(&request(http, path)).await.unwrap();
    }
}

#[tokio::test]
async fn without_debug_pages_the_rest_goes_on() {
    let off = Options { debug: false, ..options("127.0.0.1:0", "127.0.0.1:0") };
    let listeners = bind(&off).await.unwrap();
    let http = listeners.http_address().unwrap();
    let _servers = listeners.serve(state(), Router::new(), &CancellationToken::new());
    assert_eq!(crate::app::request::run(&request(http, "/debug/syncz")).await.unwrap(), "");
    crate::app::request::run(&request(http, "/ready")).await.unwrap();
}

#[tokio::test]
async fn a_client_that_talks_nonsense_is_turned_away_and_others_are_served() {
    let listeners = bind(&options("127.0.0.1:0", "")).await.unwrap();
    let http = listeners.http_address().unwrap();
    let _servers = listeners.serve(state(), Router::new(), &CancellationToken::new());
    let mut silent = TcpStream::connect(http).await.unwrap();
    silent.write_all(b"GET /re").await.unwrap();
    let mut garbage = TcpStream::connect(http).await.unwrap();
    garbage.write_all(&[0xff; 512]).await.unwrap();
    let mut answer = Vec::new();
    let _ = garbage.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    crate::app::request::run(&request(http, "/ready")).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_the_address() {
    let taken = listen("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = bind(&options(&address, "")).await.err().unwrap().to_string();
    assert!(error.contains(&address), "{error}");
    for bad in ["nonsense", ":http", "127.0.0.1", ":70000"] {
        assert!(listen(bad).await.unwrap_err().to_string().contains(bad), "{bad}");
    }
}

#[tokio::test]
async fn a_bare_port_is_every_address_of_the_machine() {
    let all = listen(":0").await.unwrap().local_addr().unwrap();
    assert!(all.ip().is_unspecified() && all.port() != 0);
    let named = listen("localhost:0").await.unwrap().local_addr().unwrap();
    assert!(named.ip().is_loopback());
}
