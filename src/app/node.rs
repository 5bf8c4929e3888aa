//! From an xDS Node to a proxy.

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value as ProtoValue};
use serde_json::Value;

use crate::base::Locality;
use crate::proxy::{Error, Extension, Proxy};

/// Reads a Node.
pub fn proxy(node: &Node) -> Result<Proxy, Error> {
    let locality = node.locality.as_ref().map(|l| Locality {
        region: l.region.as_str().into(),
        zone: l.zone.as_str().into(),
        sub_zone: l.sub_zone.as_str().into(),
    });
    let extensions: Vec<Extension> =
        node.extensions.iter().map(|e| Extension { name: e.name.clone(), types: e.type_urls.clone() }).collect();
    let metadata = node.metadata.as_ref().map_or(Value::Null, object);
    Proxy::new(&node.id, &node.cluster, locality.unwrap_or_default(), &metadata, &extensions)
}

fn object(fields: &Struct) -> Value {
    Value::Object(fields.fields.iter().map(|(k, v)| (k.clone(), value(v))).collect())
}

fn value(value: &ProtoValue) -> Value {
    match &value.kind {
        Some(Kind::StringValue(s)) => Value::from(s.as_str()),
        Some(Kind::NumberValue(n)) if n.fract() == 0.0 && n.abs() < 9.0e15 => Value::from(*n as i64),
        Some(Kind::NumberValue(n)) => Value::from(*n),
        Some(Kind::BoolValue(b)) => Value::from(*b),
        Some(Kind::StructValue(fields)) => object(fields),
        Some(Kind::ListValue(list)) => Value::Array(list.values.iter().map(self::value).collect()),
        Some(Kind::NullValue(_)) | None => Value::Null,
    }
}
