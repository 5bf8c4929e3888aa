//! Who a client says it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::google::protobuf::{Struct, Value as ProtoValue, value::Kind};
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use serde_json::{Map, Number, Value};

use crate::base::{Extensions, Locality, Str};

/// How many parts the id of a proxy has: type, address, name, domain.
const ID_PARTS: usize = 4;

/// The `envoy.config.core.v3.Node` of a client. Nothing in it is verified.
#[derive(Clone, Debug)]
pub struct Node {
    /// `sidecar~10.0.0.1~reviews-v1-0.shop~shop.svc.cluster.local`
    pub id: NodeId,
    /// Envoy's `--service-cluster`.
    pub cluster: Str,
    /// What the bootstrap, and pilot-agent, say about the workload. Whole numbers are integers.
    pub metadata: Arc<Map<String, Value>>,
    /// Where it says it runs.
    pub locality: Locality,
    /// `envoy`, `gRPC Go`, …
    pub user_agent: Str,
    /// Major, minor and patch of Envoy's version, if it tells.
    pub version: Option<(u32, u32, u32)>,
    /// What it is able to load. Envoy lists it, pilot-agent leaves it out.
    pub extensions: Extensions,
}

/// The id of a proxy, `type~address~name~domain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeId(Str);

/// Why a client is not admitted; its own doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There is no node, or it has no id. The words are istiod's, which tests and people look for.
    #[error("missing node information")]
    Missing,
    /// The node is not the message that it should be.
    #[error("the node is not an envoy.config.core.v3.Node: {0}")]
    Undecodable(String),
    /// The id is not that of a proxy of a mesh.
    #[error("the node id {0:?} does not have the four parts type~address~name.namespace~domain")]
    Id(String),
}

impl NodeId {
    fn parse(id: &str) -> Result<Self, Malformed> {
        match id.split('~').count() {
            _ if id.is_empty() => Err(Malformed::Missing),
            ID_PARTS => Ok(Self(id.into())),
            _ => Err(Malformed::Id(id.into())),
        }
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole id, shared.
    pub fn str(&self) -> &Str {
        &self.0
    }

    /// `sidecar`, `router`, …
    pub fn kind(&self) -> &str {
        self.part(0)
    }

    /// The first address of the proxy.
    pub fn address(&self) -> &str {
        self.part(1)
    }

    /// Name and namespace, `reviews-v1-0.shop`: Istio's id of a proxy.
    pub fn proxy(&self) -> &str {
        self.part(2)
    }

    /// The DNS domain of the proxy, `shop.svc.cluster.local`.
    pub fn domain(&self) -> &str {
        self.part(3)
    }

    fn part(&self, n: usize) -> &str {
        self.0.split('~').nth(n).unwrap_or_default()
    }
}

impl Node {
    /// Reads the node of a first request.
    ///
    /// # Errors
    /// When there is none, or it is none of a proxy of a mesh.
    pub fn decode(raw: Option<Bytes>) -> Result<Self, Malformed> {
        let raw = raw.ok_or(Malformed::Missing)?;
        let undecodable = |e: prost::DecodeError| Malformed::Undecodable(e.to_string());
        let (rest, list) = split(&raw).map_err(undecodable)?;
        let node = core::Node::decode(&rest[..]).map_err(undecodable)?;
        let id = NodeId::parse(&node.id)?;
        let locality = node.locality.unwrap_or_default();
        let extensions = Extensions::of_bytes(&list, types).map_err(undecodable)?;
        Ok(Self {
            id,
            cluster: node.cluster.into(),
            metadata: Arc::new(node.metadata.map(object).unwrap_or_default()),
            locality: Locality {
                region: locality.region.into(),
                zone: locality.zone.into(),
                sub_zone: locality.sub_zone.into(),
            },
            user_agent: node.user_agent_name.into(),
            version: node.user_agent_version_type.and_then(version),
            extensions,
        })
    }
}

/// The message without what it lists of extensions, and that alone: it is most of it, and the same for many.
fn split(raw: &[u8]) -> Result<(Vec<u8>, Vec<u8>), prost::DecodeError> {
    const EXTENSIONS: u32 = 9;
    let (mut rest, mut list, mut after) = (Vec::new(), Vec::new(), raw);
    while !after.is_empty() {
        let field = after;
        let (number, wire) = decode_key(&mut after)?;
        skip_field(wire, number, &mut after, DecodeContext::default())?;
        let into = if number == EXTENSIONS { &mut list } else { &mut rest };
        into.extend_from_slice(&field[..field.len() - after.len()]);
    }
    Ok((rest, list))
}

/// The types of what is listed, and the names of what has none. Its owner may have disabled something.
fn types(list: &[u8]) -> Result<BTreeSet<Str>, prost::DecodeError> {
    let listed = core::Node::decode(list)?.extensions.into_iter().filter(|extension| !extension.disabled);
    let said = listed.flat_map(|e| if e.type_urls.is_empty() { vec![e.name] } else { e.type_urls });
    Ok(said.map(Str::from).collect())
}

fn version(version: core::node::UserAgentVersionType) -> Option<(u32, u32, u32)> {
    match version {
        core::node::UserAgentVersionType::UserAgentBuildVersion(build) => {
            let v = build.version?;
            Some((v.major_number, v.minor_number, v.patch))
        }
        core::node::UserAgentVersionType::UserAgentVersion(_) => None,
    }
}

fn object(fields: Struct) -> Map<String, Value> {
    fields.fields.into_iter().map(|(name, value)| (name, json(value))).collect()
}

/// As deep as the message is nested, which the decoder limits to 100.
fn json(value: ProtoValue) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(b)) => Value::Bool(b),
        Some(Kind::StringValue(s)) => Value::String(s),
        Some(Kind::NumberValue(n)) => number(n),
        Some(Kind::StructValue(fields)) => Value::Object(object(fields)),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(json).collect()),
    }
}

/// A number of JSON. Those of protobuf are floats; whole ones, as far as a float tells them apart, become integers.
fn number(n: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if n.fract() == 0.0 && n.abs() < EXACT {
        return Value::from(n as i64);
    }
    Number::from_f64(n).map_or(Value::Null, Value::Number)
}
