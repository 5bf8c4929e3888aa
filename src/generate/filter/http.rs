//! Filters of HTTP calls (istio `pilot/pkg/xds/filters/filters.go`).

use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::substitution_format_string::Format;
use envoy_types::pb::envoy::config::core::v3::{DataSource, SubstitutionFormatString};
use envoy_types::pb::envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig;
use envoy_types::pb::envoy::extensions::filters::common::set_filter_state::v3::FilterStateValue;
use envoy_types::pb::envoy::extensions::filters::common::set_filter_state::v3::filter_state_value::{
    Key, SharedWithUpstream, Value,
};
use envoy_types::pb::envoy::extensions::filters::http::cors::v3::Cors;
use envoy_types::pb::envoy::extensions::filters::http::dynamic_forward_proxy::v3::FilterConfig as DynamicForward;
use envoy_types::pb::envoy::extensions::filters::http::dynamic_forward_proxy::v3::filter_config::ImplementationSpecifier;
use envoy_types::pb::envoy::extensions::filters::http::fault::v3::HttpFault;
use envoy_types::pb::envoy::extensions::filters::http::grpc_stats::v3::FilterConfig as GrpcStats;
use envoy_types::pb::envoy::extensions::filters::http::grpc_stats::v3::filter_config::PerMethodStatSpecifier;
use envoy_types::pb::envoy::extensions::filters::http::grpc_web::v3::GrpcWeb;
use envoy_types::pb::envoy::extensions::filters::http::header_mutation::v3::HeaderMutation;
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::Config as HeaderToMetadata;
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::JwtAuthentication;
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::http::set_filter_state::v3::Config as SetFilterState;
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter as EnvoyFilter;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use envoy_types::pb::google::protobuf::Any;
use prost::Name;
use serde_json::json;

use crate::base::{Host, Str};
use crate::generate::cluster::Family;
use crate::generate::dns::{cache_of_unknown, cache_under};
use crate::generate::proto;
use crate::generate::tls::ALPN_BY_CALL;
use crate::model::facts::Handle;
use crate::proto::istio::envoy::config::filter::http::alpn::v2alpha1::FilterConfig as Alpn;
use crate::proto::istio::envoy::config::filter::http::alpn::v2alpha1::filter_config::{AlpnOverride, Protocol};
use crate::proto::stats::PluginConfig;
use crate::wire::any;

use super::access::Access;
use super::stats::Stats;
use super::tokens::Tokens;
use super::typed::typed_struct;
use super::{messages, peer};

/// A filter of calls. The order of the variants is the order in which calls pass them (istio `listener_builder.go`,
/// `buildHTTPConnectionManager`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HttpFilter {
    /// Tells servers who calls, and learns who answers.
    TellServers {
        /// Whether servers outside the mesh are not told.
        mesh_only: bool,
    },
    /// Learns who calls, and tells callers who answers.
    TellCallers,
    /// Asks whether a call is let in; the number is its place among such steps.
    Asked(u8, Handle<Access>),
    /// Looks at the caller's tokens.
    Tokens(Handle<Tokens>),
    /// Decides whether a call is let in, perhaps by what tokens say; the number is its place among such steps.
    Access(u8, Handle<Access>),
    /// Gives the header by which callers introduce themselves up where their certificate says something else.
    Doubt,
    /// Learns from that header who calls, and takes it out.
    Recognise,
    /// Tells servers of the mesh in a header who calls; how is a resource of its own ([`Introduction`]), so that others
    /// share the listener.
    ///
    /// [`Introduction`]: super::Introduction
    Introduce,
    /// Translates gRPC for browsers.
    GrpcWeb,
    /// Counts gRPC messages.
    GrpcStats,
    /// Tells those numbers to metrics.
    Messages,
    /// Offers the mesh's protocols in the handshake with the server, by the protocol of the call.
    Alpn,
    /// The same for an Envoy that is not Istio's build.
    AlpnByState,
    /// Faults that routes inject.
    Fault,
    /// Cross-origin rules of routes.
    Cors,
    /// Istio's metrics.
    Stats(Stats),
    /// Resolves the name that the caller asked for, under a wildcard host.
    Resolve(Host, Family),
    /// Resolves names that nobody knows, at this resolver, or the machine's own.
    ResolveUnknown(Family, Option<(Str, u16)>),
    /// Sends the call to the cluster of its route.
    Router {
        /// Whether `x-envoy-*` headers are left out.
        quiet: bool,
    },
}

impl HttpFilter {
    /// The type of its configuration, by which a proxy says whether it has the filter.
    pub fn extension(&self) -> String {
        match self {
            Self::TellServers { .. } | Self::TellCallers => PEER_METADATA.to_owned(),
            Self::Asked(_, step) | Self::Access(_, step) => step.call_extension(),
            Self::Tokens(_) => JwtAuthentication::full_name(),
            Self::Recognise => HeaderToMetadata::full_name(),
            Self::Doubt | Self::Introduce => HeaderMutation::full_name(),
            Self::GrpcWeb => GrpcWeb::full_name(),
            Self::GrpcStats => GrpcStats::full_name(),
            Self::Messages => Wasm::full_name(),
            Self::Alpn => Alpn::full_name(),
            Self::AlpnByState => SetFilterState::full_name(),
            Self::Fault => HttpFault::full_name(),
            Self::Cors => Cors::full_name(),
            Self::Stats(_) => PluginConfig::full_name(),
            Self::Resolve(..) | Self::ResolveUnknown(..) => DynamicForward::full_name(),
            Self::Router { .. } => Router::full_name(),
        }
    }

