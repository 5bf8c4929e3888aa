//! One object: who it is, and what it says.

use serde_json::{Map, Value, json};

use super::meta::{Key, Meta, Timestamp};
use super::{
    Kind, authorization_policy, destination_rule, encode, endpoint_slice, envoy_filter, gateway, ingress, namespace,
    node, peer_authentication, pod, request_authentication, secret, service, service_entry, sidecar, telemetry,
    virtual_service, workload_entry,
};
use crate::base::{ObjectRef, Str};

/// A decoded and valid object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its identity.
    pub meta: Meta,
    /// What it says.
    pub spec: Spec,
    /// The file it was read from, and the line (from 1) where its document starts.
    pub file: Option<(Str, u32)>,
}

/// JSON that nobody has given a type yet.
pub type Json = Value;

/// What an object says, by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the names of the kinds")]
pub enum Spec {
    Service(service::Service),
    EndpointSlice(endpoint_slice::EndpointSlice),
    Pod(pod::Pod),
    Node(node::Node),
    Namespace(namespace::Namespace),
    VirtualService(virtual_service::VirtualService),
    DestinationRule(destination_rule::DestinationRule),
    ServiceEntry(service_entry::ServiceEntry),
    WorkloadEntry(workload_entry::WorkloadEntry),
    Sidecar(sidecar::Sidecar),
    PeerAuthentication(peer_authentication::PeerAuthentication),
    AuthorizationPolicy(authorization_policy::AuthorizationPolicy),
    RequestAuthentication(request_authentication::RequestAuthentication),
    EnvoyFilter(envoy_filter::EnvoyFilter),
    Gateway(gateway::Gateway),
    Ingress(ingress::Ingress),
    IngressClass(ingress::IngressClass),
    Secret(secret::Secret),
    Telemetry(telemetry::Telemetry),
    /// All other kinds, as a whole document without `apiVersion`, `kind`, `metadata` and `status`.
    Opaque(Kind, Json),
}

impl Object {
    /// The kind.
    pub fn kind(&self) -> Kind {
        match &self.spec {
            Spec::Service(_) => Kind::Service,
            Spec::EndpointSlice(_) => Kind::EndpointSlice,
            Spec::Pod(_) => Kind::Pod,
            Spec::Node(_) => Kind::Node,
            Spec::Namespace(_) => Kind::Namespace,
            Spec::VirtualService(_) => Kind::VirtualService,
            Spec::DestinationRule(_) => Kind::DestinationRule,
            Spec::ServiceEntry(_) => Kind::ServiceEntry,
            Spec::WorkloadEntry(_) => Kind::WorkloadEntry,
            Spec::Sidecar(_) => Kind::Sidecar,
            Spec::PeerAuthentication(_) => Kind::PeerAuthentication,
            Spec::AuthorizationPolicy(_) => Kind::AuthorizationPolicy,
            Spec::RequestAuthentication(_) => Kind::RequestAuthentication,
            Spec::EnvoyFilter(_) => Kind::EnvoyFilter,
            Spec::Gateway(_) => Kind::Gateway,
            Spec::Ingress(_) => Kind::Ingress,
            Spec::IngressClass(_) => Kind::IngressClass,
            Spec::Secret(_) => Kind::Secret,
            Spec::Telemetry(_) => Kind::Telemetry,
            Spec::Opaque(kind, _) => *kind,
        }
    }

    /// What tells the object from all others.
    pub fn key(&self) -> Key {
        let meta = &self.meta;
        Key {
            kind: self.kind(),
            cluster: meta.cluster.clone(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
        }
    }

    /// The object as findings name it.
    pub fn object_ref(&self) -> ObjectRef {
        ObjectRef {
            kind: self.kind().as_str().into(),
            namespace: self.meta.namespace.str().clone(),
            name: self.meta.name.clone(),
            file: self.file.clone(),
        }
    }

    /// The object as a document of Kubernetes. Of Kubernetes' own kinds, `spec` has what mizzen keeps of them; a
    /// Secret's values are left out.
    pub fn to_json(&self) -> Value {
        let mut document = match &self.spec {
            Spec::Service(s) => of_spec(encode::to_value(s)),
            Spec::EndpointSlice(s) => of_spec(encode::to_value(s)),
            Spec::Pod(s) => of_spec(encode::to_value(s)),
            Spec::Node(s) => of_spec(encode::to_value(s)),
            Spec::Namespace(s) => of_spec(encode::to_value(s)),
            Spec::VirtualService(s) => of_spec(encode::to_value(s)),
            Spec::DestinationRule(s) => of_spec(encode::to_value(s)),
            Spec::ServiceEntry(s) => service_entry(s),
            Spec::WorkloadEntry(s) => workload_entry(s),
            Spec::Sidecar(s) => of_spec(encode::to_value(s)),
            Spec::PeerAuthentication(s) => of_spec(encode::to_value(s)),
            Spec::AuthorizationPolicy(s) => of_spec(encode::to_value(s)),
            Spec::RequestAuthentication(s) => of_spec(encode::to_value(s)),
            Spec::EnvoyFilter(s) => of_spec(encode::to_value(s)),
            Spec::Gateway(s) => of_spec(encode::to_value(s)),
            Spec::Ingress(s) => of_spec(encode::to_value(s)),
            Spec::IngressClass(s) => of_spec(encode::to_value(s)),
            Spec::Telemetry(s) => of_spec(encode::to_value(s)),
            Spec::Secret(s) => Map::from_iter([("type".into(), json!(s.r#type.as_str()))]),
            Spec::Opaque(_, json) => json.as_object().cloned().unwrap_or_default(),
        };
        document.insert("kind".into(), self.kind().as_str().into());
        document.insert("apiVersion".into(), self.kind().api_version().into());
        document.insert("metadata".into(), self.meta.to_json());
        document.into()
    }
}

fn of_spec(spec: Value) -> Map<String, Value> {
    Map::from_iter([("spec".into(), spec)])
}

fn service_entry(entry: &service_entry::ServiceEntry) -> Map<String, Value> {
    let mut document = of_spec(encode::to_value(entry));
    if !entry.allocated.is_empty() {
        document.insert("status".into(), json!({"addresses": encode::to_value(&entry.allocated)}));
    }
    document
}

fn workload_entry(entry: &workload_entry::WorkloadEntry) -> Map<String, Value> {
    let mut document = of_spec(encode::to_value(&entry.workload));
    if let Some(healthy) = entry.healthy {
        let status = if healthy { "True" } else { "False" };
        document.insert("status".into(), json!({"conditions": [{"type": "Healthy", "status": status}]}));
    }
    document
}

impl Meta {
    /// The metadata as Kubernetes writes it, without what is empty.
    fn to_json(&self) -> Value {
        let mut json = Map::new();
        let strings =
            [("name", &self.name), ("uid", &self.uid), ("resourceVersion", &self.resource_version)].into_iter();
        for (key, value) in strings.chain([("namespace", self.namespace.str())]).filter(|(_, v)| !v.is_empty()) {
            json.insert(key.into(), value.as_str().into());
        }
        for (key, value) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !value.is_empty() {
                json.insert(key.into(), encode::to_value(value));
            }
        }
        if self.generation != 0 {
            json.insert("generation".into(), self.generation.into());
        }
        if self.created != 0 {
            json.insert("creationTimestamp".into(), Timestamp(self.created).to_string().into());
        }
        if !self.owners.is_empty() {
            json.insert("ownerReferences".into(), encode::to_value(&self.owners));
        }
        json.into()
    }
}
