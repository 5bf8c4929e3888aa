//! How calls are sent: DestinationRules and VirtualServices after names were resolved and objects merged.

use std::collections::BTreeSet;

use crate::api::destination_rule::{Subset, TrafficPolicy};
use crate::api::virtual_service::{HttpRoute, TcpRoute, TlsRoute};
use crate::base::{Host, Labels, Namespace, Str};

use super::handle::Handle;
use super::service::ExportTo;

/// One or several DestinationRules of a namespace for one host, merged as istiod merges them
/// (`pilot/pkg/model/destination_rule.go`: subsets are joined, the oldest traffic policy stands).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The name of the oldest.
    pub name: Str,
    /// The namespace they are in.
    pub namespace: Namespace,
    /// The host as written, completed to a full name; may be a wildcard.
    pub host: Host,
    /// The policy for all subsets and ports.
    pub policy: Option<Handle<TrafficPolicy>>,
    /// The subsets, by order of appearance; names are unique.
    pub subsets: Vec<Subset>,
    /// Labels of the calling workloads it is for; `None` is all.
    pub selector: Option<Labels>,
    /// What its `exportTo` says, unresolved: empty is the mesh's default.
    pub export_to: BTreeSet<Str>,
    /// All rules that went into it.
    pub from: Vec<(Namespace, Str)>,
}

/// A VirtualService with its delegates merged in and short names completed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualService {
    /// The object's name.
    pub name: Str,
    /// The object's namespace.
    pub namespace: Namespace,
    /// When it was created, unix seconds; the older one wins.
    pub created: i64,
    /// The hosts it is for, completed to full names.
    pub hosts: Vec<Host>,
    /// The gateways it is bound to, `mesh` where nothing is said; others as `namespace/name`.
    pub gateways: Vec<Str>,
    /// Who may use it.
    pub export_to: ExportTo,
    /// Routes for HTTP.
    pub http: Vec<HttpRoute>,
    /// Routes for TLS that is not terminated.
    pub tls: Vec<TlsRoute>,
    /// Routes for bytes.
    pub tcp: Vec<TcpRoute>,
    /// Whether a prefix of a path ends where a segment of it does, as Kubernetes' Ingress means it.
    pub by_path_segment: bool,
}

impl VirtualService {
    /// Whether sidecars use it.
    pub fn in_mesh(&self) -> bool {
        self.gateways.iter().any(|g| g == "mesh")
    }
}
