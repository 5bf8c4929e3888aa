//! Traces of calls (istio `pilot/pkg/networking/core/tracing.go`).

use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager;
use envoy_types::pb::envoy::r#type::metadata::v3::metadata_key::PathSegment;
use envoy_types::pb::envoy::r#type::metadata::v3::metadata_key::path_segment::Segment;
use envoy_types::pb::envoy::r#type::metadata::v3::metadata_kind::{Kind, Request};
use envoy_types::pb::envoy::r#type::metadata::v3::{MetadataKey, MetadataKind};
use envoy_types::pb::envoy::r#type::tracing::v3::CustomTag;
use envoy_types::pb::envoy::r#type::tracing::v3::custom_tag::{Environment, Header, Literal, Metadata, Type};
use envoy_types::pb::envoy::r#type::v3::Percent;

use crate::base::{Double, Str};
use crate::generate::proto;

use super::tracer::Tracer;

/// How calls are traced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tracing {
    /// Where traces go; where the proxy's bootstrap says if absent.
    pub tracer: Option<Tracer>,
    /// Whether a call out has a span of its own beside that of the call in.
    pub separate_span: bool,
    /// Whether the headers that join spans are left as they came.
    pub no_propagation: bool,
    /// How many calls in a hundred are traced where nobody asked for it.
    pub sampling: Double,
    /// Tags of each span, by name.
    pub tags: Vec<Tag>,
    /// How much of the path a span keeps, Envoy's default if 0.
    pub max_path_length: u32,
}

/// One tag of a span.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    /// Its name.
    pub name: Str,
    /// Its value.
    pub value: TagValue,
}

/// Where the value of a tag comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TagValue {
    /// Always the same.
    Literal(Str),
    /// An environment variable of the proxy, and the value where it is missing.
    Environment(Str, Str),
    /// A header of the call, and the value where it is missing.
    Header(Str, Str),
    /// Text with Envoy's operators.
    Format(Str),
    /// What a policy on trial left in the call's metadata, by key; no tag where there is none.
    Policy(&'static str),
}

impl Tracing {
    pub(crate) fn build(&self) -> http_connection_manager::Tracing {
        let percent = |value| Some(Percent { value });
        http_connection_manager::Tracing {
            client_sampling: percent(100.0),
            random_sampling: percent(self.sampling.get()),
            overall_sampling: percent(100.0),
            custom_tags: self.tags.iter().map(Tag::build).collect(),
            max_path_tag_length: (self.max_path_length != 0).then(|| proto::u32_value(self.max_path_length)),
            provider: self.tracer.as_ref().map(Tracer::build),
            spawn_upstream_span: self.separate_span.then(|| proto::bool_value(true)),
            no_context_propagation: self.no_propagation,
            ..http_connection_manager::Tracing::default()
        }
    }
}

impl Tag {
    pub(crate) fn build(&self) -> CustomTag {
        let value = match &self.value {
            TagValue::Literal(value) => Type::Literal(Literal { value: value.to_string() }),
            TagValue::Environment(name, default) => {
                Type::Environment(Environment { name: name.to_string(), default_value: default.to_string() })
            }
            TagValue::Header(name, default) => {
                Type::RequestHeader(Header { name: name.to_string(), default_value: default.to_string() })
            }
            TagValue::Format(format) => Type::Value(format.to_string()),
            TagValue::Policy(key) => Type::Metadata(policy(key)),
        };
        CustomTag { tag: self.name.to_string(), r#type: Some(value) }
    }
}

fn policy(key: &str) -> Metadata {
    Metadata {
        kind: Some(MetadataKind { kind: Some(Kind::Request(Request {})) }),
        metadata_key: Some(MetadataKey {
            key: "envoy.filters.http.rbac".to_owned(),
            path: vec![PathSegment { segment: Some(Segment::Key(key.to_owned())) }],
        }),
        default_value: String::new(),
    }
}
