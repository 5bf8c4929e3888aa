//! Edits of a small mesh in which names, hosts and ports collide all the time.

use std::sync::Arc;

use mizzen::api::mesh::{MeshConfig, MeshNetworks};
use mizzen::api::{self, Object};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::kubernetes::{
    credential, described, gateway_service, ingress, ingress_class, node, pair, pod, service, slice,
};
use crate::policy::{authorization_policy, envoy_filter, peer_authentication, request_authentication, telemetry};
use crate::traffic::{destination_rule, gateway, service_entry, sidecar, virtual_service, workload_entry};

/// One object written or taken away.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    document: Value,
    delete: bool,
}

impl Edit {
    /// The object as decoded.
    pub(crate) fn object(&self) -> Arc<Object> {
        let decoded = api::decode(self.document.clone(), None);
        Arc::new(decoded.object.unwrap_or_else(|| panic!("{:?}\n{}", decoded.findings, self.document)))
    }

    /// Whether the edit takes the object away.
    pub(crate) fn deletes(&self) -> bool {
        self.delete
    }
}

pub(crate) fn namespace() -> impl Strategy<Value = &'static str> {
    select(vec!["one", "two", "istio-system"])
}

pub(crate) fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "c"])
}

pub(crate) fn host() -> impl Strategy<Value = &'static str> {
    select(vec![
        "a.one.svc.cluster.local",
        "b.two.svc.cluster.local",
        "a",
        "x.example.com",
        "y.example.com",
        "*.example.com",
    ])
}

pub(crate) fn export() -> impl Strategy<Value = Vec<&'static str>> {
    select(vec![vec![], vec![], vec!["*"], vec!["."], vec!["two"], vec!["~"]])
}

pub(crate) fn port_name() -> impl Strategy<Value = &'static str> {
    select(vec!["http", "tcp-x", "grpc", "plain", "tls-y", "udp-z"])
}

pub(crate) fn document(api: &str, kind: &str, namespace: &str, name: &str, created: i64, body: Value) -> Value {
    let mut out = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace,
        "creationTimestamp": format!("2026-01-01T00:00:0{created}Z")}});
    for (key, value) in body.as_object().into_iter().flatten() {
        match key.as_str() {
            "metadata" => value.as_object().into_iter().flatten().for_each(|(k, v)| out["metadata"][k] = v.clone()),
            _ => out[key] = value.clone(),
        }
    }
    out
}

/// Settings of the mesh that decide which objects count and where endpoints are.
pub(crate) fn settings() -> impl Strategy<Value = MeshConfig> {
    (any::<bool>(), any::<bool>()).prop_map(|(selects, networks)| {
        let selectors = json!([{"matchLabels": {"mesh": "yes"}}]);
        let mut settings = json!({"extensionProviders": [
            {"name": "ask-a", "envoyExtAuthzGrpc": {"service": "a.one.svc.cluster.local", "port": 80}},
            {"name": "ask-x", "envoyExtAuthzHttp": {"service": "x.example.com", "port": 80}},
            {"name": "als", "envoyHttpAls": {"service": "a.one.svc.cluster.local", "port": 80}},
            {"name": "zipkin", "zipkin": {"service": "two/x.example.com", "port": 80}},
            {"name": "otel", "opentelemetry": {"service": "b.two.svc.cluster.local", "port": 3306}}]});
        if selects {
            settings["discoverySelectors"] = selectors;
        }
        if networks {
            settings["defaultProviders"] =
                json!({"metrics": ["prometheus"], "accessLogging": ["als"], "tracing": ["zipkin"]});
        }
        let described = json!({"networks": {
            "near": {"endpoints": [{"fromCidr": "10.0.0.0/30"}]},
            "far": {"endpoints": [{"fromRegistry": "Kubernetes"}], "gateways": [
                {"address": "192.0.2.9", "port": 443},
                {"registryServiceName": "a.istio-system.svc.cluster.local", "port": 443}]}}});
        let networks = if networks { MeshNetworks::parse(described).0 } else { MeshNetworks::default() };
        MeshConfig { networks, ..MeshConfig::parse(settings).0 }
    })
}

/// Any edit of the small mesh.
pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let document = prop_oneof![
        3 => service(), 2 => slice(), 2 => pod(), 1 => node(), 3 => service_entry(), 1 => workload_entry(),
        2 => destination_rule(), 2 => virtual_service(), 1 => peer_authentication(), 2 => sidecar(),
        2 => authorization_policy(), 1 => request_authentication(),
        1 => described(), 1 => gateway_service(), 1 => credential(), 1 => pair(),
        3 => envoy_filter(), 2 => telemetry(),
        2 => gateway(), 1 => ingress(), 1 => ingress_class(),
    ];
    (document, prop::bool::weighted(0.25)).prop_map(|(document, delete)| Edit { document, delete })
}
