//! `authorizationz`, `telemetryz`, `pushcontext`, `networkz`: what is said for whole namespaces, and how networks are
//! entered.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::api::{Kind, Object};
use crate::base::{Labels, Namespace, Str};
use crate::model::Snapshot;
use crate::model::facts::Gateway;

/// `authorizationz`.
#[derive(Debug, Serialize)]
pub struct Authorization {
    authorization_policies: Policies,
}

/// AuthorizationPolicies by namespace, the oldest first.
#[derive(Debug, Serialize)]
pub struct Policies {
    namespace_to_policies: BTreeMap<Namespace, Vec<Policy>>,
    root_namespace: Namespace,
}

#[derive(Debug, Serialize)]
struct Policy {
    name: Str,
    namespace: Namespace,
    /// `null` where there are none.
    annotations: Option<Labels>,
    spec: Value,
}

/// `telemetryz`.
#[derive(Debug, Serialize)]
pub struct Telemetry {
    telemetries: Telemetries,
}

#[derive(Debug, Serialize)]
struct Telemetries {
    namespace_to_telemetries: BTreeMap<Namespace, Vec<Named>>,
    root_namespace: Namespace,
}

#[derive(Debug, Serialize)]
struct Named {
    name: Str,
    namespace: Namespace,
    spec: Value,
}

/// A name with its namespace, as Kubernetes' Go type prints it; both empty where nothing is.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamespacedName {
    namespace: Str,
    name: Str,
}

/// What is said of telemetry for one proxy (istiod's `computedTelemetries`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProxyTelemetry {
    #[serde(flatten)]
    from: Levels,
    metrics: Vec<Value>,
    logging: Vec<LevelLogging>,
    tracing: Vec<Value>,
}

/// Whose word it is, by level.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Levels {
    root: NamespacedName,
    proxy: NamespacedName,
    namespace: NamespacedName,
    workload: NamespacedName,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LevelLogging {
    #[serde(flatten)]
    from: Levels,
    logging: Vec<Value>,
}

/// `pushcontext`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PushContext {
    authorization_policies: Policies,
    /// `null` where there are none.
    network_gateways: Option<Vec<NetworkGateway>>,
    /// Always `null`: names of gateways that have no address are not resolved by the control plane.
    unresolved_gateways: Option<Vec<NetworkGateway>>,
}

/// A way into a network.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NetworkGateway {
    network: Str,
    cluster: Str,
    addr: Str,
    port: u16,
    #[serde(rename = "HBONEPort")]
    hbone_port: u16,
    service_account: NamespacedName,
}

/// All AuthorizationPolicies.
pub fn authorization(snapshot: &Snapshot, objects: &[Arc<Object>]) -> Authorization {
    Authorization { authorization_policies: policies(snapshot, objects) }
}

fn policies(snapshot: &Snapshot, objects: &[Arc<Object>]) -> Policies {
    let policy = |object: &Object| Policy {
        name: object.meta.name.clone(),
        namespace: object.meta.namespace.clone(),
        annotations: (!object.meta.annotations.is_empty()).then(|| object.meta.annotations.clone()),
        spec: spec(object),
    };
    Policies {
        namespace_to_policies: by_namespace(objects, Kind::AuthorizationPolicy, policy),
        root_namespace: snapshot.mesh.root.clone(),
    }
}

/// All Telemetries.
pub fn telemetry(snapshot: &Snapshot, objects: &[Arc<Object>]) -> Telemetry {
    let named = |object: &Object| Named {
        name: object.meta.name.clone(),
        namespace: object.meta.namespace.clone(),
        spec: spec(object),
    };
    Telemetry {
        telemetries: Telemetries {
            namespace_to_telemetries: by_namespace(objects, Kind::Telemetry, named),
            root_namespace: snapshot.mesh.root.clone(),
        },
    }
}

/// The Telemetries in force for a proxy of a namespace, the widest first: `applicable` are their objects in that order.
pub fn proxy_telemetry(snapshot: &Snapshot, namespace: &Namespace, applicable: &[Arc<Object>]) -> ProxyTelemetry {
    let root = &snapshot.mesh.root;
    let mut all =
        ProxyTelemetry { from: Levels::default(), metrics: Vec::new(), logging: Vec::new(), tracing: Vec::new() };
    for object in applicable {
        let spec = spec(object);
        let selects = spec.get("selector").is_some() || spec.get("targetRefs").is_some();
        let name = NamespacedName { namespace: object.meta.namespace.str().clone(), name: object.meta.name.clone() };
        let mut from = Levels::default();
        match (object.meta.namespace == *root, selects) {
            (true, false) if namespace != root || all.from.root.name.is_empty() => {
                (all.from.root, from.root) = (name.clone(), name);
            }
            (_, false) => (all.from.proxy, from.proxy) = (name.clone(), name),
            (_, true) => (all.from.workload, from.workload) = (name.clone(), name),
        }
        let list = |field: &str| spec.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        all.metrics.extend(list("metrics"));
        all.tracing.extend(list("tracing"));
        let logging = list("accessLogging");
        if !logging.is_empty() {
            all.logging.push(LevelLogging { from, logging });
        }
    }
    all
}

/// The policies, and how networks are entered.
pub fn push_context(snapshot: &Snapshot, gateways: &[Gateway], objects: &[Arc<Object>]) -> PushContext {
    PushContext {
        authorization_policies: policies(snapshot, objects),
        network_gateways: network_gateways(gateways),
        unresolved_gateways: None,
    }
}

/// How networks are entered; `None`, which prints as `null`, where they are not.
pub fn network_gateways(gateways: &[Gateway]) -> Option<Vec<NetworkGateway>> {
    let gateway = |gateway: &Gateway| NetworkGateway {
        network: gateway.network.clone(),
        cluster: gateway.cluster.clone(),
        addr: gateway.address.clone(),
        port: gateway.port,
        hbone_port: 0,
        service_account: NamespacedName::default(),
    };
    (!gateways.is_empty()).then(|| gateways.iter().map(gateway).collect())
}

fn by_namespace<T>(objects: &[Arc<Object>], kind: Kind, of: impl Fn(&Object) -> T) -> BTreeMap<Namespace, Vec<T>> {
    let mut objects: Vec<&Object> = objects.iter().filter(|o| o.kind() == kind).map(AsRef::as_ref).collect();
    objects.sort_by_key(|o| (o.meta.created, &o.meta.name));
    let mut out: BTreeMap<_, Vec<_>> = BTreeMap::new();
    objects.into_iter().for_each(|o| out.entry(o.meta.namespace.clone()).or_default().push(of(o)));
    out
}

fn spec(object: &Object) -> Value {
    object.to_json().get("spec").cloned().unwrap_or_default()
}
