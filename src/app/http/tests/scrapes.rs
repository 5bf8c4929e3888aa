//! What a scrape of the metrics reads.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{ELSEWHERE, HERE, ask, state};
use crate::api;
use crate::app::http::{State, debug, monitoring};
use crate::base::{Finding, ObjectRef, Severity};
use crate::engine::Input;
use crate::store::Event;

#[tokio::test]
async fn metrics_may_be_for_this_machine_alone() {
    let narrow = || monitoring(State { local_metrics: true, ..state() });
    assert_eq!(ask(narrow(), HERE, "/metrics").await.0, StatusCode::OK);
    assert_eq!(ask(narrow(), ELSEWHERE, "/metrics").await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(narrow(), ELSEWHERE, "/version").await.0, StatusCode::OK);
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
    for line in [
        "xds_cache_evictions{type=\"clear\"} 0",
        "xds_cache_evictions{type=\"size\"} 0",
        "xds_cache_dependent_config_size 0",
    ] {
        assert!(body.lines().any(|l| l == line), "{line} is not in\n{body}");
    }
}

#[tokio::test]
async fn a_scrape_counts_providers_that_lead_nowhere_and_patches_that_are_left_out() {
    let state = state();
    let service = |host: &str, name: &str| json!({"name": name, "zipkin": {"service": host, "port": 9411}});
    let authorizer =
        json!({"name": "guard", "envoyExtAuthzGrpc": {"service": "guard.shop.svc.cluster.local", "port": 9000}});
    let log = json!({"name": "log", "envoyOtelAls": {"service": "gone.example.com", "port": 4317}});
    let mesh = json!({"extensionProviders": [service("gone.example.com", "gone"), service("web.shop.svc.cluster.local", "there"),
        service("unused.example.com", "unused"), authorizer, log], "defaultProviders": {"accessLogging": ["log"]}});
    let telemetry = |name: &str, provider: &str| {
        json!({"apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry",
        "metadata": {"name": name, "namespace": "shop"}, "spec": {"tracing": [{"providers": [{"name": provider}]}]}})
    };
    let policy = json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "guarded", "namespace": "shop"}, "spec": {"action": "CUSTOM", "provider": {"name": "guard"}, "rules": [{}]}});
    let web = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "http", "port": 9411}]}});
    let filter = json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
        "metadata": {"name": "odd", "namespace": "shop"}, "spec": {"configPatches": [
            {"applyTo": "CLUSTER", "patch": {"operation": "MERGE", "value": {"connect_timeout": "1s"}}},
            {"applyTo": "CLUSTER", "patch": {"operation": "MERGE", "value": {"connect_timeout": "0s"}}}]}});
    let objects = [telemetry("a", "gone"), telemetry("b", "there"), telemetry("c", "gone"), policy, web, filter];
    let events = objects.into_iter().map(object).chain([Event::Synced]).collect();
    let (mesh, wrong) = api::mesh::MeshConfig::parse(mesh);
    assert!(wrong.is_empty(), "{wrong:?}");
    state.engine.input(Input { events, mesh: Some(mesh), findings: Arc::new([]) });
    let state = State { filter_stats: true, ..state };
    let body = ask(monitoring(state.clone()), ELSEWHERE, "/metrics").await.2;
    for line in [
        "provider_lookup_cluster_failures{type=\"zipkin\"} 1",
        "provider_lookup_cluster_failures{type=\"envoyOtelAls\"} 1",
        "provider_lookup_cluster_failures{type=\"authz\"} 1",
        "pilot_envoy_filter_status{name=\"shop/odd\",patch=\"cluster\",result=\"error\"} 1",
    ] {
        assert!(body.lines().any(|l| l == line), "{line} is not in\n{body}");
    }
    let quiet = ask(monitoring(self::state()), ELSEWHERE, "/metrics").await.2;
    assert!(!quiet.contains("pilot_envoy_filter_status") && !quiet.contains("provider_lookup"), "{quiet}");
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
