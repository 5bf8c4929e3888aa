//! Which version of HTTP is spoken to endpoints.

use envoy_types::pb::envoy::config::core::v3::http1_protocol_options::HeaderKeyFormat;
use envoy_types::pb::envoy::config::core::v3::http1_protocol_options::header_key_format::HeaderFormat;
use envoy_types::pb::envoy::config::core::v3::{Http1ProtocolOptions, Http2ProtocolOptions, TypedExtensionConfig};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::explicit_http_config::ProtocolConfig;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, UseDownstreamHttpConfig,
};
use envoy_types::pb::google::protobuf::Any;

use crate::api::destination_rule::{ConnectionPool, H2UpgradePolicy};
use crate::model::facts::Protocol;

use super::Traits;
use super::draft::Draft;

/// Sets what a port's protocol asks for: HTTP/2 from the first byte; the caller's version where the protocol is
/// detected, though not at gateways, which offer both versions and would call servers in one they lack.
pub(super) fn set(draft: &mut Draft, protocol: Protocol, traits: &Traits) {
    if protocol.is_http2() {
        return http2(draft);
    }
    if traits.keep_case && (protocol.is_http() || protocol.is_detected()) {
        let protocol_config = Some(ProtocolConfig::HttpProtocolOptions(http1(true)));
        let explicit = ExplicitHttpConfig { protocol_config };
        draft.http().upstream_protocol_options = Some(UpstreamProtocolOptions::ExplicitHttpConfig(explicit));
    }
    if protocol.is_detected() && !traits.gateway {
        as_called(draft);
    }
}

/// Makes HTTP/1 calls HTTP/2 where the rule, or else the mesh, says so. The mesh's word is for ports that say HTTP
/// themselves (istio `cluster_traffic_policy.go`, `shouldH2Upgrade`).
pub(super) fn upgrade(draft: &mut Draft, protocol: Protocol, pool: &ConnectionPool, mesh: bool) {
    let http = pool.http.as_ref();
    let upgrades = match http.map(|h| h.h2_upgrade_policy).unwrap_or_default() {
        _ if http.is_some_and(|h| h.use_client_protocol) => false,
        H2UpgradePolicy::Upgrade => true,
        H2UpgradePolicy::DoNotUpgrade => false,
        H2UpgradePolicy::Default => mesh && protocol.is_http(),
    };
    if upgrades {
        http2(draft);
    }
}

/// The caller's own version, keeping HTTP/1 options already set.
pub(super) fn as_called(draft: &mut Draft) {
    let options = &mut draft.http().upstream_protocol_options;
    let kept = match options.take() {
        Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
            protocol_config: Some(ProtocolConfig::HttpProtocolOptions(http1)),
        })) => http1,
        _ => Http1ProtocolOptions::default(),
    };
    *options = Some(UpstreamProtocolOptions::UseDownstreamProtocolConfig(both(kept)));
}

/// The caller's own version of HTTP.
pub(super) fn both(http1: Http1ProtocolOptions) -> UseDownstreamHttpConfig {
    UseDownstreamHttpConfig {
        http_protocol_options: Some(http1),
        http2_protocol_options: Some(Http2ProtocolOptions::default()),
        ..Default::default()
    }
}

/// HTTP/1, perhaps keeping the case in which headers were written.
pub(super) fn http1(keep_case: bool) -> Http1ProtocolOptions {
    let formatter = || {
        let type_url = "type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.\
                        PreserveCaseFormatterConfig";
        HeaderFormat::StatefulFormatter(TypedExtensionConfig {
            name: "preserve_case".to_owned(),
            typed_config: Some(Any { type_url: type_url.to_owned(), value: Vec::new() }),
        })
    };
    let header_key_format = keep_case.then(|| HeaderKeyFormat { header_format: Some(formatter()) });
    Http1ProtocolOptions { header_key_format, ..Default::default() }
}

/// HTTP/2, where nothing else was chosen before.
fn http2(draft: &mut Draft) {
    draft.http().upstream_protocol_options.get_or_insert_with(|| {
        let protocol_config = Some(ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions::default()));
        UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig { protocol_config })
    });
}
