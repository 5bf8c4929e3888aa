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
use crate::proxy::Proxy;
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
        local_metrics: false,
        roster: Default::default(),
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
    for (name, _) in PAGES.iter().filter(|(name, _)| !name.contains('?')) {
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
    for name in ["config_dump", "edsz", "ndsz", "ecdsz", "sidecarz"] {
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
    const PAGES: [&str; 5] = ["config_dump", "edsz", "adsz", "sidecarz", "telemetryz"];
    for page_of in PAGES.map(|name| format!("{name}?proxyID=nobody")) {
        let (status, _, body) = page(&format!("/debug/{page_of}")).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, WORDS), "{page_of}");
    }
}

#[tokio::test]
async fn pages_that_do_something_say_so_in_istiods_words() {
    for (path, said) in [("adsz?push=true", "Pushed to 1 servers\n"), ("cachez?clear=true", "Cache cleared\n")] {
        let (status, _, body) = page(&format!("/debug/{path}")).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, said), "{path}");
    }
    let sizes: Value = serde_json::from_str(&page("/debug/cachez?sizes=true").await.2).unwrap();
    assert!(sizes["total"].as_str().unwrap().ends_with('B'), "{sizes}");
}

#[tokio::test]
async fn a_proxy_is_disconnected_only_where_that_is_asked_for() {
    let path = "/debug/force_disconnect?proxyID=web-1.shop";
    assert_eq!(page(path).await.0, StatusCode::NOT_FOUND);
    let open = State { admin: true, ..state() };
    let (status, _, body) = ask(debug::routes(open.clone()), HERE, path).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "OK"));
    assert_eq!(ask(debug::routes(open), HERE, "/debug/force_disconnect?proxyID=x").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn metrics_may_be_for_this_machine_alone() {
    let narrow = || monitoring(State { local_metrics: true, ..state() });
    assert_eq!(ask(narrow(), HERE, "/metrics").await.0, StatusCode::OK);
    assert_eq!(ask(narrow(), ELSEWHERE, "/metrics").await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(narrow(), ELSEWHERE, "/version").await.0, StatusCode::OK);
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
async fn a_scrape_counts_what_does_not_fit_together() {
    let state = state();
    let service = |name: &str, port: u16, address: &str| {
        object(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"clusterIP": address, "ports": [{"name": "tcp", "port": port}]}}))
    };
    let entry = json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
        "metadata": {"name": "twice", "namespace": "shop"}, "spec": {"hosts": ["a.shop.svc.cluster.local"],
        "ports": [{"number": 7000, "name": "tcp", "protocol": "TCP"}], "resolution": "DNS"}});
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "a-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "a"}},
        "ports": [{"name": "tcp", "port": 7000}],
        "endpoints": [{"addresses": ["10.1.0.1"], "targetRef": {"kind": "Pod", "name": "gone-1"}},
                      {"addresses": ["10.1.0.2"], "targetRef": {"kind": "Pod", "name": "gone-2"}}]});
    let gateway = |name: &str, protocol: &str| {
        object(json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
            "metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": {"istio": "gate"},
            "servers": [{"port": {"number": 80, "name": "x", "protocol": protocol}, "hosts": ["*"]}]}}))
    };
    let events = vec![
        service("a", 7000, "10.0.0.1"),
        service("b", 7000, "10.0.0.1"),
        object(entry),
        object(slice),
        gateway("first", "HTTP"),
        gateway("second", "TCP"),
        Event::Synced,
    ];
    state.engine.input(Input { events, mesh: None, findings: Arc::new([]) });
    let scrape = async |state: &State| ask(monitoring(state.clone()), ELSEWHERE, "/metrics").await.2;
    let body = scrape(&state).await;
    for line in [
        "pilot_no_ip 1",
        "endpoint_no_pod 1",
        "pilot_k8s_endpoints_pending_pod 2",
        "pilot_k8s_endpoints_with_no_pods 2",
        "pilot_conflict_inbound_listener 0",
        "pilot_conflict_outbound_listener_tcp_over_current_tcp 1",
        "pilot_duplicate_envoy_clusters 1",
        "pilot_total_rejected_configs{name=\"shop/second\",type=\"gateway\"} 1",
        "mizzen_proxies_behind{type=\"cds\"} 0",
        "mizzen_proxies_behind{type=\"any\"} 0",
    ] {
        assert!(body.lines().any(|l| l == line), "{line} is not in\n{body}");
    }
    assert!(!body.contains("xds_cache_"), "only if it is asked for");
    let body = scrape(&State { cache_stats: true, ..state }).await;
    assert!(body.contains("xds_cache_reads{type=\"miss\"}") && body.contains("xds_cache_size "), "{body}");
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
async fn other_replicas_are_told_how_many_connections_there_are() {
    let (status, _, body) = ask(monitoring(state()), ELSEWHERE, "/replica").await;
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &said["ready"], &said["connections"]), (StatusCode::OK, &json!(true), &json!(0)));
    assert!(said["id"].as_str().is_some_and(|id| id.len() == 16), "{body}");
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
