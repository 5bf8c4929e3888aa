mod bytes;
mod order;
mod rules;

use std::sync::LazyLock;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use super::{Violation, check};

const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";

/// A message as bytes, by its type URL and JSON form.
fn encoded(type_url: &str, json: Value) -> Vec<u8> {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        let descriptors = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
        DescriptorPool::decode(&descriptors[..]).unwrap()
    });
    let (_, name) = type_url.rsplit_once('/').unwrap();
    let descriptor = POOL.get_message_by_name(name).unwrap_or_else(|| panic!("no {name}"));
    DynamicMessage::deserialize(descriptor, json).unwrap_or_else(|error| panic!("{name}: {error}")).encode_to_vec()
}

/// What is wrong with a message of one of Envoy's packages, as one line; empty if nothing is.
fn verdict(name: &str, json: Value) -> String {
    let type_url = format!("type.googleapis.com/envoy.{name}");
    let mut bytes = encoded(&type_url, json);
    check(&type_url, &mut bytes).map_or_else(|violation| violation.to_string(), |()| String::new())
}
