//! Small conversions between plain values and protobuf's.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::address::Address as AddressKind;
use envoy_types::pb::envoy::config::core::v3::config_source::ConfigSourceSpecifier;
use envoy_types::pb::envoy::config::core::v3::grpc_service::{EnvoyGrpc, TargetSpecifier};
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    Address, AggregatedConfigSource, ApiVersion, ConfigSource, GrpcService, Pipe, SocketAddress,
};
use envoy_types::pb::google::protobuf;
use envoy_types::pb::google::protobuf::value::Kind;

use crate::base::Duration;

/// A span of time.
pub(crate) fn duration(span: Duration) -> protobuf::Duration {
    let (seconds, nanos) = span.split();
    protobuf::Duration { seconds, nanos }
}

/// A number that may be absent.
pub(crate) fn u32_value(value: u32) -> protobuf::UInt32Value {
    protobuf::UInt32Value { value }
}

/// A boolean that may be absent.
pub(crate) fn bool_value(value: bool) -> protobuf::BoolValue {
    protobuf::BoolValue { value }
}

/// A string in a `Struct`.
pub(crate) fn string(value: &str) -> protobuf::Value {
    protobuf::Value { kind: Some(Kind::StringValue(value.to_owned())) }
}

/// A boolean in a `Struct`.
pub(crate) fn boolean(value: bool) -> protobuf::Value {
    protobuf::Value { kind: Some(Kind::BoolValue(value)) }
}

/// A list in a `Struct`.
pub(crate) fn list(values: Vec<protobuf::Value>) -> protobuf::Value {
    protobuf::Value { kind: Some(Kind::ListValue(protobuf::ListValue { values })) }
}

/// An object in a `Struct`.
pub(crate) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, protobuf::Value)>) -> protobuf::Value {
    protobuf::Value { kind: Some(Kind::StructValue(fields_of(fields))) }
}

/// A `Struct`.
pub(crate) fn fields_of<'a>(fields: impl IntoIterator<Item = (&'a str, protobuf::Value)>) -> protobuf::Struct {
    protobuf::Struct { fields: fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<HashMap<_, _>>() }
}

/// An IP address and port.
pub(crate) fn socket_address(address: &str, port: u16) -> Address {
    let port_specifier = Some(PortSpecifier::PortValue(port.into()));
    let socket = SocketAddress { address: address.to_owned(), port_specifier, ..Default::default() };
    Address { address: Some(AddressKind::SocketAddress(socket)) }
}

/// A UNIX socket.
pub(crate) fn pipe(path: &str) -> Address {
    Address { address: Some(AddressKind::Pipe(Pipe { path: path.to_owned(), mode: 0 })) }
}

/// A service that Envoy itself calls, under this host.
pub(crate) fn grpc_service(cluster: &str, host: &str) -> GrpcService {
    let target = EnvoyGrpc { cluster_name: cluster.to_owned(), authority: host.to_owned(), ..EnvoyGrpc::default() };
    GrpcService { target_specifier: Some(TargetSpecifier::EnvoyGrpc(target)), ..GrpcService::default() }
}

/// Over the stream that delivered the resource itself, waiting as long as it takes.
pub(crate) fn ads() -> ConfigSource {
    ConfigSource {
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        initial_fetch_timeout: Some(protobuf::Duration::default()),
        resource_api_version: ApiVersion::V3.into(),
        ..Default::default()
    }
}
