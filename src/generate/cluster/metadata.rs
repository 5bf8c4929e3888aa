//! What clusters tell Istio's filters and metrics about themselves.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::Metadata;
use envoy_types::pb::google::protobuf::{Struct, Value};

use crate::generate::proto::{list, object, string};

/// A field of that metadata.
pub(super) type Field = (String, Value);

/// Metadata under the key that Istio's filters read.
pub(super) fn of_istio(fields: Vec<Field>) -> Metadata {
    let fields = fields.into_iter().collect();
    Metadata { filter_metadata: HashMap::from([("istio".to_owned(), Struct { fields })]), ..Default::default() }
}

/// The services that a cluster stands for, as host, name and namespace; metrics take their labels from the first.
pub(super) fn services<'s>(services: impl IntoIterator<Item = (&'s str, &'s str, &'s str)>) -> Field {
    let service = |(host, name, namespace)| {
        object([("host", string(host)), ("name", string(name)), ("namespace", string(namespace))])
    };
    ("services".to_owned(), list(services.into_iter().map(service).collect()))
}

/// The DestinationRule that shaped a cluster.
pub(super) fn rule(namespace: &str, name: &str) -> Field {
    let path = format!("/apis/networking.istio.io/v1/namespaces/{namespace}/destination-rule/{name}");
    ("config".to_owned(), string(&path))
}
