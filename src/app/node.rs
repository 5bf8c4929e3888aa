//! From an xDS Node to a proxy.

use serde_json::Value;

use crate::proxy::{Error, Extension, Proxy};
use crate::xds::Node;

/// The proxy that a Node tells of.
pub fn proxy(node: &Node) -> Result<Proxy, Error> {
    let extension = |e: &crate::xds::Extension| Extension {
        name: e.name.to_string(),
        types: e.type_urls.iter().map(ToString::to_string).collect(),
    };
    let extensions: Vec<Extension> = node.extensions.iter().map(extension).collect();
    let metadata = Value::Object((*node.metadata).clone());
    Proxy::new(node.id.as_str(), &node.cluster, node.locality.clone(), &metadata, &extensions)
}