    pub(super) fn build(&self) -> EnvoyFilter {
        let (name, config) = match self {
            Self::TellServers { mesh_only } => ("istio.metadata_exchange", tell_servers(*mesh_only)),
            Self::TellCallers => ("istio.metadata_exchange", tell_callers()),
            Self::Asked(_, step) | Self::Access(_, step) => step.build_for_calls(),
            Self::Tokens(tokens) => ("envoy.filters.http.jwt_authn", any(&tokens.build())),
            Self::Doubt => ("envoy.filters.http.header_mutation", any(&peer::doubt())),
            Self::Recognise => ("envoy.filters.http.header_to_metadata", any(&peer::recognise())),
            Self::Introduce => return peer::discovered(),
            Self::GrpcWeb => ("envoy.filters.http.grpc_web", any(&GrpcWeb {})),
            Self::GrpcStats => ("envoy.filters.http.grpc_stats", any(&grpc_stats())),
            Self::Messages => ("envoy.filters.http.wasm", any(&messages::filter())),
            Self::Alpn => ("istio.alpn", any(&alpn())),
            Self::AlpnByState => ("envoy.filters.http.set_filter_state", any(&alpn_by_state())),
            Self::Fault => ("envoy.filters.http.fault", any(&HttpFault::default())),
            Self::Cors => ("envoy.filters.http.cors", any(&Cors {})),
            Self::Stats(stats) => ("istio.stats", stats.build()),
            Self::Resolve(host, family) => (DYNAMIC_FORWARD, resolve(cache_under(host, *family))),
            Self::ResolveUnknown(family, resolver) => {
                (DYNAMIC_FORWARD, resolve(cache_of_unknown(*family, resolver.as_ref())))
            }
            Self::Router { quiet } => {
                let router = Router { suppress_envoy_headers: *quiet, ..Router::default() };
                ("envoy.filters.http.router", any(&router))
            }
        };
        let config_type = Some(ConfigType::TypedConfig(config));
        EnvoyFilter { name: name.to_owned(), config_type, ..EnvoyFilter::default() }
    }
}

const PEER_METADATA: &str = "type.googleapis.com/io.istio.http.peer_metadata.Config";

fn tell_servers(mesh_only: bool) -> Any {
    let headers = if mesh_only { json!({"skip_external_clusters": true}) } else { json!({}) };
    let config = json!({
        "upstream_discovery": [{"istio_headers": {}}, {"workload_discovery": {}}],
        "upstream_propagation": [{"istio_headers": headers}],
    });
    typed_struct(PEER_METADATA, &config)
}

fn tell_callers() -> Any {
    let config = json!({
        "downstream_discovery": [{"istio_headers": {}}, {"workload_discovery": {}}],
        "downstream_propagation": [{"istio_headers": {}}],
    });
    typed_struct(PEER_METADATA, &config)
}

fn grpc_stats() -> GrpcStats {
    GrpcStats {
        emit_filter_state: true,
        per_method_stat_specifier: Some(PerMethodStatSpecifier::StatsForAllMethods(proto::bool_value(false))),
        ..GrpcStats::default()
    }
}

/// `istio` is for servers of old, the last one for servers outside the mesh.
fn alpn() -> Alpn {
    let offer = |protocol: Protocol, names: [&str; 3]| AlpnOverride {
        upstream_protocol: protocol.into(),
        alpn_override: names.map(str::to_owned).to_vec(),
    };
    Alpn {
        alpn_override: vec![
            offer(Protocol::Http10, ["istio-http/1.0", "istio", "http/1.0"]),
            offer(Protocol::Http11, ["istio-http/1.1", "istio", "http/1.1"]),
            offer(Protocol::Http2, ["istio-h2", "istio", "h2"]),
        ],
    }
}

/// Envoy's own TLS sockets offer what is found under this key, if anything. It is set for clusters that speak the
/// caller's version of HTTP; others offer what they speak.
fn alpn_by_state() -> SetFilterState {
    let offer = format!(
        "%CEL('{ALPN_BY_CALL}' in xds.cluster_metadata.filter_metadata['istio'] ? \
         (request.protocol == 'HTTP/2' ? 'istio-h2,istio,h2' : 'istio-http/1.1,istio,http/1.1') : '')%"
    );
    let source = DataSource { specifier: Some(Specifier::InlineString(offer)), ..DataSource::default() };
    let format = SubstitutionFormatString {
        format: Some(Format::TextFormatSource(source)),
        // A cluster without such metadata gives nothing, and not a dash.
        omit_empty_values: true,
        ..SubstitutionFormatString::default()
    };
    let value = FilterStateValue {
        key: Some(Key::ObjectKey("envoy.network.application_protocols".to_owned())),
        value: Some(Value::FormatString(format)),
        shared_with_upstream: SharedWithUpstream::Once.into(),
        skip_if_empty: true,
        ..FilterStateValue::default()
    };
    SetFilterState { on_request_headers: vec![value], ..SetFilterState::default() }
}

const DYNAMIC_FORWARD: &str = "envoy.filters.http.dynamic_forward_proxy";

fn resolve(cache: DnsCacheConfig) -> Any {
    let cache = ImplementationSpecifier::DnsCacheConfig(cache);
    any(&DynamicForward { implementation_specifier: Some(cache), ..DynamicForward::default() })
}
