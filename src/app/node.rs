//! From an xDS Node to a proxy.

use serde_json::Value;

use crate::proxy::{Error, Proxy};
use crate::xds::Node;

/// The proxy that a Node tells of.
pub fn proxy(node: &Node) -> Result<Proxy, Error> {
    let metadata = Value::Object((*node.metadata).clone());
    Proxy::new(node.id.as_str(), &node.cluster, node.locality.clone(), &metadata, node.extensions.clone())
}
