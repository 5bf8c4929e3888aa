//! What is different at the edge of the mesh.

use crate::api::mesh::{
    ConnectionSettings, ForwardClientCert, HeadersWithUnderscores, PathWithEscapedSlashes, Topology,
};
use crate::base::Duration;
use crate::generate::filter::ClientCertificate;

/// What Envoy's authors advise for the edge, where nothing is said (istio `connection_settings.go`,
/// `applyEdgeProfileDefaults`).
pub(super) fn profile(mut limits: ConnectionSettings) -> ConnectionSettings {
    limits.listener_per_connection_buffer_limit_bytes.get_or_insert(32 * 1024);
    limits.http_idle_timeout.get_or_insert(Duration::from_secs(3600));
    limits.http_stream_idle_timeout.get_or_insert(Duration::from_secs(300));
    limits.http_request_timeout.get_or_insert(Duration::from_secs(300));
    limits.http_request_headers_timeout.get_or_insert(Duration::from_secs(60));
    limits.http_max_concurrent_streams.get_or_insert(100);
    limits.http2_initial_stream_window_size.get_or_insert(64 * 1024);
    limits.http2_initial_connection_window_size.get_or_insert(1024 * 1024);
    limits.http_merge_slashes.get_or_insert(true);
    if limits.http_headers_with_underscores_action == HeadersWithUnderscores::Unspecified {
        limits.http_headers_with_underscores_action = HeadersWithUnderscores::RejectRequest;
    }
    if limits.http_path_with_escaped_slashes_action == PathWithEscapedSlashes::Unspecified {
        limits.http_path_with_escaped_slashes_action = PathWithEscapedSlashes::UnescapeAndRedirect;
    }
    limits
}

/// What becomes of the header with the caller's certificate (istio `gateway.go`, `buildGatewayConnectionManager`).
pub(super) fn certificate(topology: Option<&Topology>) -> ClientCertificate {
    let said = topology.map(|t| t.forward_client_cert_details).unwrap_or_default();
    let forward = if said == ForwardClientCert::Undefined { ForwardClientCert::SanitizeSet } else { said };
    let tells = matches!(forward, ForwardClientCert::AppendForward | ForwardClientCert::SanitizeSet);
    ClientCertificate { forward, tells, subject: true, cert: true, chain: false, dns: true, uri: true }
}
