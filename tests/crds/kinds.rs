//! The definition of each kind.

use mizzen::api::{
    self, Kind, Object, Spec, authorization_policy, destination_rule, envoy_filter, gateway, peer_authentication,
    request_authentication, service_entry, sidecar, telemetry, virtual_service, workload_entry,
};
use serde_json::{Map, Value, json};

use crate::docs::Docs;
use crate::schema;
use crate::shape::{self, Shape};

/// A column of `kubectl get`: its name, and the place of its value.
type Column = (&'static str, &'static str);

const AGE: Column = ("Age", ".metadata.creationTimestamp");

/// The short names and the columns of a kind.
fn traits(kind: Kind) -> (&'static [&'static str], &'static [Column]) {
    match kind {
        Kind::DestinationRule => (&["dr"], &[("Host", ".spec.host"), AGE]),
        Kind::VirtualService => (&["vs"], &[("Gateways", ".spec.gateways"), ("Hosts", ".spec.hosts"), AGE]),
        Kind::ServiceEntry => (
            &["se"],
            &[("Hosts", ".spec.hosts"), ("Location", ".spec.location"), ("Resolution", ".spec.resolution"), AGE],
        ),
        Kind::Gateway => (&["gw"], &[]),
        Kind::WorkloadEntry => (&["we"], &[AGE, ("Address", ".spec.address")]),
        Kind::WorkloadGroup => (&["wg"], &[AGE]),
        Kind::AuthorizationPolicy => (&["ap"], &[("Action", ".spec.action"), AGE]),
        Kind::PeerAuthentication => (&["pa"], &[("Mode", ".spec.mtls.mode"), AGE]),
        Kind::RequestAuthentication => (&["ra"], &[]),
        Kind::Telemetry => (&["telemetry"], &[AGE]),
        Kind::WasmPlugin | Kind::TrafficExtension => (&[], &[AGE]),
        _ => (&[], &[]),
    }
}

/// The version in which objects are stored: the first that is read, save where Istio stores an older one.
fn stored(kind: Kind) -> &'static str {
    match kind {
        Kind::Telemetry => "v1alpha1",
        kind => kind.versions()[0],
    }
}

/// What `spec` is read into. A kind without a type of its own is kept as it is written.
fn spec(kind: Kind) -> Shape {
    match kind {
        Kind::DestinationRule => shape::of::<destination_rule::DestinationRule>(),
        Kind::VirtualService => shape::of::<virtual_service::VirtualService>(),
        Kind::ServiceEntry => shape::of::<service_entry::ServiceEntry>(),
        Kind::Gateway => shape::of::<gateway::Gateway>(),
        Kind::Sidecar => shape::of::<sidecar::Sidecar>(),
        Kind::EnvoyFilter => shape::of::<envoy_filter::EnvoyFilter>(),
        Kind::WorkloadEntry => shape::of::<workload_entry::Workload>(),
        Kind::AuthorizationPolicy => shape::of::<authorization_policy::AuthorizationPolicy>(),
        Kind::Telemetry => shape::of::<telemetry::Telemetry>(),
        Kind::RequestAuthentication => shape::of::<request_authentication::RequestAuthentication>(),
        Kind::PeerAuthentication => shape::of::<peer_authentication::PeerAuthentication>(),
        _ => Shape::Any,
    }
}

/// All definitions.
pub(crate) fn all(docs: &Docs) -> Vec<Value> {
    Kind::all().filter(|kind| kind.is_istio()).map(|kind| definition(kind, docs)).collect()
}

fn definition(kind: Kind, docs: &Docs) -> Value {
    let (short, columns) = traits(kind);
    let group = kind.group();
    let area = group.strip_suffix(".istio.io").unwrap_or(group);
    let mut names = json!({
        "kind": kind.as_str(),
        "listKind": format!("{kind}List"),
        "plural": kind.plural(),
        "singular": kind.as_str().to_lowercase(),
        "categories": ["istio-io", format!("{area}-istio-io")],
    });
    if !short.is_empty() {
        names["shortNames"] = json!(short);
    }
    let schema = schema_of(kind, docs);
    let columns: Vec<Value> = columns
        .iter()
        .map(|(name, path)| {
            let kind = if *name == "Age" { "date" } else { "string" };
            json!({"name": name, "type": kind, "jsonPath": path})
        })
        .collect();
    let version = |name: &&'static str| {
        let mut version = json!({
            "name": name,
            "served": true,
            "storage": *name == stored(kind),
            "schema": {"openAPIV3Schema": schema.clone()},
            "subresources": {"status": {}},
        });
        if !columns.is_empty() {
            version["additionalPrinterColumns"] = columns.clone().into();
        }
        version
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{group}", kind.plural())},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced",
            "versions": kind.versions().iter().map(version).collect::<Vec<_>>(),
        },
    })
}

/// Whether a kind has no type of its own yet.
fn is_opaque(kind: Kind) -> bool {
    let document =
        json!({"apiVersion": kind.api_version(), "kind": kind.as_str(), "metadata": {"name": "x"}, "spec": {}});
    matches!(api::decode(document, None).object, Some(Object { spec: Spec::Opaque(..), .. }))
}

fn schema_of(kind: Kind, docs: &Docs) -> Value {
    assert!(spec(kind) != Shape::Any || is_opaque(kind), "{kind} is read into a type, which is not named here");
    let spec: Value = match spec(kind) {
        Shape::Any => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        shape => schema::of(&shape, docs, &format!("{kind}:")).into(),
    };
    json!({"type": "object", "properties": {"spec": spec, "status": status(kind)}})
}

/// Istio's own shape of a status.
fn status(kind: Kind) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let time = |description: &str| json!({"type": "string", "format": "date-time", "description": description});
    let mut properties = Map::new();
    let condition = json!({
        "type": text("What the condition is about."),
        "status": text("True, False or Unknown."),
        "reason": text("Why, as one word."),
        "message": text("Why, as a sentence."),
        "observedGeneration": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}],
                               "description": "The generation of the object that the condition is about."},
        "lastProbeTime": time("When it was last looked at."),
        "lastTransitionTime": time("When the status last changed."),
    });
    let conditions = json!({"type": "array", "description": "How the object is.",
                            "items": {"type": "object", "properties": condition}});
    properties.insert("conditions".into(), conditions);
    let generation = json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}],
                            "description": "The generation of the object that the status is about."});
    properties.insert("observedGeneration".into(), generation);
    let messages = json!({"type": "array", "description": "What is wrong or odd in the object.",
                          "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    properties.insert("validationMessages".into(), messages);
    if kind == Kind::ServiceEntry {
        let address = json!({"value": text("The address."), "host": text("The host that it stands for.")});
        let addresses = json!({"type": "array", "description": "The addresses that were allocated.",
                               "items": {"type": "object", "properties": address}});
        properties.insert("addresses".into(), addresses);
    }
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": properties})
}
