//! Patches of single messages, after istiod's own tests (`pilot/pkg/networking/core/envoyfilter/*_test.go`).

mod clusters;
mod listeners;
mod routes;

use serde_json::{Value, json};

use super::Patched;
use crate::api::Spec;
use crate::api::envoy_filter::Operation;
use crate::debug::json::{from_json, to_json};
use crate::model::facts::{Handle, Patch, PatchSet};
use crate::wire::{Finish, reflect};

const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const TCP_PROXY: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// Patches as an EnvoyFilter has them, `{applyTo, match, patch}` each.
fn patches(list: Value) -> Vec<Handle<Patch>> {
    let document = json!({
        "apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
        "metadata": {"name": "f", "namespace": "n"}, "spec": {"configPatches": list}
    });
    let decoded = crate::api::decode(document, None);
    assert_eq!(decoded.findings, []);
    let Spec::EnvoyFilter(filter) = decoded.object.unwrap().spec else { panic!("not an EnvoyFilter") };
    let patch = |(index, config): (usize, &crate::api::envoy_filter::ConfigPatch)| {
        let patch = config.patch.as_ref().unwrap();
        Handle::new(Patch {
            namespace: "n".into(),
            filter: "f".into(),
            index,
            apply_to: config.apply_to,
            operation: if patch.operation == Operation::Invalid { Operation::Add } else { patch.operation },
            matches: config.r#match.clone().unwrap_or_default(),
            message: patch.message.clone(),
            extensions: Vec::new(),
        })
    };
    filter.config_patches.iter().enumerate().map(patch).collect()
}

fn set(gateway: bool, list: Value) -> Handle<PatchSet> {
    Handle::new(PatchSet {
        gateway,
        patches: patches(list),
        lacking: Vec::new(),
        ports: vec![(8080, vec![80])],
        services: vec![(80, vec!["a.n".into(), "b.n".into()])],
    })
}

/// What patches make of a message, and what was left out, as `INDEX: why`.
fn all_of(set: &Handle<PatchSet>, message: &str, value: Value) -> (Option<Value>, Vec<String>) {
    let type_url = format!("type.googleapis.com/envoy.config.{message}");
    let bytes = reflect::from_json(&type_url, &value).unwrap().0;
    let name = value["name"].as_str().unwrap_or_default().into();
    let finished = Patched(set).finish(&type_url, &name, bytes).unwrap();
    let Some(finished) = finished else { return (None, Vec::new()) };
    let place = |f: &crate::wire::Failure| f.place.as_ref().map(|(_, field)| field.to_string()).unwrap_or_default();
    let left_out = finished.left_out.iter().map(|f| format!("{}: {}", place(f), f.why)).collect();
    (Some(to_json(&type_url, &finished.bytes).unwrap()), left_out)
}

/// What patches make of a message, nothing left out.
fn patched(set: &Handle<PatchSet>, message: &str, value: Value) -> Option<Value> {
    let (patched, left_out) = all_of(set, message, value);
    assert!(left_out.is_empty(), "{left_out:?}");
    patched
}

/// The same message as it is printed.
fn printed(message: &str, value: Value) -> Value {
    let type_url = format!("type.googleapis.com/envoy.config.{message}");
    to_json(&type_url, &from_json(&type_url, value).unwrap()).unwrap()
}
