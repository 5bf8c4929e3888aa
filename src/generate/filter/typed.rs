//! Messages of types that no crate knows, as JSON.

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, ListValue, Struct, Value};

use crate::api::Json;
use crate::proto::udpa::r#type::v1::TypedStruct;
use crate::wire::any;

/// A message of a type that only Istio's build of Envoy has.
pub(super) fn typed_struct(type_url: &str, message: &Json) -> Any {
    any(&TypedStruct { type_url: type_url.to_owned(), value: Some(fields(message)) })
}

/// The fields of a JSON object; anything else has none.
pub(super) fn fields(json: &Json) -> Struct {
    let entries = json.as_object().into_iter().flatten();
    Struct { fields: entries.map(|(key, value)| (key.clone(), any_value(value))).collect() }
}

fn any_value(json: &Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(*value),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text.clone()),
        Json::Array(items) => Kind::ListValue(ListValue { values: items.iter().map(any_value).collect() }),
        Json::Object(_) => Kind::StructValue(fields(json)),
    };
    Value { kind: Some(kind) }
}
