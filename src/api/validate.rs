//! What istiod and the API server refuse (`pkg/config/validation`, the CRDs), and what Envoy would refuse later.
//!
//! An object is refused as a whole. A few rules of istiod's webhook are warnings here, because istiod itself obeys
//! such objects where they get past the webhook; they say so.

mod at;
mod authorization_policy;
mod der;
mod destination_rule;
mod format;
mod gateway;
mod header;
mod kubernetes;
mod label;
mod mesh;
mod meta;
mod name;
mod networks;
mod observer;
mod peer_authentication;
mod protocol;
mod range;
mod regex;
mod request_authentication;
mod secret;
mod service_entry;
mod sidecar;
mod telemetry;
mod tls;
mod virtual_service;
mod workload_entry;

pub use format::{is_header_format, is_log_format, is_log_object};
pub(super) use mesh::mesh;
pub(super) use networks::mesh_networks;
pub(super) use observer::observer;
pub use telemetry::is_tag_header;
pub(super) use tls::is_cipher_suite;

use super::report::Report;
use super::{Object, Spec};
use at::At;

/// Reports everything that is wrong with an object.
pub(super) fn object(object: &Object, report: &Report) {
    meta::meta(object, &At::new("metadata", report));
    let at = &At::new("spec", report);
    let namespace = &object.meta.namespace;
    match &object.spec {
        Spec::Service(service) => kubernetes::service(service, at),
        Spec::EndpointSlice(slice) => kubernetes::endpoint_slice(slice, &At::new("", report)),
        Spec::Pod(pod) => kubernetes::pod(pod, report),
        Spec::VirtualService(service) => virtual_service::virtual_service(service, namespace, at),
        Spec::DestinationRule(rule) => destination_rule::destination_rule(rule, namespace, at),
        Spec::ServiceEntry(entry) => service_entry::service_entry(entry, &object.meta, at),
        Spec::WorkloadEntry(entry) => workload_entry::workload_entry(&entry.workload, at),
        Spec::Sidecar(sidecar) => sidecar::sidecar(sidecar, at),
        Spec::PeerAuthentication(policy) => peer_authentication::peer_authentication(policy, at),
        Spec::AuthorizationPolicy(policy) => {
            authorization_policy::authorization_policy(policy, at);
            authorization_policy::dry_run(policy, &object.meta, &At::new("metadata", report));
        }
        Spec::RequestAuthentication(policy) => request_authentication::request_authentication(policy, at),
        Spec::Secret(secret) => secret::secret(secret, &At::new("", report)),
        Spec::EnvoyFilter(filter) => at.field("workloadSelector").workload_selector(filter.workload_selector.as_ref()),
        Spec::Gateway(gateway) => gateway::gateway(gateway, &object.meta, at),
        Spec::Telemetry(telemetry) => telemetry::telemetry(telemetry, at),
        Spec::Node(_) | Spec::Namespace(_) | Spec::Ingress(_) | Spec::IngressClass(_) | Spec::Opaque(..) => {}
    }
}

#[cfg(test)]
mod tests;
