//! Kubernetes' `Ingress` and `IngressClass`, as far as istiod reads them (`pilot/pkg/config/kube/ingress`).

use serde::{Deserialize, Serialize};

use crate::base::Str;

/// What the ingress gateway takes in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ingress {
    /// The IngressClass; the annotation `kubernetes.io/ingress.class` goes before it.
    pub ingress_class_name: Option<Str>,
    /// Where calls go that no rule takes; Istio ignores it.
    pub default_backend: Option<Backend>,
    /// Hosts with TLS.
    pub tls: Vec<Tls>,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// Hosts with TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tls {
    /// The hosts; all if empty.
    pub hosts: Vec<Str>,
    /// The Secret with their certificate.
    pub secret_name: Str,
}

/// Rules for one host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// The host; all if empty.
    pub host: Str,
    /// Where its calls go.
    pub http: Option<Http>,
}

/// Where calls of a host go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    /// By path.
    pub paths: Vec<Path>,
}

/// Where calls with a path go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Path {
    /// The path.
    pub path: Str,
    /// `Exact`, `Prefix` or `ImplementationSpecific`.
    pub path_type: Str,
    /// Where to.
    pub backend: Backend,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backend {
    /// A Service of the Ingress's namespace; Istio knows no other sort of backend.
    pub service: Option<ServiceBackend>,
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceBackend {
    /// The Service's name.
    pub name: Str,
    /// The port.
    pub port: BackendPort,
}

/// A port by number or by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendPort {
    /// The name.
    pub name: Str,
    /// The number; 0 where the name counts.
    pub number: u32,
}

/// Who serves Ingresses of a class.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressClass {
    /// The controller's name.
    pub controller: Str,
}
