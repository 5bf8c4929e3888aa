//! What clusters tell Istio's filters and metrics about themselves.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::Metadata;
use envoy_types::pb::google::protobuf::Value;

use crate::generate::proto::{fields_of, list, object, string};

/// Metadata under the key that Istio's filters read.
pub(super) fn of_istio(fields: Vec<(&'static str, Value)>) -> Metadata {
    Metadata { filter_metadata: HashMap::from([("istio".to_owned(), fields_of(fields))]), ..Default::default() }
}

/// The services that a cluster stands for, as host, name and namespace; metrics take their labels from the first.
pub(super) fn services<'s>(services: impl IntoIterator<Item = (&'s str, &'s str, &'s str)>) -> (&'static str, Value) {
    let service = |(host, name, namespace)| {
        object([("host", string(host)), ("name", string(name)), ("namespace", string(namespace))])
    };
    ("services", list(services.into_iter().map(service).collect()))
}

/// The DestinationRule that shaped a cluster.
pub(super) fn rule(namespace: &str, name: &str) -> (&'static str, Value) {
    let path = format!("/apis/networking.istio.io/v1/namespaces/{namespace}/destination-rule/{name}");
    ("config", string(&path))
}
